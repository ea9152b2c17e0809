"""What is the outcome of one run? Its figures at once, its frames when asked for."""

from functools import cached_property

import numpy as np
import pandas as pd

from rustybt._typing import FloatArray, Records
from rustybt.calendars import SessionTable
from rustybt.engine.records import RunRecords
from rustybt.engine.stop_rules import Stop
from rustybt.finance.records import RESTATEMENT
from rustybt.results.frame import perf_frame
from rustybt.results.metrics import MetricInputs, compute_metrics
from rustybt.results.prefix import ends_do_not_matter, records_until
from rustybt.results.trades import round_trips, trades_frame


class RunResult:
    """The outcome of one run.

    Parameters
    ----------
    records : RunRecords
        What the engine left behind.

    Notes
    -----
    Nothing is computed before it is asked for: an optimizer reads metrics only, and never builds a perf frame.
    """

    def __init__(self, records: RunRecords) -> None:
        self.records = records

    @cached_property
    def sessions(self) -> SessionTable:
        """The run's sessions."""
        table, span = self.records.portal.session_table, self.records.span
        rows = slice(span.first, span.last + 1)
        return SessionTable(table.name, table.session_ns[rows], table.open_ns[rows], table.close_ns[rows])

    @property
    def stopped(self) -> Stop | None:
        """Where and why the run was given up early; None for one that came to its end."""
        return self.records.stopped

    @property
    def returns(self) -> FloatArray:
        """Simple returns, float64 of shape (n_sessions,)."""
        return self.records.column("returns")

    @property
    def portfolio_value(self) -> FloatArray:
        """Cash and positions at each session's end, float64 of shape (n_sessions,)."""
        return self.records.column("portfolio_value")

    @property
    def benchmark_returns(self) -> FloatArray:
        """Simple returns of the benchmark, float64 of shape (n_sessions,); zeros without one."""
        return self.records.benchmark_returns

    @property
    def gross_leverage(self) -> FloatArray:
        """Gross exposure over portfolio value, float64 of shape (n_sessions,); inf where the value is 0."""
        return self.records.column("gross_leverage")

    @cached_property
    def transactions(self) -> Records:
        """All fills, a structured array of dtype `rustybt.finance.records.TRANSACTION`."""
        return self.records.fills()

    @cached_property
    def round_trips(self) -> Records:
        """All trades, a structured array of dtype `rustybt.results.trades.TRADE`."""
        last = {asset.sid: price for asset, _, _, price in self.records.positions[-1]}
        fractional = self.records.rules.fractional_shares
        return round_trips(self.transactions, self._restatements(), last, self.records.span.size - 1, fractional)

    @cached_property
    def perf(self) -> pd.DataFrame:
        """The perf frame, with Zipline's columns; see `rustybt.results.frame.perf_frame`."""
        frame = perf_frame(self.records)
        if self.stopped is not None:
            frame.attrs["stopped"] = str(self.stopped)
        return frame

    @cached_property
    def metric_inputs(self) -> MetricInputs:
        """What the metrics are computed from, as arrays."""
        return MetricInputs(
            returns=self.returns,
            benchmark_returns=self.benchmark_returns,
            portfolio_value=self.portfolio_value,
            capital_base=self.records.capital_base + self.records.capital_added,
            gross_leverage=self.gross_leverage,
            trades=self.round_trips,
            transactions=self.transactions,
            borrow_cost=float(self.records.column("borrow_cost").sum()),
            margin_interest=float(self.records.column("margin_interest").sum()),
        )

    @cached_property
    def metrics(self) -> dict[str, float]:
        """Every metric of docs/metrics.md by name."""
        return compute_metrics(self.metric_inputs)

    def prefix(self, sessions: int) -> "RunResult":
        """Give the result as if the run had ended after its first sessions; see `rustybt.results.prefix`.

        Parameters
        ----------
        sessions : int
            How many; at least 1.

        Returns
        -------
        RunResult
            Equal, to the last bit, to that of the shorter run wherever `is_prefix_safe`.

        Raises
        ------
        InvalidParameter
            If the run has not so many sessions.
        """
        return RunResult(records_until(self.records, sessions))

    @property
    def is_prefix_safe(self) -> bool:
        """Whether a run that ends earlier would have gone the same way; see `ends_do_not_matter`."""
        return ends_do_not_matter(self.records)

    @property
    def trades(self) -> pd.DataFrame:
        """Round trips, one row each; see `rustybt.results.trades.trades_frame`."""
        symbols = {equity.sid: equity.symbol for equity in self.records.portal.finder.equities}
        return trades_frame(self.round_trips, self.sessions.session_ns, symbols)

    def _restatements(self) -> Records:
        """Give the splits and stock dividends that changed positions of traded assets, by the run's session."""
        traded = {*self.transactions["sid"].tolist(), *(asset.sid for _, asset, _ in self.records.stock_grants)}
        tables = self.records.portal.bundle.adjustments
        session_of = {ns: i for i, ns in enumerate(self.sessions.session_ns.tolist())}
        rows = [
            (session_of[ns], sid, ratio, 0.0)
            for sid, ns, ratio in tables.splits.tolist()
            if sid in traded and ns in session_of
        ]
        rows += [(session, asset.sid, 1.0, shares) for session, asset, shares in self.records.stock_grants]
        # A session's dividends are paid before its splits, which restate the shares that they added.
        return np.array(sorted(rows, key=lambda row: (row[0], row[1], row[3] == 0)), dtype=RESTATEMENT)
