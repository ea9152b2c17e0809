"""How does market data get into a bundle from the command line?"""

import math
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click
import numpy as np
import pandas as pd

from rustybt.cli.boundary import NamedCommands
from rustybt.constants import DEFAULT_CALENDAR
from rustybt.data.bundles import ingest as ingest_bundle
from rustybt.data.bundles import ingest_csvdir, ingest_parquetdir, ingest_zipline, load, versions
from rustybt.data.bundles.findings import KINDS, lines_of
from rustybt.data.bundles.raw_bars import Frame
from rustybt.data.bundles.screening import ON_BAD_BARS
from rustybt.data.manifest import Manifest
from rustybt.data.store import BundleData
from rustybt.errors import IngestWarning

MOST_NAMED = 5

progress_option = click.option(
    "--show-progress/--no-show-progress", default=True, help="Show a bar on a terminal.  [default: yes]"
)
append_option = click.option(
    "--append", is_flag=True, help="Go on from the newest version: add what is new, keep the rest and the sids."
)
restate_option = click.option("--restate", is_flag=True, help="With --append: let new data change the past.")

_OF_FILES = (
    click.option("--name", required=True, help="The bundle's name."),
    click.option(
        "--on-bad-bars",
        type=click.Choice(ON_BAD_BARS),
        default="error",
        show_default=True,
        help="What becomes of bars that cannot be, such as a high below the low.",
    ),
    click.option(
        "--dividend-pay-lag",
        type=click.IntRange(0, 3650),
        metavar="N",
        help="Pay dividends without a pay date N days after their ex-date; they are never paid if omitted.",
    ),
    click.option("--full-precision", is_flag=True, help="Keep all digits of prices, not thousandths as Zipline does."),
    click.option(
        "--dataset",
        "datasets",
        multiple=True,
        metavar="NAME=FILE",
        callback=lambda _context, _option, pairs: dict(pair_of(pair) for pair in pairs),
        help="Add a point-in-time table, of Parquet or CSV: symbol, asof_date, timestamp, values; repeatable.",
    ),
    append_option,
    restate_option,
    progress_option,
)


calendar_option = click.option(
    "--calendar", default=DEFAULT_CALENDAR, show_default=True, help="Exchange calendar of the bars."
)


def file_options(command: Callable[..., None]) -> Callable[..., None]:
    """Give a command the options of every source in files."""
    for option in reversed(_OF_FILES):
        command = option(command)
    return command


@click.group(cls=NamedCommands, invoke_without_command=True)
@click.option("-b", "--bundle", metavar="NAME", help="A registered bundle, or one of files, which are read again.")
@append_option
@restate_option
@progress_option
@click.pass_context
def ingest(ctx: click.Context, bundle: str | None, append: bool, restate: bool, show_progress: bool) -> None:
    """Read market data into a new version of a bundle.

    Older versions stay until `rustybt clean` deletes them. A run that is interrupted leaves them as they were.
    """
    if ctx.invoked_subcommand is not None:
        if bundle is not None:
            raise click.UsageError(f"-b names a bundle that is known: {ctx.invoked_subcommand} takes --name.")
        return
    if bundle is None:
        raise click.UsageError("Missing option '-b', or a command, such as csvdir.")
    report(bundle, lambda: ingest_bundle(bundle, show_progress=show_progress, append=append, restate=restate))


@ingest.command()
@click.argument("path", type=click.Path(path_type=Path), metavar="PATH")
@calendar_option
@file_options
def csvdir(path: Path, name: str, calendar: str, **how: Any) -> None:
    """Read a folder of CSV or Parquet files, one a symbol, in PATH/daily, PATH/minute or both.

    Columns: date, open, high, low, close, volume, and optionally dividend and split. The date of a minute is its end
    in UTC. Daily bars are made of minutes where there are minutes alone. PATH may hold assets.csv, dividends.csv and
    splits.csv too.
    """
    report(name, lambda: ingest_csvdir(path, name, calendar, **how))


@ingest.command()
@click.argument("path", type=click.Path(path_type=Path), metavar="PATH")
@click.option(
    "--columns",
    "pairs",
    multiple=True,
    metavar="NAME=COLUMN",
    help="Where a column of bars has no usual name, such as symbol=instrument_id; repeatable.",
)
@click.option("--minute", "frame", flag_value="minute", help="The rows are minutes; seen from the dates if omitted.")
@calendar_option
@file_options
def parquetdir(path: Path, pairs: tuple[str, ...], frame: Frame | None, name: str, calendar: str, **how: Any) -> None:
    """Read one or more Parquet files with many symbols in each: PATH is a file or a folder.

    Columns: symbol (or ticker), date, open, high, low, close, volume, and optionally dividend and split. Without a
    column of symbols each file is one symbol. PATH may hold assets.csv, dividends.csv and splits.csv too.
    """
    columns = dict(pair_of(pair) for pair in pairs)
    report(name, lambda: ingest_parquetdir(path, name, calendar, columns=columns, frame=frame, **how))


@ingest.command()
@click.argument("path", type=click.Path(path_type=Path), metavar="PATH")
@click.option("--calendar", help="Exchange calendar, for bundles so old that they do not say it.")
@file_options
def zipline(path: Path, name: str, calendar: str | None, **how: Any) -> None:
    """Read a bundle that Zipline ingested: PATH is its folder, such as ~/.zipline/data/quandl, or that of a version.

    Assets with all their symbols, splits, mergers and dividends, daily and minute bars. Of a bundle the newest version
    is read. Bars need the package bcolz-zipline: pip install "rustybt[zipline]".
    """
    report(name, lambda: ingest_zipline(path, name, calendar, **how))


def pair_of(pair: str) -> tuple[str, str]:
    """Split NAME=VALUE."""
    name, equals, column = pair.partition("=")
    if not (name and equals and column):
        raise click.BadParameter(f"{pair!r} is not of the form NAME=VALUE")
    return name, column


def report(name: str, ingested: Callable[[], str]) -> None:
    """Ingest, and say what the version holds, what was wrong, and which sessions it lacks."""
    before = {record.version for record in versions(name)}
    with warnings.catch_warnings(record=True) as heard:
        warnings.simplefilter("always", IngestWarning)
        version = ingested()
    manifest = next(record.manifest for record in versions(name) if record.version == version)
    if manifest is None:
        return
    click.echo(f"{name}: {contents(manifest)}{'' if version not in before else '; nothing is new'}")
    if manifest.description:
        click.echo(manifest.description)
    named = len(lines_of(manifest.findings, 0)) > 0
    for one in heard:
        if not (named and issubclass(one.category, IngestWarning) and is_finding(str(one.message), manifest)):
            warnings.showwarning(one.message, one.category, one.filename, one.lineno)
    for line in (*finding_lines(manifest), *gap_lines(manifest), *split_lines(load(name))):
        click.echo(line, err=True)


def is_finding(text: str, manifest: Manifest) -> bool:
    """Say whether a warning is about what the manifest names too."""
    kinds = [KINDS[kind] for kind in manifest.findings if kind in KINDS]
    return any(words in text for words in kinds) or text in manifest.findings.get("notes", ())


def finding_lines(manifest: Manifest) -> list[str]:
    """Name what was wrong with the data, some rows of each kind, and where to read the rest."""
    lines = lines_of(manifest.findings, MOST_NAMED)
    if any("more, by symbol" in line for line in lines):
        lines.append(f"all of it: rustybt bundles show {manifest.name}")
    return lines


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
