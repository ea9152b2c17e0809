"""What do a bundle's tables say? One query from the command line."""

import sys
from pathlib import Path
from typing import Any, Final

import click

from rustybt.cli.tables import console_for
from rustybt.data.bundles import load
from rustybt.data.sql import QueryResult

SHOWN_ROWS: Final = 50


@click.command()
@click.argument("statement")
@click.option("-b", "--bundle", required=True, metavar="NAME", help="The bundle.")
@click.option("--bundle-timestamp", metavar="TIME", help="The version that was the newest at this time (UTC).")
@click.option(
    "--format", "form", type=click.Choice(["table", "csv", "json"]), default="table", show_default=True, help="Of rows."
)
@click.option("-o", "--output", type=click.Path(path_type=Path, dir_okay=False), help="Write a .csv or .parquet file.")
def sql(statement: str, bundle: str, bundle_timestamp: str | None, form: str, output: Path | None) -> None:
    """Run one query over a bundle: tables bars_daily, bars_minute, assets, splits, dividends, and its datasets.

    It can read these tables, and nothing else.
    """
    import duckdb

    if output is not None and output.suffix not in (".csv", ".parquet"):
        raise click.BadParameter(f"{output} ends neither in .csv nor in .parquet", param_hint="--output")
    try:
        version = load(bundle, timestamp=bundle_timestamp)
        found = version.sql(statement)
    except duckdb.CatalogException as error:
        tables = ", ".join(version.sql("SHOW TABLES").to_pandas()["name"])
        raise click.ClickException(f"{' '.join(str(error).split())} The tables are {tables}.") from error
    except duckdb.Error as error:
        raise click.ClickException(" ".join(str(error).split())) from error
    if output is not None:
        write(found, output)
        click.echo(f"written: {output}, {len(found):,} rows")
    elif form == "table":
        show(found)
    elif form == "csv":
        found.to_pandas().to_csv(sys.stdout, index=False)
    else:
        click.echo(found.to_pandas().to_json(orient="records", date_format="iso"))


def write(found: QueryResult, output: Path) -> None:
    """Write rows into a file."""
    if output.suffix == ".csv":
        found.to_pandas().to_csv(output, index=False)
        return
    import pyarrow.parquet as pq

    pq.write_table(found.to_arrow(), output)


def show(found: QueryResult) -> None:
    """Print the first rows as a table."""
    from rich.table import Table

    table = Table(box=None, pad_edge=False)
    rows = found.to_arrow().slice(0, SHOWN_ROWS).to_pylist()
    for name in found.columns:
        numeric = any(isinstance(row[name], int | float) for row in rows)
        table.add_column(name, justify="right" if numeric else "left", overflow="fold")
    for row in rows:
        table.add_row(*(text_of(cell) for cell in row.values()))
    console_for(sys.stdout).print(table)
    if len(found) > SHOWN_ROWS:
        click.echo(f"... and {len(found) - SHOWN_ROWS:,} more rows: --format csv shows all")


def text_of(cell: Any) -> str:
    """Write one cell."""
    if cell is None:
        return ""
    return f"{cell:.10g}" if isinstance(cell, float) else str(cell)
