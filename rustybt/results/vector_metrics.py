"""What are all metrics of one simulation after another, without a frame or a record in between?"""

import numpy as np

from rustybt._typing import FloatArray
from rustybt.engine.vector import Outcome
from rustybt.kernels import simulation_types as types
from rustybt.kernels import trips
from rustybt.kernels.compiled_trips import pair_fills
from rustybt.kernels.run_metrics import (
    NAMES,
    close_metrics,
    places_of,
    write_account_metrics,
    write_benchmark_metrics,
    write_return_metrics,
    write_trade_metrics,
)


class VectorMetrics:
    """Computes metrics in memory that it uses again and again.

    Parameters
    ----------
    capital_base : float
        Cash at the start of each run.
    fractional : bool
        Whether shares are fractions.
    """

    def __init__(self, capital_base: float, fractional: bool) -> None:
        self._capital = capital_base
        self._fractional = fractional
        self._trades = np.empty((0, trips.N_TRADE))

    def of(self, outcome: Outcome, benchmark_returns: FloatArray) -> dict[str, float]:
        """Give every metric of docs/metrics.md by name, as `rustybt.results.metrics.compute_metrics` does.

        Parameters
        ----------
        outcome : Outcome
            Of a run, before the next one begins.
        benchmark_returns : float64 array, shape (n_sessions,)
            Of its whole span; zeros without a benchmark.

        Returns
        -------
        dict of str to float
            NaN where a metric is not defined.
        """
        records, size = outcome.workspace.records, outcome.sessions
        n_fills = outcome.workspace.count(types.N_FILLS)
        returns, benchmark = outcome.returns, benchmark_returns[:size]
        out = np.full(len(NAMES), np.nan)
        with np.errstate(all="ignore"):
            height = np.log1p(returns).cumsum()
        write_return_metrics(out, returns, np.partition(returns, places_of(size)), height)
        write_benchmark_metrics(out, returns, benchmark)
        write_account_metrics(out, records.sessions, size, records.fills, n_fills, self._capital)
        n_closed, n_trades = self._pair(outcome, n_fills)
        write_trade_metrics(out, self._trades, n_closed, n_trades)
        close_metrics(out)
        return dict(zip(NAMES, out.tolist(), strict=True))

    def _pair(self, outcome: Outcome, n_fills: int) -> tuple[int, int]:
        account, records, size = outcome.workspace.account, outcome.workspace.records, outcome.sessions
        restated, n_assets = restatements(outcome), len(account.amount)
        if len(self._trades) < n_fills + len(restated) + n_assets:
            self._trades = np.empty((2 * (n_fills + len(restated) + n_assets), trips.N_TRADE))
        held = account.is_held & (account.amount != 0)
        counters = np.zeros(2, dtype=np.int64)
        total = pair_fills(
            records.fill_at,
            records.fills,
            n_fills,
            restated,
            self._fractional,
            np.where(held, account.last_price, np.nan),
            size - 1,
            np.zeros((n_assets, trips.N_FIELDS)),
            self._trades,
            counters,
        )
        return int(counters[trips.N_CLOSED]), total


def restatements(outcome: Outcome) -> FloatArray:
    """Give the splits and stock dividends that changed positions.

    Parameters
    ----------
    outcome : Outcome
        Of a run.

    Returns
    -------
    float64 array, shape (n, 4)
        Session, asset, ratio and shares, in order.
    """
    records, rows = outcome.workspace.records, outcome.market.splits
    if outcome.stopped is not None:
        rows = rows[rows[:, 0] < outcome.sessions]
    n_grants = outcome.workspace.count(types.N_GRANTS)
    if not n_grants:
        return rows
    granted = np.column_stack((records.grant_at[:n_grants], np.ones(n_grants), records.grants[:n_grants]))
    rows = np.concatenate((rows, granted))
    # A session's dividends are paid before its splits, which restate the shares that they added.
    ordered: FloatArray = rows[np.lexsort((rows[:, 3] == 0, rows[:, 1], rows[:, 0]))]
    return ordered
