"""How does market data on a server get into a bundle from the command line?

The command `ingest` is taken from here, so that it has these commands too.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from rustybt.cli.ingest import calendar_option, file_options, ingest, report
from rustybt.data.bundles import ingest_http, ingest_yfinance

symbols_option = click.option("--symbols", "listed", metavar="A,B,C", help="The symbols, as the server knows them.")
_SPAN = (
    click.option("--start", metavar="DATE", help="First day to ask for."),
    click.option("--end", metavar="DATE", help="Last day to ask for."),
)


def span_options(command: Callable[..., None]) -> Callable[..., None]:
    """Give a command the options of a span."""
    for option in reversed(_SPAN):
        command = option(command)
    return command


@ingest.command()
@click.argument("template", metavar="TEMPLATE")
@symbols_option
@click.option("--symbols-file", type=click.Path(path_type=Path), metavar="FILE", help="A text file, one symbol a line.")
@span_options
@click.option("--minute", "frame", flag_value="minute", default="daily", help="The rows are minutes.")
@click.option("--header", "lines", multiple=True, metavar="'NAME: $VARIABLE'", help="Send a header; repeatable.")
@click.option("--connections", type=int, default=8, show_default=True, metavar="N", help="Files at a time.")
@click.option("--rate", type=float, metavar="R", help="Requests in a second, at most.")
@click.option("--retries", type=int, default=5, show_default=True, metavar="N", help="How often to try a file again.")
@click.option(
    "--timeout",
    "timeout_s",
    type=float,
    default=30.0,
    show_default=True,
    metavar="S",
    help="Seconds to wait for bytes.",
)
@calendar_option
@file_options
def http(template: str, listed: str | None, lines: tuple[str, ...], name: str, calendar: str, **how: Any) -> None:
    """Download files, one a symbol, in CSV or Parquet: TEMPLATE is a URL with {symbol} in it.

    It may have {start} and {end} too, and $VARIABLE, in the template or a header, stands for an environment variable,
    such as a key: the bundle remembers the variable's name alone. Columns are those of csvdir. What was downloaded
    outlives a failure: the next ingest goes on from there.
    """
    headers = dict(header_of(line) for line in lines)
    report(name, lambda: ingest_http(template, symbols_in(listed), name, calendar, headers=headers, **how))


@ingest.command()
@symbols_option
@span_options
@calendar_option
@file_options
def yfinance(listed: str | None, start: str | None, end: str | None, name: str, calendar: str, **how: Any) -> None:
    """Download daily prices from Yahoo, and store them as they were traded.

    Yahoo adjusts all its prices for later splits; that is undone. Needs the extra rustybt[yfinance].
    """
    report(name, lambda: ingest_yfinance(symbols_in(listed), name, start, end, calendar, **how))


def symbols_in(listed: str | None) -> list[str]:
    """Split A,B,C."""
    return [one.strip() for one in (listed or "").split(",") if one.strip()]


def header_of(line: str) -> tuple[str, str]:
    """Split NAME: VALUE."""
    name, colon, value = line.partition(":")
    if not (name.strip() and colon and value.strip()):
        raise click.BadParameter("a header is not of the form 'NAME: $VARIABLE'", param_hint="--header")
    return name.strip(), value.strip()
