"""How does a source become a bundle version? Symbol by symbol: read, screened, written; then what is known beside.

source.bars -> RawBars -> Screen -> store of the daily or minute writer
                                 -> splits and dividends of the rows, joined with those of source.facts
                                 -> findings, which the manifest keeps
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Final, TypeAlias

import numpy as np
import pandas as pd

from rustybt._typing import BoolArray, FloatArray, IntArray
from rustybt.calendars import session_breaks, session_table
from rustybt.constants import NAT, NS_PER_DAY
from rustybt.data.bundles.described import (
    asset_frames,
    dividend_frame,
    is_missing,
    merger_frame,
    split_days,
    split_frame,
    stock_dividend_frame,
)
from rustybt.data.bundles.findings import Findings
from rustybt.data.bundles.progress import tracked
from rustybt.data.bundles.raw_bars import FRAMES, Facts, Frame, RawBars, Source
from rustybt.data.bundles.screening import Market, OnBadBars, Screen
from rustybt.data.bundles.suspects import Jumps
from rustybt.data.market_minutes import session_rows, with_breaks
from rustybt.errors import BadData, InvalidParameter, did_you_mean

if TYPE_CHECKING:
    from exchange_calendars import ExchangeCalendar

    from rustybt.data.bundles.adjustment_writer import AdjustmentWriter
    from rustybt.data.bundles.asset_writer import AssetWriter
    from rustybt.data.bundles.daily_writer import DailyBarWriter
    from rustybt.data.bundles.frame_cache import FrameCache
    from rustybt.data.bundles.minute_writer import MinuteBarWriter

_SHOWN: Final = 5
"""Symbols that a note names."""


@dataclass(frozen=True, slots=True)
class Options:
    """How a source is read.

    Attributes
    ----------
    on_bad_bars : {"error", "drop", "keep"}
        What becomes of bars that cannot be.
    dividend_pay_lag : int or None
        Days from the ex-date to the payment of dividends without a pay date; None leaves them unpaid, as Zipline does.
    exchange : str
        Of assets for which the source names none.
    """

    on_bad_bars: OnBadBars = "error"
    dividend_pay_lag: int | None = None
    exchange: str = "CSVDIR"


def checked_pay_lag(days: int | None) -> int | None:
    """Refuse what is no number of days."""
    if days is not None and (isinstance(days, bool) or not isinstance(days, int) or not 0 <= days <= 3650):
        raise InvalidParameter(f"dividend_pay_lag {days!r} is no whole number of days from 0 to 3650")
    return days


SourceOf: TypeAlias = "Callable[[Mapping[str, str], ExchangeCalendar, FrameCache, bool], Source]"
"""Opens a source, given environ, calendar, cache and show_progress."""


class SourceIngest:
    """The ingest function of a source, for `register`.

    Parameters
    ----------
    source_of : callable of (environ, calendar, cache, show_progress)
        Opens the source.
    options : Options
        How it is read.
    """

    def __init__(
        self,
        source_of: SourceOf,
        options: Options | None = None,
    ) -> None:
        self._source_of = source_of
        self._options = options or Options()

    def __call__(
        self,
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
        """Ingest the source; the parameters are those of every ingest function, see `bundles.register`."""
        source = self._source_of(environ, calendar, cache, show_progress)
        reading = _Reading(source, self._options, calendar, start_session, end_session, daily_bar_writer.findings)
        sids = asset_db_writer.sids_of(reading.symbols)
        reading.read_daily(daily_bar_writer, sids, show_progress)
        reading.read_minutes(minute_bar_writer, sids, show_progress)
        reading.describe(asset_db_writer, adjustment_writer, sids)


@dataclass(slots=True)
class _Actions:
    """Splits and dividends that rows of bars name, by symbol: session (ns) to value."""

    splits: dict[str, dict[int, float]] = field(default_factory=dict)
    dividends: dict[str, dict[int, float]] = field(default_factory=dict)

    def keep(self, symbol: str, session_ns: Any, split: FloatArray, dividend: FloatArray) -> None:
        """Keep those of one symbol's rows."""
        for table, values, nothing in ((self.splits, split, 1.0), (self.dividends, dividend, 0.0)):
            given = np.flatnonzero(values != nothing)
            if given.size:
                table[symbol] = dict(zip(session_ns[given].tolist(), values[given].tolist(), strict=True))


