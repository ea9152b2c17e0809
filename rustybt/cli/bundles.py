"""Which bundles are there, what is in them, are they whole, and how fast are they read?"""

import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING

import click
from rich.table import Table

from rustybt.cli.boundary import NamedCommands
from rustybt.cli.ingest import contents
from rustybt.cli.tables import console_for
from rustybt.data.bundles import VersionRecord, available, load
from rustybt.data.bundles import verify as verify_bundle
from rustybt.data.bundles.findings import MOST_NAMED, lines_of
from rustybt.data.bundles.layout import data_root
from rustybt.data.manifest import Manifest

if TYPE_CHECKING:
    from rustybt.optimization.bundle_pool import BundleConnectionPool

SHOWN_OF_FINGERPRINT = 12
SHOWN = 5
"""Rows and symbols of each kind that a report names."""

QUERIES = (
    ("all rows", "SELECT count(*), sum(volume) FROM bars_daily"),
    ("one asset", "SELECT session, close FROM bars_daily WHERE sid = (SELECT min(sid) FROM assets)"),
    ("one session", "SELECT sid, close FROM bars_daily WHERE session = (SELECT max(session) FROM bars_daily)"),
    ("by year", "SELECT year(session) AS year, sid, avg(close) FROM bars_daily GROUP BY ALL"),
    ("assets", "SELECT * FROM assets"),
)
"""What `profile` runs where it is not told what to run."""


@click.group(cls=NamedCommands, invoke_without_command=True)
@click.pass_context
def bundles(ctx: click.Context) -> None:
    """List the bundles that can be ingested, and the versions that were."""
    if ctx.invoked_subcommand is not None:
        return
    for bundle in available():
        click.echo(bundle.name + ("" if bundle.versions else " (not ingested yet)"))
        if bundle.description:
            click.echo(f"  {bundle.description}")
        for version in reversed(bundle.versions):
            click.echo(f"  {version_line(version)}")
    click.echo(f"in {data_root()}")


@bundles.command()
@click.argument("name")
@click.option("--version", metavar="TIME", help="The version that was the newest at this time (UTC).")
@click.option("--all", "most", flag_value=MOST_NAMED, type=int, help="Name everything that the manifest names.")
def show(name: str, version: str | None, most: int | None) -> None:
    """Say what a bundle's newest version holds, and what was wrong with its data."""
    bundle = load(name, timestamp=version)
    manifest, shown = bundle.manifest, SHOWN if most is None else most
    rows = (
        ("version", bundle.version),
        ("source", " ".join(f"{key}={value}" for key, value in manifest.source.items())),
        ("calendar", f"{manifest.calendar}, {manifest.sessions:,} sessions"),
        ("span", f"{manifest.first_session} to {manifest.last_session}"),
        ("assets", f"{manifest.assets:,}"),
        ("daily bars", f"{manifest.rows:,}{', made of the minutes' if manifest.daily_from_minutes else ''}"),
        ("minute bars", f"{manifest.minute_rows:,}"),
        ("splits", f"{len(bundle.adjustments.splits):,}"),
        ("dividends", f"{len(bundle.adjustments.dividends):,}"),
        ("datasets", ", ".join(bundle.datasets) or "none"),
        ("prices", "all digits" if manifest.price_quantum is None else f"steps of {manifest.price_quantum:g}"),
        ("size", size_of(manifest)),
        ("fingerprint", manifest.fingerprint),
        ("folder", str(bundle.path)),
    )
    for label, text in rows:
        click.echo(f"{label:<13}{text}")
    if manifest.description:
        click.echo(manifest.description)
    for line in (*lines_of(manifest.findings, shown), *gap_report(manifest, shown)):
        click.echo(line)


