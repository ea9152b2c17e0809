"""Which bundles are there, and how fast are they read?"""

import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING

import click
from rich.table import Table

from rustybt.cli.ingest import contents
from rustybt.cli.tables import console_for
from rustybt.data.bundles import VersionRecord, available
from rustybt.data.bundles.layout import data_root

if TYPE_CHECKING:
    from rustybt.optimization.bundle_pool import BundleConnectionPool

SHOWN_OF_FINGERPRINT = 12

QUERIES = (
    ("all rows", "SELECT count(*), sum(volume) FROM bars_daily"),
    ("one asset", "SELECT session, close FROM bars_daily WHERE sid = (SELECT min(sid) FROM assets)"),
    ("one session", "SELECT sid, close FROM bars_daily WHERE session = (SELECT max(session) FROM bars_daily)"),
    ("by year", "SELECT year(session) AS year, sid, avg(close) FROM bars_daily GROUP BY ALL"),
    ("assets", "SELECT * FROM assets"),
)
"""What `profile` runs where it is not told what to run."""


@click.group(invoke_without_command=True)
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


def version_line(version: VersionRecord) -> str:
    """Say when a version was made and what it holds."""
    when = version.ingested.strftime("%Y-%m-%d %H:%M:%S")
    if version.manifest is None:
        return f"{when}  damaged: ingest again, and remove it with rustybt clean"
    return f"{when}  {contents(version.manifest)}  {version.manifest.fingerprint[:SHOWN_OF_FINGERPRINT]}"


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
