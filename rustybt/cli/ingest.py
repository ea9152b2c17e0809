"""How does market data get into a bundle from the command line?"""

import math
from pathlib import Path

import click
import numpy as np
import pandas as pd

from rustybt.constants import DEFAULT_CALENDAR
from rustybt.data.bundles import ingest as ingest_bundle
from rustybt.data.bundles import ingest_csvdir, load, versions
from rustybt.data.manifest import Manifest
from rustybt.data.store import BundleData

MOST_NAMED = 5

progress_option = click.option(
    "--show-progress/--no-show-progress", default=True, help="Show a bar on a terminal.  [default: yes]"
)


@click.group(invoke_without_command=True)
@click.option("-b", "--bundle", metavar="NAME", help="A registered bundle, or a csvdir bundle to read again.")
@progress_option
@click.pass_context
def ingest(ctx: click.Context, bundle: str | None, show_progress: bool) -> None:
    """Read market data into a new version of a bundle.

    Older versions stay until `rustybt clean` deletes them. A run that is interrupted leaves them as they were.
    """
    if ctx.invoked_subcommand is not None:
        if bundle is not None:
            raise click.UsageError("-b names a bundle that is known: csvdir takes --name.")
        return
    if bundle is None:
        raise click.UsageError("Missing option '-b', or the command csvdir.")
    report(bundle, ingest_bundle(bundle, show_progress=show_progress))


@ingest.command()
@click.argument("path", type=click.Path(path_type=Path), metavar="PATH")
@click.option("--name", required=True, help="The new bundle's name.")
@click.option("--calendar", default=DEFAULT_CALENDAR, show_default=True, help="Exchange calendar of the bars.")
@progress_option
def csvdir(path: Path, name: str, calendar: str, show_progress: bool) -> None:
    """Read a folder of CSV files, one a symbol, in PATH/daily, PATH/minute or both.

    Columns: date, open, high, low, close, volume, and optionally dividend and split. The date of a minute is its end
    in UTC. Daily bars are made of minutes where there are minutes alone.
    """
    report(name, ingest_csvdir(path, name, calendar, show_progress=show_progress))


def report(name: str, version: str) -> None:
    """Say what the new version holds, which sessions it lacks, and which splits its prices do not show."""
    manifest = next(record.manifest for record in versions(name) if record.version == version)
    if manifest is None:
        return
    click.echo(f"{name}: {contents(manifest)}")
    if manifest.description:
        click.echo(manifest.description)
    for line in (*gap_lines(manifest), *split_lines(load(name))):
        click.echo(line, err=True)


def contents(manifest: Manifest) -> str:
    """Give a version's size and span in a few words."""
    minutes = f"{manifest.minute_rows:,} minute bars, " if manifest.minute_rows else ""
    return (
        f"{manifest.assets:,} symbol{'s' * (manifest.assets != 1)}, {manifest.rows:,} daily bars, {minutes}"
        f"{manifest.first_session} to {manifest.last_session} ({manifest.calendar})"
    )


def gap_lines(manifest: Manifest) -> list[str]:
    """Name the symbols that lack sessions between their first and last bar, the worst first."""
    worst = sorted(manifest.gaps.items(), key=lambda item: (-int(item[1]["missing"]), item[0]))
    lines = [
        f"Gap: {asset.rpartition(' ')[0]} has no bar on {gap['missing']:,} of its sessions, the first on {gap['first']}"
        for asset, gap in worst[:MOST_NAMED]
    ]
    more = len(worst) - len(lines)
    return [*lines, f"Gap: and {more:,} more symbols"] if more > 0 else lines


def split_lines(bundle: BundleData) -> list[str]:
    """Name the splits over which the close stood still: a sign of prices that were adjusted before they came here."""
    lines = []
    for sid, day_ns, ratio in bundle.adjustments.splits.tolist():
        asset = bundle.asset_finder.retrieve_asset(sid)
        before, after = closes_around(bundle, asset.column, day_ns)
        move = math.log(after / before) if before > 0 and after > 0 else math.nan
        if abs(move) < abs(move - math.log(ratio)):
            day = pd.Timestamp(day_ns).date()
            lines.append(
                f"Split: {asset.symbol} splits {1 / ratio:g} for 1 on {day}, but its close goes from {before:g} to "
                f"{after:g}: leave the split out if the prices are adjusted for it already"
            )
    more = len(lines) - MOST_NAMED
    return [*lines[:MOST_NAMED], f"Split: and {more:,} more"] if more > 0 else lines


def closes_around(bundle: BundleData, column: int, day_ns: int) -> tuple[float, float]:
    """Give an asset's close before a day and on it; NaN where there is none."""
    row = int(np.searchsorted(bundle.sessions.session_ns, day_ns))
    close = bundle.daily("close")
    if not 0 < row < len(close):
        return math.nan, math.nan
    return float(close[row - 1, column]), float(close[row, column])