def gap_report(manifest: Manifest, most: int) -> list[str]:
    """Name the sessions that symbols lack, the worst first."""
    lines = []
    for kind, gaps in (("daily", manifest.gaps), ("minute", manifest.minute_gaps)):
        if not gaps:
            continue
        worst = sorted(gaps.items(), key=lambda item: (-int(item[1]["missing"]), item[0]))
        total = sum(int(gap["missing"]) for gap in gaps.values())
        lines.append(f"{total:,} sessions without a {kind} bar between the first and the last of their symbols:")
        for asset, gap in worst[:most]:
            spans = [first if first == last else f"{first} to {last}" for first, last in gap.get("spans", [])]
            named = ", ".join(spans) or gap["first"]
            lines.append(
                f"  {asset.rpartition(' ')[0]}: {gap['missing']:,} ({named}{', ...' if len(spans) > 19 else ''})"
            )
        lines += [f"  and {len(worst) - most:,} more symbols"] if len(worst) > most else []
    return lines


def size_of(manifest: Manifest) -> str:
    """Give the bytes of a version's files in words."""
    size = sum(int(record["bytes"]) for record in manifest.files.values())
    return f"{size / 1e6:,.1f} MB in {len(manifest.files)} files"


@bundles.command()
@click.argument("name")
@click.option("--version", metavar="VERSION", help="One version; all if omitted.")
def verify(name: str, version: str | None) -> None:
    """Compare every byte of a bundle's versions with the digests that were written when they were ingested."""
    found = verify_bundle(name, version)
    for one in found:
        state = "DAMAGED" if one.problems else "whole"
        click.echo(f"{one.version}  {state}: {one.files} files, {one.bytes / 1e6:,.1f} MB")
        for problem in one.problems:
            click.echo(f"  {problem}")
        for array in one.dropped:
            click.echo(f"  removed a damaged array, which will be made again: {array}")
    if any(one.problems for one in found):
        raise click.exceptions.Exit(1)


def version_line(version: VersionRecord) -> str:
    """Say when a version was made and what it holds."""
    when = version.ingested.strftime("%Y-%m-%d %H:%M:%S")
    if version.manifest is None:
        return f"{when}  damaged: ingest again, and remove it with rustybt clean"
    manifest = version.manifest
    missing = sum(int(gap["missing"]) for gap in manifest.gaps.values())
    gaps = f", {missing:,} missing" if missing else ""
    return f"{when}  {contents(manifest)}{gaps}  {size_of(manifest)}  {manifest.fingerprint[:SHOWN_OF_FINGERPRINT]}"


@bundles.command()
@click.argument("name")
@click.option("--query", "queries", multiple=True, metavar="SQL", help="Run this instead; repeatable.")
@click.option("--repeats", type=click.IntRange(1, 10_000), default=5, show_default=True, help="Runs of each query.")
@click.option(
    "--slow", type=click.FloatRange(0), default=0.1, show_default=True, metavar="SECONDS", help="List slower ones."
)
def profile(name: str, queries: tuple[str, ...], repeats: int, slow: float) -> None:
    """Time queries over a bundle's newest version, on one connection that is kept."""
    import duckdb

    from rustybt.optimization.bundle_pool import BundleConnectionPool

    with BundleConnectionPool(slow_query_s=slow) as pool:
        pool.bundle(name)
        try:
            table = profiled(pool, name, [(query, query) for query in queries] or QUERIES, repeats)
        except duckdb.Error as error:
            raise click.ClickException(" ".join(str(error).split())) from error
        console_for(sys.stdout).print(table)
        click.echo(str(pool.statistics))
        for found in pool.slow_queries:
            click.echo(f"slow: {found.seconds:.3f} s, {found.rows:,} rows: {found.statement}")


def profiled(pool: "BundleConnectionPool", name: str, asked: Sequence[tuple[str, str]], repeats: int) -> Table:
    """Run queries, and give a table of their times."""
    table = Table(box=None, pad_edge=False)
    for column, justify in (("query", "left"), ("rows", "right"), ("first ms", "right"), ("best ms", "right")):
        table.add_column(column, justify=justify, overflow="fold")  # type: ignore[arg-type]
    for label, query in asked:
        seconds, rows = [], 0
        for _ in range(repeats):
            before = pool.statistics.seconds_querying
            rows = pool.query(name, query).num_rows
            seconds.append(pool.statistics.seconds_querying - before)
        table.add_row(label, f"{rows:,}", f"{seconds[0] * 1e3:,.2f}", f"{min(seconds) * 1e3:,.2f}")
    return table