class _Reading:
    """One pass over a source: bars go to the writers at once, what is left to describe is kept."""

    def __init__(
        self,
        source: Source,
        options: Options,
        calendar: ExchangeCalendar,
        first: pd.Timestamp,
        last: pd.Timestamp,
        findings: Findings,
    ) -> None:
        self._source, self._options, self._findings = source, options, findings
        self._sessions = session_table(calendar.name, first, last)
        self._about = f"sessions of calendar {calendar.name} from {first.date()} to {last.date()}"
        self._of: dict[Frame, list[str]] = {frame: sorted(source.symbols(frame)) for frame in FRAMES}
        self._spans: dict[str, tuple[int, int]] = {}
        self._actions = _Actions()
        self._jumps = Jumps()

    @property
    def symbols(self) -> list[str]:
        """All symbols, in the order of their sids."""
        return sorted({*self._of["daily"], *self._of["minute"]})

    def read_daily(self, writer: DailyBarWriter, sids: Mapping[str, int], show_progress: bool) -> None:
        """Screen and store the daily bars."""
        known = self._sessions.session_ns
        market = Market(lambda label_ns: are_among(label_ns, known), self._about, daily=True)
        for raw in self._screened("daily", market, show_progress):
            self._keep_span(raw.symbol, raw.label_ns)
            self._actions.keep(raw.symbol, raw.label_ns, raw.split, raw.dividend)
            self._jumps.keep(raw)
            writer.store(sids[raw.symbol], raw.label_ns // NS_PER_DAY, raw.ohlcv)

    def read_minutes(self, writer: MinuteBarWriter, sids: Mapping[str, int], show_progress: bool) -> None:
        """Screen and store the minute bars."""
        if not self._of["minute"]:
            return
        minutes = with_breaks(self._sessions, session_breaks(self._sessions))
        about = f"market minutes of the {self._about} (label each by its end, in UTC)"
        market = Market(lambda label_ns: session_rows(minutes, label_ns) >= 0, about, daily=False)
        daily = set(self._of["daily"])
        for raw in self._screened("minute", market, show_progress):
            days = self._sessions.session_ns[session_rows(minutes, raw.label_ns)]
            self._keep_span(raw.symbol, days)
            if raw.symbol not in daily:
                self._actions.keep(raw.symbol, days, *_once_a_session(raw, days))
            elif (raw.split != 1.0).any() or (raw.dividend != 0.0).any():
                (place,) = raw.origin.places([int(raw.rows[0])])
                self._findings.note(
                    f"{place.file} ({raw.symbol}) has splits or dividends, but those of its daily bars are used"
                )
            writer.store(sids[raw.symbol], raw.label_ns, raw.ohlcv)

    def _screened(self, frame: Frame, market: Market, show_progress: bool) -> Iterator[RawBars]:
        screen = Screen(market, self._findings, self._options.on_bad_bars)
        bars = self._source.bars(frame)
        for raw in tracked(bars, f"Reading {frame} bars", show_progress, len(self._of[frame])):
            if len(raw.label_ns):
                yield screen.screened(raw)

    def _keep_span(self, symbol: str, days: Any) -> None:
        if len(days):
            first, last = self._spans.get(symbol, (int(days[0]), int(days[-1])))
            self._spans[symbol] = min(first, int(days[0])), max(last, int(days[-1]))

    def describe(
        self, asset_db_writer: AssetWriter, adjustment_writer: AdjustmentWriter, sids: Mapping[str, int]
    ) -> None:
        """Write assets and corporate actions."""
        facts = self._source.facts()
        for note in facts.notes:
            self._findings.note(note)
        self._check_described(facts)
        self._jumps.report(self._findings, split_days(facts.splits))
        asset_db_writer.check_keys({key: said.get("symbol", key) for key, said in facts.assets.items()})
        for symbol, (first, last) in asset_db_writer.known_spans.items():
            if symbol in self._spans:
                begin, end = self._spans[symbol]
                self._spans[symbol] = min(begin, first), max(end, last)
        facts = replace(facts, assets=_told(asset_db_writer.known_assets, facts.assets))
        asset_db_writer.write(**asset_frames(self._spans, sids, facts, self._options.exchange, self._sessions.name))
        splits = split_frame(self._actions.splits, facts.splits, sids)
        dividends = dividend_frame(
            self._actions.dividends, facts.dividends, sids, self._options.dividend_pay_lag, self._sessions.session_ns
        )
        self._note_unpaid(dividends, sids)
        adjustment_writer.write(
            splits=splits,
            mergers=merger_frame(facts.mergers, sids),
            dividends=dividends,
            stock_dividends=stock_dividend_frame(facts.stock_dividends, sids),
        )

    def _note_unpaid(self, dividends: pd.DataFrame, sids: Mapping[str, int]) -> None:
        """Note the dividends that have a pay date, and yet are not paid."""
        ex_ns, pay_ns = (dividends[name].array.asi8 for name in ("ex_date", "pay_date"))
        early, no_ex, no_pay = (pay_ns != NAT) & (pay_ns < ex_ns), self._no_session(ex_ns), self._no_session(pay_ns)
        for chosen, words in (
            (no_ex, "an ex-date that is no session, and are never paid"),
            (early & ~no_ex, "a pay date before their ex-date, and are never paid"),
            (
                no_pay & ~early & ~no_ex,
                "a pay date that is no session, and are paid only by runs that correct dividend_paid_next_session",
            ),
        ):
            if chosen.any():
                row = int(np.argmax(chosen))
                symbol = next(symbol for symbol, sid in sids.items() if sid == dividends["sid"].iloc[row])
                day = pd.Timestamp(int(ex_ns[row])).date()
                self._findings.note(f"{chosen.sum():,} dividends have {words}; the first: {symbol}, ex-date {day}")

    def _no_session(self, day_ns: IntArray) -> BoolArray:
        """Say which days lie between sessions."""
        known = self._sessions.session_ns
        within: BoolArray = (day_ns >= known[0]) & (day_ns <= known[-1])
        return within & ~are_among(day_ns, known)

    def _check_described(self, facts: Facts) -> None:
        strangers = set(facts.assets).difference(self.symbols)
        if strangers:
            self._findings.note(
                f"{len(strangers)} assets are described but have no bars, and are left out: {_some(strangers)}"
            )
        for kind, table in (("dividends", facts.dividends), ("splits", facts.splits)):
            of = set() if table is None else set(table["symbol"]).difference(self.symbols)
            if of:
                self._findings.note(
                    f"{kind} of {len(of)} symbols that have no bars are left out: {_some(of)}"
                    f"{did_you_mean(min(of), self.symbols) if len(of) == 1 else ''}"
                )


def _some(symbols: Collection[str]) -> str:
    """Name the first few symbols."""
    return ", ".join(sorted(symbols)[:_SHOWN]) + (", ..." if len(symbols) > _SHOWN else "")


def _told(before: Mapping[str, Mapping[str, Any]], now: Mapping[str, Mapping[str, Any]]) -> dict[str, dict[str, Any]]:
    """Join what was said of assets in the version before with what is said now, which counts where both say it."""
    out = {symbol: dict(said) for symbol, said in before.items()}
    for symbol, said in now.items():
        known = {name: value for name, value in said.items() if not is_missing(value)}
        out[symbol] = {**out.get(symbol, {}), **known}
    return out


def are_among(labels: IntArray, known: IntArray) -> BoolArray:
    """Say which labels are among ascending ones; faster than `numpy.isin`, which hashes both.

    Examples
    --------
    >>> are_among(np.array([3, 9, 1]), np.array([1, 2, 3])).tolist()
    [True, False, True]
    """
    if not len(known):
        return np.zeros(len(labels), dtype=bool)
    found: BoolArray = known[np.minimum(np.searchsorted(known, labels), len(known) - 1)] == labels
    return found


def _once_a_session(raw: RawBars, days: Any) -> tuple[FloatArray, FloatArray]:
    """Keep the first split and dividend of each session, and refuse another value in the same session."""
    out = []
    for name, values, nothing in (("split", raw.split, 1.0), ("dividend", raw.dividend, 0.0)):
        given = np.flatnonzero(values != nothing)
        _, first, of = np.unique(days[given], return_index=True, return_inverse=True)
        kept = given[first]
        if (other := np.flatnonzero(values[given] != values[kept][of])).size:
            row, before = int(given[other[0]]), kept[of[other[0]]]
            (place,) = raw.origin.places([int(raw.rows[row])])
            raise BadData(
                f"{place} ({raw.symbol}, {pd.Timestamp(int(raw.label_ns[row]))}): {name} is {values[row]:g}, but "
                f"{values[before]:g} earlier in the session: write one value a session"
            )
        single = np.full(len(values), nothing)
        single[kept] = values[kept]
        out.append(single)
    return out[0], out[1]
