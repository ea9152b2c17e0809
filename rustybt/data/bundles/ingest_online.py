"""How does data that lies on a server get into a bundle? Downloaded file by file, or ticker by ticker."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from rustybt.constants import DEFAULT_CALENDAR
from rustybt.data.bundles.ingest import ingest_unregistered
from rustybt.data.bundles.remembered import asked_for
from rustybt.data.bundles.yahoo_source import YahooTickers


def ingest_http(
    template: str,
    symbols: Sequence[str],
    name: str,
    calendar_name: str = DEFAULT_CALENDAR,
    environ: Mapping[str, str] | None = None,
    timestamp: Any = None,
    show_progress: bool = False,
    *,
    append: bool = False,
    restate: bool = False,
    **how: Any,
) -> str:
    """Make a bundle of files on a server, one a symbol, in CSV or Parquet.

    Parameters
    ----------
    template : str
        Their URLs, such as "https://host/{symbol}.csv?from={start}&apikey=$KEY", see `url_template`.
    symbols : sequence of str
        Whose files; none where `symbols_file` is given.
    name : str
        The bundle's name; not that of a registered bundle.
    calendar_name : str
        Exchange calendar of the bars.
    environ : mapping, optional
        The environment variables, by default the process's; `$KEY` in the template or a header stands for one.
    timestamp : date-like, optional
        The version's time; by default now.
    show_progress : bool
        Show a progress bar where standard error is a terminal.
    append, restate : bool
        See `ingest`.
    **how
        symbols_file, frame, start, end, headers, connections, rate, retries and timeout_s, see `http_source.HttpFiles`;
        on_bad_bars, dividend_pay_lag and full_precision, see `remembered.Remembered`.

    Returns
    -------
    str
        Name of the version.

    Raises
    ------
    DownloadFailed
        If a file cannot be had. What came is kept, and the next ingest goes on from there.
    BadData
        If a file is not as it should be; the message names URL, line, symbol and date.
    """
    bundle = asked_for("http", calendar_name, how, template=template, symbols=symbols).bundle()
    return ingest_unregistered(bundle, name, environ, timestamp, show_progress, append, restate)


def ingest_yfinance(
    symbols: Sequence[str],
    name: str,
    start: Any = None,
    end: Any = None,
    calendar_name: str = DEFAULT_CALENDAR,
    environ: Mapping[str, str] | None = None,
    timestamp: Any = None,
    show_progress: bool = False,
    *,
    append: bool = False,
    restate: bool = False,
    module: Any = None,
    **how: Any,
) -> str:
    """Make a bundle of Yahoo's daily prices; they are stored as they were traded, see `yahoo_source`.

    Parameters
    ----------
    symbols : sequence of str
        Tickers as Yahoo writes them.
    name : str
        The bundle's name; not that of a registered bundle.
    start, end : date-like, optional
        First and last day; by default all that there is.
    calendar_name, environ, timestamp, show_progress, append, restate
        As `ingest_http` takes them.
    module : module, optional
        What to use in place of yfinance.
    **how
        on_bad_bars, dividend_pay_lag and full_precision, see `remembered.Remembered`.

    Returns
    -------
    str
        Name of the version.

    Raises
    ------
    MissingExtra
        If yfinance is not installed.
    DownloadFailed, BadData
        If Yahoo does not give a ticker, or nothing of it.
    """
    said = asked_for("yfinance", calendar_name, how, symbols=symbols, start=start, end=end)
    where = said.where
    if module is None or not isinstance(where, YahooTickers):
        bundle = said.bundle()
    else:
        bundle = said.bundle_of(lambda _environ, _calendar, cache, show: where.opened_through(module, cache, show))
    return ingest_unregistered(bundle, name, environ, timestamp, show_progress, append, restate)
