"""How does a folder of CSV files become a bundle? One file a symbol, below `daily/`, `minute/` or both."""

from __future__ import annotations

import os
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np
import pandas as pd

from rustybt._typing import FloatArray
from rustybt.calendars import session_breaks, session_table
from rustybt.data.bundles.csvfile import CsvBars, read_csv, row_error
from rustybt.data.bundles.frames import Problem
from rustybt.data.bundles.minute_frames import minute_problem
from rustybt.data.bundles.progress import tracked
from rustybt.data.market_minutes import session_rows, with_breaks
from rustybt.errors import BadData, IngestWarning, InvalidParameter

if TYPE_CHECKING:
    from exchange_calendars import ExchangeCalendar

    from rustybt.data.bundles.adjustment_writer import AdjustmentWriter
    from rustybt.data.bundles.asset_writer import AssetWriter
    from rustybt.data.bundles.daily_writer import DailyBarWriter
    from rustybt.data.bundles.frame_cache import FrameCache
    from rustybt.data.bundles.minute_writer import MinuteBarWriter

EXCHANGE: Final = "CSVDIR"
_TFRAMES: Final = ("daily", "minute")
_ENDINGS: Final = (".csv", ".csv.gz")
_COUNTRIES: Final = {"XNYS": "US"}
_SHOWN_DATES: Final = 5


def csvdir_equities(
    tframes: Sequence[str] | None = None, csvdir: str | os.PathLike[str] | None = None
) -> Callable[..., None]:
    """Make an ingest function for a folder of CSV files, for `register`.

    Below `<csvdir>/daily/` lies one file a symbol, `AAPL.csv` or `AAPL.csv.gz`, with the columns date, open, high, low,
    close, volume and optionally dividend (cash a share on its ex-date) and split (2 for a 2:1 split). Sids follow the
    alphabet. Dividends have no pay date and are therefore never paid; positions close the day after the last row.

    Below `<csvdir>/minute/` lie files of the same columns, where the date is the end of the minute in UTC. Without
    `daily/`, daily bars are made of the minutes, and dividends and splits are read from them: a value holds for its
    session, on whichever of its rows it stands.

    Parameters
    ----------
    tframes : sequence of str, optional
        ("daily",), ("minute",) or both; by default the folders that exist.
    csvdir : path-like, optional
        The folder; by default the environment variable CSVDIR names it.

    Returns
    -------
    callable
        The ingest function.

    Examples
    --------
    >>> from rustybt.data.bundles import register, unregister
    >>> _ = register("my-csvs", csvdir_equities(csvdir="/data/csv"))
    >>> unregister("my-csvs")
    """
    if tframes is not None and (isinstance(tframes, str) or not tframes or not set(tframes) <= set(_TFRAMES)):
        raise InvalidParameter(f"tframes {tframes!r} is not supported: use ['daily'], ['minute'] or both")
    fixed = None if csvdir is None else Path(csvdir)

    def ingest(
        environ: Mapping[str, str],
        asset_db_writer: AssetWriter,
        minute_bar_writer: MinuteBarWriter,
        daily_bar_writer: DailyBarWriter,
        adjustment_writer: AdjustmentWriter,
        calendar: ExchangeCalendar,
        start_session: pd.Timestamp,
        end_session: pd.Timestamp,
        cache: FrameCache,
        show_progress: bool,
        output_dir: str,
    ) -> None:
        folder = fixed if fixed is not None else _folder_of(environ)
        reading = _Reading(_files(folder, tframes), calendar, start_session, end_session)
        daily_bar_writer.write(reading.daily_bars(show_progress))
        minute_bar_writer.write(reading.minute_bars(show_progress))
        reading.describe(asset_db_writer, adjustment_writer)

    return ingest


