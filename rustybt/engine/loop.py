"""In which order do things happen in a session?

The order is Zipline's: dividends, splits, before_trading_start, fills, handle_data, scheduled functions, automatic
closes, records. Whatever nobody needs in a session is not computed in it.
"""

from bisect import bisect_left
from functools import cached_property
from operator import attrgetter

import numpy as np
import pandas as pd

from rustybt._typing import FloatArray
from rustybt.constants import NS_PER_DAY
from rustybt.data.held import cache_of_bundles
from rustybt.data.instant import Instant
from rustybt.data.portal import Portal
from rustybt.engine.actions import CorporateActions, before_trading_start
from rustybt.engine.active import activated
from rustybt.engine.benchmark import returns_of_asset
from rustybt.engine.context import Context
from rustybt.engine.garbage import rare_collections
from rustybt.engine.metric_hooks import MetricHooks
from rustybt.engine.recorder import Recorder
from rustybt.engine.records import RunRecords
from rustybt.engine.stop_rules import Stop, StopWatch
from rustybt.finance.order import ORDER_STATUS


def simulate_sessions(algorithm: Context, benchmark_returns: FloatArray | None = None) -> RunRecords:
    """Run an algorithm through its sessions.

    Parameters
    ----------
    algorithm : Context
        Fresh: it runs once.
    benchmark_returns : float64 array, shape (n_sessions,), optional
        Used unless the algorithm sets a benchmark asset; zeros if omitted.

    Returns
    -------
    RunRecords
    """
    with activated(algorithm), rare_collections():
        hooks, span, portal = algorithm._hooks, algorithm._span, algorithm._portal
        if hooks.initialize is not None:
            hooks.initialize(algorithm)
        algorithm.initialized = True
        algorithm.compute_eager_pipelines()
        if algorithm.benchmark_sid is not None:
            benchmark = returns_of_asset(algorithm.benchmark_sid, portal, span)
        else:
            benchmark = np.zeros(span.size) if benchmark_returns is None else benchmark_returns
        recorder = Recorder(algorithm)
        hooked = algorithm._setup.hooked
        if hooked:
            ledger = algorithm._ledger
            recorder.metrics = MetricHooks(hooked, portal, span, algorithm._capital_base, ledger, benchmark)
        session = _Session(algorithm, recorder)
        session.warm_up(range(algorithm._shown_from, span.first))
        stopped = None
        for row in range(span.first, span.last + 1):
            session.run(row)
            stopped = session.look(row) if session.watched else None
            if stopped is not None:
                break
        return recorder.finish(benchmark, stopped)


def sessions_before_orders(algorithm: Context) -> int:
    """Run an algorithm until it places an order, and count the sessions before that one.

    Parameters
    ----------
    algorithm : Context
        Fresh: it runs once.

    Returns
    -------
    int
        All sessions of its run where it places none.
    """
    with activated(algorithm), rare_collections():
        span = algorithm._span
        if algorithm._hooks.initialize is not None:
            algorithm._hooks.initialize(algorithm)
        algorithm.initialized = True
        session = _Session(algorithm, Recorder(algorithm))
        for row in range(span.first, span.last + 1):
            session.run(row)
            if algorithm.blotter.orders:
                return row - span.first
        return span.size


