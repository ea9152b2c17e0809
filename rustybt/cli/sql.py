"""What do a bundle's tables say? One query from the command line."""

import json
import math
import sys
from datetime import UTC, date, datetime
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
        click.echo(json_of(found))


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
    columns = cells_of(found, SHOWN_ROWS)
    for name, cells in zip(found.columns, columns, strict=True):
        numeric = any(isinstance(cell, int | float) for cell in cells)
        table.add_column(name, justify="right" if numeric else "left", overflow="fold")
    for row in zip(*columns, strict=True):
        table.add_row(*(text_of(cell) for cell in row))
    console_for(sys.stdout).print(table)
    if len(found) > SHOWN_ROWS:
        click.echo(f"... and {len(found) - SHOWN_ROWS:,} more rows: --format csv shows all")


def json_of(found: QueryResult) -> str:
    """Write rows as a list of objects, with all digits of their numbers."""
    names = found.columns
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None:
        raise click.ClickException(f"two columns are named {twice!r}: name them apart with AS")
    columns = [[value_of(cell) for cell in cells] for cells in cells_of(found)]
    rows = [dict(zip(names, row, strict=True)) for row in zip(*columns, strict=True)]
    return json.dumps(rows, default=str, separators=(",", ":"))


def value_of(cell: Any) -> Any:
    """Give a cell as JSON has it: what is no number is null, and a moment is in ISO 8601 to the millisecond."""
    if isinstance(cell, float):
        return cell if math.isfinite(cell) else None
    if isinstance(cell, datetime):
        utc = cell if cell.tzinfo is None else cell.astimezone(UTC).replace(tzinfo=None)
        return utc.isoformat(timespec="milliseconds") + ("" if cell.tzinfo is None else "Z")
    if isinstance(cell, list):
        return [value_of(one) for one in cell]
    if isinstance(cell, dict):
        return {name: value_of(one) for name, one in cell.items()}
    return f"{cell}T00:00:00.000" if isinstance(cell, date) else cell


def cells_of(found: QueryResult, most: int | None = None) -> list[list[Any]]:
    """Give the cells of the first rows by column; two columns may have one name."""
    return [column.slice(0, most).to_pylist() for column in found.to_arrow().columns]


def text_of(cell: Any) -> str:
    """Write one cell."""
    if cell is None:
        return ""
    return f"{cell:.10g}" if isinstance(cell, float) else str(cell)