class _Reading:
    """One pass over the files: bars go to the writers at once, what is left to describe is kept."""

    def __init__(
        self, files: dict[str, dict[str, Path]], calendar: ExchangeCalendar, first: pd.Timestamp, last: pd.Timestamp
    ) -> None:
        self._daily, self._minute = (files.get(tframe, {}) for tframe in _TFRAMES)
        self._sid = {symbol: sid for sid, symbol in enumerate(sorted({*self._daily, *self._minute}))}
        self._calendar = calendar
        self._sessions = calendar.sessions_in_range(first, last)
        self._spans: dict[str, tuple[pd.Timestamp, pd.Timestamp]] = {}
        self._splits: list[pd.DataFrame] = []
        self._dividends: list[pd.DataFrame] = []

    def daily_bars(self, show_progress: bool) -> Iterator[tuple[int, pd.DataFrame]]:
        """Read one file of daily bars after the other."""
        for symbol, path in tracked(self._daily.items(), "Reading daily CSV files", show_progress, len(self._daily)):
            content = read_csv(path, symbol)
            self._check_sessions(path, content)
            self._keep_span(symbol, content.bars.index)
            self._keep_actions(symbol, content.bars.index, content.split, content.dividend)
            yield self._sid[symbol], content.bars

    def minute_bars(self, show_progress: bool) -> Iterator[tuple[int, pd.DataFrame]]:
        """Read one file of minute bars after the other."""
        if not self._minute:
            return
        sessions = session_table(self._calendar.name, self._sessions[0], self._sessions[-1])
        market = with_breaks(sessions, session_breaks(sessions))
        check = partial(minute_problem, market=market)
        for symbol, path in tracked(self._minute.items(), "Reading minute CSV files", show_progress, len(self._minute)):
            content = read_csv(path, symbol, check)
            label_ns = content.bars.index.to_numpy().view("i8")
            days = pd.DatetimeIndex(sessions.session_ns[session_rows(market, label_ns)].view("datetime64[ns]"))
            self._keep_span(symbol, days)
            if symbol not in self._daily:
                split, dividend = (_once_a_session(path, content, days, name) for name in ("split", "dividend"))
                self._keep_actions(symbol, days, split, dividend)
            elif (content.split != 1.0).any() or (content.dividend != 0.0).any():
                warnings.warn(
                    f"{path} has splits or dividends, but those of {self._daily[symbol]} are used",
                    IngestWarning,
                    stacklevel=2,
                )
            yield self._sid[symbol], content.bars

    def describe(self, asset_db_writer: AssetWriter, adjustment_writer: AdjustmentWriter) -> None:
        """Write assets, splits and dividends of everything read."""
        country = _COUNTRIES.get(self._calendar.name, "??")
        exchanges = [{"exchange": EXCHANGE, "canonical_name": EXCHANGE, "country_code": country}]
        assets = [
            {
                "symbol": symbol,
                "start_date": first,
                "end_date": last,
                "auto_close_date": last + pd.Timedelta(days=1),
                "exchange": EXCHANGE,
            }
            for symbol, (first, last) in sorted(self._spans.items())
        ]
        asset_db_writer.write(equities=pd.DataFrame(assets), exchanges=pd.DataFrame(exchanges))
        adjustment_writer.write(
            splits=pd.concat(self._splits, ignore_index=True), dividends=pd.concat(self._dividends, ignore_index=True)
        )

    def _keep_span(self, symbol: str, days: pd.Index) -> None:
        first, last = self._spans.get(symbol, (days[0], days[-1]))
        self._spans[symbol] = (min(first, days[0]), max(last, days[-1]))

    def _keep_actions(self, symbol: str, days: pd.Index, split: FloatArray, dividend: FloatArray) -> None:
        sid, changed, paid = self._sid[symbol], split != 1.0, dividend != 0.0
        self._splits.append(pd.DataFrame({"sid": sid, "effective_date": days[changed], "ratio": 1.0 / split[changed]}))
        unknown = {name: pd.NaT for name in ("declared_date", "record_date", "pay_date")}
        self._dividends.append(pd.DataFrame({"sid": sid, "ex_date": days[paid], "amount": dividend[paid], **unknown}))

    def _check_sessions(self, path: Path, content: CsvBars) -> None:
        wrong = content.bars.index.difference(self._sessions)
        if not len(wrong):
            return
        shown = ", ".join(str(day.date()) for day in wrong[:_SHOWN_DATES])
        more = f" and {len(wrong) - _SHOWN_DATES} more" if len(wrong) > _SHOWN_DATES else ""
        raise BadData(
            f"{path} ({content.symbol}): {shown}{more} {'is no session' if len(wrong) == 1 else 'are no sessions'} of "
            f"calendar {self._calendar.name} from {self._sessions[0].date()} to {self._sessions[-1].date()}: drop "
            "these rows, or choose the calendar of the data"
        )


def _once_a_session(path: Path, content: CsvBars, days: pd.DatetimeIndex, name: str) -> FloatArray:
    """Keep the first row of each session that has a split or dividend, and refuse another value in the same session."""
    values, nothing = (content.split, 1.0) if name == "split" else (content.dividend, 0.0)
    given = np.flatnonzero(values != nothing)
    _, first, of = np.unique(days[given].to_numpy(), return_index=True, return_inverse=True)
    kept = given[first]
    if (other := np.flatnonzero(values[given] != values[kept][of])).size:
        row, before = int(given[other[0]]), kept[of[other[0]]]
        text = f"{name} is {values[row]:g}, but {values[before]:g} earlier in the session: write one value a session"
        raise row_error(path, content.symbol, str(content.bars.index[row]), Problem(row, text))
    out = np.full(len(values), nothing)
    out[kept] = values[kept]
    return out


def _folder_of(environ: Mapping[str, str]) -> Path:
    folder = environ.get("CSVDIR")
    if not folder:
        raise BadData("the environment variable CSVDIR is not set: let it name the folder that holds daily/")
    return Path(folder)


def _files(folder: Path, tframes: Sequence[str] | None) -> dict[str, dict[str, Path]]:
    """Find the files by frame and symbol."""
    if not folder.is_dir():
        raise BadData(f"{folder} is not a directory: name the folder that holds daily/ or minute/")
    chosen = [name for name in _TFRAMES if (folder / name).is_dir() and (tframes is None or name in tframes)]
    missing = sorted(set(tframes or ()).difference(chosen))
    if missing or not chosen:
        needed = missing[0] if missing else "daily"
        hint = " (there are CSV files in it: move them into daily/)" if any(folder.glob("*.csv*")) else ""
        raise BadData(f"{folder} has no folder {needed}/ with <symbol>.csv files{hint}")
    return {tframe: _files_of(folder / tframe) for tframe in chosen}


def _files_of(folder: Path) -> dict[str, Path]:
    """Find the files of one frame by symbol, in alphabetical order."""
    files: dict[str, Path] = {}
    for path in sorted(folder.iterdir()):
        ending = next((end for end in _ENDINGS if path.name.lower().endswith(end)), None)
        if ending is None or path.name.startswith(".") or not path.is_file():
            continue
        symbol = path.name[: -len(ending)].upper()
        if symbol in files:
            raise BadData(f"{files[symbol]} and {path} are both of symbol {symbol}: keep one")
        files[symbol] = path
    if not files:
        raise BadData(f"{folder} has no <symbol>.csv or <symbol>.csv.gz files: put one a symbol there")
    return dict(sorted(files.items()))