class _Session:
    """The steps of one session after another."""

    def __init__(self, algorithm: Context, recorder: Recorder) -> None:
        portal, setup = algorithm._portal, algorithm._setup
        self._algorithm = algorithm
        self._ledger = algorithm._ledger
        self._blotter = algorithm.blotter
        self._market = algorithm._market
        self._portal = portal
        self._recorder = recorder
        self._data = algorithm._data
        self._rules = setup.rules
        self._actions = actions_of(portal, self._rules.dividend_paid_next_session)
        self._labels_ns: list[int] = portal.session_ns.tolist()
        self._first = algorithm._span.first
        self._first_close = portal.first_auto_close_row
        self._changes = setup.capital_changes
        self._changes_at_bars = bool(setup.capital_changes) and algorithm._market.frequency == "minute"
        # Sessions that begin in the books whether or not the algorithm does anything: all of them, or those of actions.
        self._watch = None if setup.stop_rules is None else StopWatch(setup.stop_rules)
        watched = setup.hooked or algorithm._account_controls or self._watch
        self.watched = self._watch is not None
        self._begins_all = bool(watched or self._rules.charges_financing)
        self._due = {*self._actions.sessions, *self._changes}
        self._in_parts = algorithm._hooks.before_trading_start is not None or self._changes_at_bars

    def run(self, row: int) -> None:
        algorithm, recorder = self._algorithm, self._recorder
        if self._begins_all or self._labels_ns[row] in self._due:
            self._act(row)
        recorder.row = row
        bars = self._market.instants_of(row)
        if self._in_parts:
            self._parts(row, bars)
        else:
            self._bars(bars)
        if row >= self._first_close:
            self._close_expired(row, algorithm._at)
        if self._blotter.open_orders:
            for order in self._blotter.end_session(algorithm._at.now):
                self._ledger.note_order(order)
        if recorder.begun:
            self._end()
        recorder.recorded.append(algorithm._recorded)

    def warm_up(self, rows: range) -> None:
        """Show the algorithm sessions before its run: its orders do nothing there, and nothing is noted."""
        if not rows:
            return
        algorithm, recorder = self._algorithm, self._recorder
        recorded, changes_at_bars = algorithm._recorded, self._changes_at_bars
        recorder.begun = True  # the books stay as they are, whatever the algorithm looks at
        self._changes_at_bars = False
        for row in rows:
            bars = self._market.instants_of(row)
            if self._in_parts:
                self._parts(row, bars)
            else:
                self._bars(bars)
        self._changes_at_bars = changes_at_bars
        recorder.begun = False
        algorithm._recorded = recorded
        algorithm._stand_before(rows.stop)

    def look(self, row: int) -> Stop | None:
        """Say whether, where and why the run is given up after a session."""
        if self._watch is None:
            return None
        return self._watch.look(self._portal.session_labels[row], self._ledger.portfolio_value, self._ledger.returns)

    def _end(self) -> None:
        algorithm = self._algorithm
        algorithm.validate_account_controls()
        algorithm._sync_prices()
        self._recorder.end_session()

    def _act(self, row: int) -> None:
        """Do what is due at a session's start; dividends in cash do not begin it in the books."""
        ledger, session_ns, held = self._ledger, self._labels_ns[row], self._ledger.positions
        splits = self._actions.splits.get(session_ns, ())
        concerned = any(asset in held or asset in self._blotter.open_orders for asset, _ in splits)
        granted = ledger.owes_shares(session_ns) or self._grants_today(session_ns)
        if self._begins_all or concerned or granted or session_ns in self._changes:
            self._open(row)
            return
        self._recorder.row = row
        if held:
            self._earn_dividends(session_ns)
        if ledger.owes_cash(session_ns):
            self._recorder.pay_dividends(session_ns)

    def _grants_today(self, session_ns: int) -> bool:
        """Say whether a dividend in shares is earned and paid on this same session."""
        stock, held = self._actions.stock_dividends.get(session_ns, ()), self._ledger.positions
        return any(dividend.pay_ns == session_ns and dividend.asset in held for dividend in stock)

    def _open(self, row: int) -> None:
        """Begin a session in the books, with all that is due."""
        ledger, recorder, session_ns = self._ledger, self._recorder, self._labels_ns[row]
        if session_ns in self._changes:
            recorder.catch_up(row)
            self._algorithm._priced_at = self._algorithm._at
            self._algorithm._change_capital(self._midnight(row))
        recorder.row = row
        recorder.start_session()
        owed = self._financing(row) if self._rules.charges_financing else None
        if ledger.positions:
            self._earn_dividends(session_ns)
        recorder.note_start(ledger.pay_dividends(session_ns))
        if owed is not None:
            ledger.pay_financing(*owed)
        splits = self._actions.splits.get(session_ns)
        if splits and (ledger.positions or self._blotter.open_orders):
            self._blotter.apply_splits(splits)
            ledger.apply_splits(splits)

    def _midnight(self, row: int) -> pd.Timestamp:
        return self._portal.session_labels[row].tz_localize("UTC")

    def _financing(self, row: int) -> tuple[float, float]:
        """Give what the nights since the last session cost, by what was held and owed at its end."""
        nights_ns = self._labels_ns[row] - self._labels_ns[row - 1] if row > self._first else 0
        return self._ledger.financing(nights_ns // NS_PER_DAY)

    def _earn_dividends(self, session_ns: int) -> None:
        held = self._ledger.positions
        cash = [d for d in self._actions.dividends.get(session_ns, ()) if d.asset in held]
        stock = [d for d in self._actions.stock_dividends.get(session_ns, ()) if d.asset in held]
        if cash or stock:
            self._ledger.earn(cash, stock)
            self._due.update([dividend.pay_ns for dividend in cash] + [dividend.pay_ns for dividend in stock])

    def _parts(self, row: int, bars: list[Instant]) -> None:
        """Run a session with something before its bars or between them."""
        if self._changes_at_bars:
            self._algorithm._move(Instant(row, bars[0].bar - 1, self._midnight(row)))
        before = self._bars_before_trading_start(row, bars)
        self._bars(bars[:before])
        if before < len(bars):
            self._before_trading_start(row, bars[before].bar)
        self._bars(bars[before:])

    @cached_property
    def _mornings(self) -> list[pd.Timestamp]:
        algorithm = self._algorithm
        return before_trading_start(self._portal.sessions[algorithm._shown_from : algorithm._span.last + 1])

    def _morning(self, row: int) -> pd.Timestamp:
        return self._mornings[row - self._algorithm._shown_from]

    def _bars_before_trading_start(self, row: int, bars: list[Instant]) -> int:
        """Count the session's bars before 08:45 in New York; all of them where that market's day is over by then."""
        if self._algorithm._hooks.before_trading_start is None:
            return len(bars)
        moment = self._morning(row).value
        return len(bars) if moment > bars[-1].now_ns else bisect_left(bars, moment, key=attrgetter("now_ns"))

    def _before_trading_start(self, row: int, next_bar: int) -> None:
        algorithm = self._algorithm
        now = self._morning(row)
        if self._market.frequency == "daily" and not self._rules.no_lookahead_before_trading_start:
            algorithm._move(Instant(row, row, now))  # sees today's close, as in Zipline
        else:
            seen = self._market.instant_before(next_bar)
            algorithm._move(Instant(row, seen.bar, now), seen)
        algorithm._in_before_trading_start = True
        try:
            algorithm._hooks.before_trading_start(algorithm, self._data)  # type: ignore[misc]
        finally:
            algorithm._in_before_trading_start = False

    def _bars(self, bars: list[Instant]) -> None:
        algorithm, blotter, ledger, data = self._algorithm, self._blotter, self._ledger, self._data
        handle_data, events = algorithm._hooks.handle_data, algorithm._events
        fill_data = algorithm._fill_data
        for at in bars:
            if self._changes_at_bars:
                algorithm._change_capital(at.now)
            algorithm._move(at)
            if blotter.open_orders:
                if fill_data is not data:
                    fill_data._move(at)
                blotter.fill(ledger, fill_data, at)
                algorithm._priced_at = None  # a cost model may have asked for values before a fill made a position
            if handle_data is not None:
                handle_data(algorithm, data)
            if events:
                for callback in events.get(at.bar, ()):
                    callback(algorithm, data)
            if blotter.new_orders:
                placed, blotter.new_orders = blotter.new_orders, []
                for order in placed:
                    ledger.note_order(order)

    def _close_expired(self, row: int, at: Instant) -> None:
        blotter, ledger = self._blotter, self._ledger
        if not (ledger.positions or blotter.open_orders):
            return
        due = self._portal.auto_close_rows
        for asset in [a for a in ledger.positions if row >= due[a.column]]:
            ledger.close_position(asset, at)
        for asset in [a for a in blotter.open_orders if row >= due[a.column]]:
            blotter.cancel_all(asset, at.now)
        for order in [o for o in blotter.new_orders if o.status is ORDER_STATUS.CANCELLED]:
            ledger.note_order(order)
            blotter.new_orders.remove(order)


@cache_of_bundles(4)
def actions_of(portal: Portal, pays_next_session: bool) -> CorporateActions:
    """Give the process's one index of a bundle's corporate actions."""
    return CorporateActions(portal, pays_next_session)
