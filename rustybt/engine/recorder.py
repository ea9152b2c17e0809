"""What did each session of a run end with?

A session begins in the books when something touches them: an order, a fill, a split, an algorithm that looks at its
portfolio. One in which nothing but a dividend in cash is booked does not; such sessions are valued together, before the
next one begins. Both ways come to the same figures.
"""

from typing import Any

import numpy as np

from rustybt._typing import FloatArray
from rustybt.assets import Equity
from rustybt.engine.context import Context
from rustybt.engine.metric_hooks import MetricHooks
from rustybt.engine.records import SESSION_FIELDS, HeldPosition, RunRecords
from rustybt.engine.stop_rules import Stop
from rustybt.finance.transaction import Transaction

SHORT_STRETCH = 6
"""So many sessions without dividends, or fewer, are valued one by one: arrays would cost more than they save."""


class Recorder:
    """Takes down what each session ends with.

    Parameters
    ----------
    algorithm : Context
        Of the run.

    Attributes
    ----------
    row : int
        The session that is simulated.
    begun : bool
        Whether it began in the books.
    recorded : list of dict
        What `record` had noted at the end of each session; the loop appends.
    metrics : MetricHooks or None
        The user's own.
    """

    def __init__(self, algorithm: Context) -> None:
        self.row = self._next = algorithm._span.first
        self.begun = False
        self.recorded: list[dict[str, Any]] = []
        self.metrics: MetricHooks | None = None
        self._algorithm = algorithm
        self._ledger = algorithm._ledger
        self._market = algorithm._market
        self._rows: list[tuple[float, ...]] = []
        self._parts: list[FloatArray] = []
        self._positions: list[list[HeldPosition]] = []
        self._orders: list[list[dict[str, Any]]] = []
        self._transactions: list[list[Transaction]] = []
        self._stock_grants: list[tuple[int, Equity, float]] = []
        self._pnl = self._cash_flow = 0.0
        self._starting = (0.0, 0.0)
        self._payments: list[tuple[int, float, float]] = []
        self._cash_before_payments = 0.0
        self._ledger.begin = self.begin

    # Beginning --------------------------------------------------------------------------------------------------

    def begin(self) -> None:
        """Begin the current session in the books, unless it has begun."""
        if not self.begun:
            self.start_session()
            self.note_start([])

    def start_session(self) -> None:
        """Value the sessions before the current one, and begin it; its dividends come before `note_start`."""
        self.begun = True
        self.catch_up(self.row)
        self._ledger.start_session()

    def note_start(self, grants: list[tuple[Equity, float]]) -> None:
        """Note where the session starts, after its dividends."""
        session = self._next - self._algorithm._span.first
        if grants:
            self._stock_grants += [(session, asset, shares) for asset, shares in grants]
        ledger = self._ledger
        ledger.update()
        self._pnl = ledger.pnl
        self._starting = (ledger.exposure.net, ledger.cash)
        if self.metrics is not None:
            self.metrics.start_session(session)

    def pay_dividends(self, session_ns: int) -> None:
        """Pay the current session's dividends in cash, without beginning it."""
        ledger = self._ledger
        if not self._payments:
            self._cash_before_payments = ledger.cash
        ledger.pay_dividends(session_ns)
        self._payments.append((self.row, ledger.cash, ledger.cash_flow))

    # Ending -----------------------------------------------------------------------------------------------------

    def end_session(self) -> None:
        """Note what a session that began has ended with, at the current prices."""
        ledger = self._ledger
        gross, net = ledger.leverage
        exposure = ledger.exposure
        long_value, short_value, longs_count, shorts_count = exposure
        self._rows.append(
            (
                *self._starting,
                long_value + short_value,
                ledger.cash,
                ledger.portfolio_value,
                ledger.pnl - self._pnl,
                ledger.session_returns,
                ledger.returns,
                ledger.cash_flow - self._cash_flow,
                long_value,
                short_value,
                longs_count,
                shorts_count,
                gross,
                net,
                ledger.borrow_cost,
                ledger.margin_interest,
            )
        )
        self._cash_flow = ledger.cash_flow
        self._positions.append(
            [
                (p._asset, p._amount, p._cost_basis, p._last_sale_price)
                for p in ledger.positions.values()
                if p._amount != 0
            ]
        )
        self._orders.append([order.to_dict() for order in ledger.session_orders.values()])
        self._transactions.append(ledger.session_transactions)
        if self.metrics is not None:
            self.metrics.end_session(len(self._positions) - 1)
        self._next += 1
        self.begun = False

    def catch_up(self, row: int) -> None:
        """Note the ends of the sessions before a row that nothing touched."""
        count = row - self._next
        if count > 0 and (count > SHORT_STRETCH or self._payments):
            self._end_stretch(count)
        elif count > 0:
            self._end_one_by_one(row)
        self._payments = []

    def _end_one_by_one(self, row: int) -> None:
        current = self.begun
        while self._next < row:
            self.begun = True
            self._ledger.start_session()
            self.note_start([])
            self._ledger.sync_prices(self._market.close_of(self._next))
            self.end_session()
        self.begun = current

    def _end_stretch(self, count: int) -> None:
        ledger, begin = self._ledger, self._next
        cash, flow = self._cash_of(count)
        starting_value = ledger.exposure.net
        stretch, pnl, growth = ledger.value_stretch(begin, begin + count, cash)
        net = stretch.long_value + stretch.short_value
        values = cash + net
        columns = {
            "starting_value": np.append(starting_value, net[:-1]),
            "starting_cash": cash,
            "ending_value": net,
            "ending_cash": cash,
            "portfolio_value": values,
            "pnl": pnl[2::2] - pnl[1::2],
            "returns": _over(growth[2::2], growth[:-1:2], np.nan) - 1,
            "algorithm_period_return": growth[2::2] - 1,
            "capital_used": np.diff(flow),
            "long_value": stretch.long_value,
            "short_value": stretch.short_value,
            "longs_count": stretch.longs_count,
            "shorts_count": stretch.shorts_count,
            "gross_leverage": _over(stretch.long_value - stretch.short_value, values, np.inf),
            "net_leverage": _over(net, values, np.inf),
        }
        self._flush()
        part = np.zeros((count, len(SESSION_FIELDS)))
        for name, column in columns.items():
            part[:, SESSION_FIELDS.index(name)] = column
        self._parts.append(part)
        held = [(p._asset, p._amount, p._cost_basis, k) for k, p in enumerate(ledger.positions.values()) if p._amount]
        assets, amounts, bases, kept = zip(*held, strict=True) if held else ((), (), (), ())
        prices = stretch.prices[:, kept].tolist()
        self._positions += [list(zip(assets, amounts, bases, row, strict=True)) for row in prices]
        self._orders += [[] for _ in range(count)]
        self._transactions += [[] for _ in range(count)]
        self._next += count
        self._cash_flow = flow.item(-1)

    def _cash_of(self, count: int) -> tuple[FloatArray, FloatArray]:
        """Give cash in each of the next sessions, and the sum of cash flows before the first and in each of them."""
        cash = np.full(count, self._cash_before_payments if self._payments else self._ledger.cash)
        flow = np.full(count + 1, self._cash_flow)
        for row, cash_after, flow_after in self._payments:
            cash[row - self._next :] = cash_after
            flow[row - self._next + 1 :] = flow_after
        return cash, flow

    # The run's end ----------------------------------------------------------------------------------------------

    def finish(self, benchmark_returns: FloatArray, stopped: Stop | None = None) -> RunRecords:
        """Give the records of a run that ended with the current session."""
        algorithm = self._algorithm
        self.catch_up(self.row + 1)
        span = algorithm._span._replace(last=self.row)
        algorithm._priced_at = algorithm._at
        self.begun = True  # the books stay as they are for an algorithm that looks at them in analyze
        if self.metrics is not None:
            algorithm.risk_report = self.metrics.finish()
        self._flush()
        return RunRecords(
            portal=algorithm._portal,
            span=span,
            capital_base=algorithm._capital_base,
            sessions=np.concatenate(self._parts),
            benchmark_returns=benchmark_returns[: span.size],
            positions=self._positions,
            orders=self._orders,
            transactions=self._transactions,
            recorded=self.recorded,
            stock_grants=self._stock_grants,
            capital_added=sum(algorithm.capital_change_deltas.values()),
            columns=algorithm._setup.columns,
            rules=algorithm._setup.rules,
            packets=[] if self.metrics is None else self.metrics.packets,
            stopped=stopped,
            benchmark=algorithm.benchmark_sid,
            told_end=algorithm._told_end,
            lookups=frozenset(algorithm._lookups),
        )

    def _flush(self) -> None:
        """Turn the rows of sessions that began into an array."""
        if self._rows:
            self._parts.append(np.array(self._rows, dtype=np.float64))
            self._rows = []


def _over(numerator: FloatArray, values: FloatArray, otherwise: float) -> FloatArray:
    """Divide where values are not 0: a leverage, or growth, where the portfolio is not worth nothing."""
    return np.divide(numerator, values, out=np.full_like(values, otherwise), where=values != 0)
