"""How does a folder of CSV files become a bundle? One file a symbol, below `daily/`."""

from __future__ import annotations

import os
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import pandas as pd

from rustybt.data.bundles.csvfile import CsvBars, read_csv
from rustybt.data.bundles.progress import tracked
from rustybt.errors import BadData, IngestWarning, InvalidParameter

if TYPE_CHECKING:
    from exchange_calendars import ExchangeCalendar

    from rustybt.data.bundles.adjustment_writer import AdjustmentWriter
    from rustybt.data.bundles.asset_writer import AssetWriter
    from rustybt.data.bundles.daily_writer import DailyBarWriter
    from rustybt.data.bundles.frame_cache import FrameCache
    from rustybt.data.bundles.minute_writer import MinuteBarWriter

EXCHANGE: Final = "CSVDIR"
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

    Parameters
    ----------
    tframes : sequence of str, optional
        ("daily",), which is also the default: only daily bars are supported.
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
    if tframes is not None and set(tframes) != {"daily"}:
        raise InvalidParameter(f"tframes {list(tframes)} is not supported: use ['daily']")
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
        found = _files(folder, warn_of_minutes=tframes is None)
        reading = _Reading(found, calendar, start_session, end_session)
        daily_bar_writer.write(reading.bars(show_progress))
        reading.describe(asset_db_writer, adjustment_writer)

    return ingest


class _Reading:
    """One pass over the files: bars go to the writer at once, what is left to describe is kept."""

    def __init__(
        self, files: dict[str, Path], calendar: ExchangeCalendar, first: pd.Timestamp, last: pd.Timestamp
    ) -> None:
        self._files = files
        self._calendar = calendar
        self._sessions = calendar.sessions_in_range(first, last)
        self._assets: list[dict[str, Any]] = []
        self._splits: list[pd.DataFrame] = []
        self._dividends: list[pd.DataFrame] = []

    def bars(self, show_progress: bool) -> Iterator[tuple[int, pd.DataFrame]]:
        """Read one file after the other."""
        files = tracked(self._files.items(), "Reading CSV files", show_progress, len(self._files))
        for sid, (symbol, path) in enumerate(files):
            content = read_csv(path, symbol)
            self._check_sessions(path, content)
            self._keep(sid, content)
            yield sid, content.bars

    def describe(self, asset_db_writer: AssetWriter, adjustment_writer: AdjustmentWriter) -> None:
        """Write assets, splits and dividends of everything read."""
        country = _COUNTRIES.get(self._calendar.name, "??")
        exchanges = [{"exchange": EXCHANGE, "canonical_name": EXCHANGE, "country_code": country}]
        asset_db_writer.write(equities=pd.DataFrame(self._assets), exchanges=pd.DataFrame(exchanges))
        adjustment_writer.write(
            splits=pd.concat(self._splits, ignore_index=True), dividends=pd.concat(self._dividends, ignore_index=True)
        )

    def _keep(self, sid: int, content: CsvBars) -> None:
        dates = content.bars.index
        end = dates[-1]
        self._assets.append(
            {
                "symbol": content.symbol,
                "start_date": dates[0],
                "end_date": end,
                "auto_close_date": end + pd.Timedelta(days=1),
                "exchange": EXCHANGE,
            }
        )
        split, paid = content.split != 1.0, content.dividend != 0.0
        self._splits.append(
            pd.DataFrame({"sid": sid, "effective_date": dates[split], "ratio": 1.0 / content.split[split]})
        )
        unknown = {name: pd.NaT for name in ("declared_date", "record_date", "pay_date")}
        amounts = {"sid": sid, "ex_date": dates[paid], "amount": content.dividend[paid]}
        self._dividends.append(pd.DataFrame({**amounts, **unknown}))

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


def _folder_of(environ: Mapping[str, str]) -> Path:
    folder = environ.get("CSVDIR")
    if not folder:
        raise BadData("the environment variable CSVDIR is not set: let it name the folder that holds daily/")
    return Path(folder)


def _files(folder: Path, warn_of_minutes: bool) -> dict[str, Path]:
    """Find the files by symbol, in alphabetical order."""
    if not folder.is_dir():
        raise BadData(f"{folder} is not a directory: name the folder that holds daily/")
    daily = folder / "daily"
    if not daily.is_dir():
        hint = " (there are CSV files in it: move them into daily/)" if any(folder.glob("*.csv*")) else ""
        raise BadData(f"{folder} has no folder daily/ with <symbol>.csv files{hint}")
    if warn_of_minutes and (folder / "minute").is_dir():
        warnings.warn(f"{folder / 'minute'} is left out: bundles hold daily bars only", IngestWarning, stacklevel=2)
    files: dict[str, Path] = {}
    for path in sorted(daily.iterdir()):
        ending = next((end for end in _ENDINGS if path.name.lower().endswith(end)), None)
        if ending is None or path.name.startswith(".") or not path.is_file():
            continue
        symbol = path.name[: -len(ending)].upper()
        if symbol in files:
            raise BadData(f"{files[symbol]} and {path} are both of symbol {symbol}: keep one")
        files[symbol] = path
    if not files:
        raise BadData(f"{daily} has no <symbol>.csv or <symbol>.csv.gz files: put one a symbol there")
    return dict(sorted(files.items()))
