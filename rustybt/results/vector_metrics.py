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

    def of(self, outcome: Outcome, benchmark_returns: FloatArray, sessions: int | None = None) -> dict[str, float]:
        """Give every metric of docs/metrics.md by name, as `rustybt.results.metrics.compute_metrics` does.

        Parameters
        ----------
        outcome : Outcome
            Of a run, before the next one begins.
        benchmark_returns : float64 array, shape (n_sessions,)
            Of its whole span; zeros without a benchmark.
        sessions : int, optional
            Give them as if the run had ended after so many sessions, all of which it had.

        Returns
        -------
        dict of str to float
            NaN where a metric is not defined.
        """
        records, size = outcome.workspace.records, outcome.sessions if sessions is None else sessions
        n_fills = outcome.workspace.count(types.N_FILLS)
        if size < outcome.sessions:
            n_fills = int(np.searchsorted(records.fill_at[:n_fills, 0], size))
        returns, benchmark = outcome.returns[:size], benchmark_returns[:size]
        out = np.full(len(NAMES), np.nan)
        with np.errstate(all="ignore"):
            height = np.log1p(returns).cumsum()
        write_return_metrics(out, returns, np.partition(returns, places_of(size)), height)
        write_benchmark_metrics(out, returns, benchmark)
        write_account_metrics(out, records.sessions, size, records.fills, n_fills, self._capital)
        prices = _last_prices(outcome) if size == outcome.sessions else self._prices_at(outcome, n_fills, size)
        n_closed, n_trades = self._pair(outcome, n_fills, size, prices, self._open_trips(outcome))
        write_trade_metrics(out, self._trades, n_closed, n_trades)
        close_metrics(out)
        return dict(zip(NAMES, out.tolist(), strict=True))

    def _open_trips(self, outcome: Outcome) -> FloatArray:
        return np.zeros((len(outcome.workspace.account.amount), trips.N_FIELDS))

    def _prices_at(self, outcome: Outcome, n_fills: int, size: int) -> FloatArray:
        """Give the price at which each open position was valued at the end of an earlier session."""
        records, price = outcome.workspace.records, outcome.market.tape.price
        prices, open_trips = np.full(price.shape[1], np.nan), self._open_trips(outcome)
        self._pair(outcome, n_fills, size, prices, open_trips)
        for asset in np.flatnonzero(open_trips[:, trips.SIDE]).tolist():
            since = price[int(open_trips[asset, trips.ENTRY_SESSION]) : size, asset]
            known = np.flatnonzero(~np.isnan(since))
            if len(known):
                prices[asset] = since[known[-1]]
            else:  # of a fill outside of the asset's life, or of shares that a dividend gave
                own = np.flatnonzero(records.fill_at[:n_fills, 1] == asset)
                prices[asset] = records.fills[own[-1], 1] if len(own) else 0.0
        return prices

    def _pair(
        self, outcome: Outcome, n_fills: int, size: int, prices: FloatArray, open_trips: FloatArray
    ) -> tuple[int, int]:
        records = outcome.workspace.records
        restated, n_assets = restatements(outcome, size), len(prices)
        if len(self._trades) < n_fills + len(restated) + n_assets:
            self._trades = np.empty((2 * (n_fills + len(restated) + n_assets), trips.N_TRADE))
        counters = np.zeros(2, dtype=np.int64)
        total = pair_fills(
            records.fill_at,
            records.fills,
            n_fills,
            restated,
            self._fractional,
            prices,
            size - 1,
            open_trips,
            self._trades,
            counters,
        )
        return int(counters[trips.N_CLOSED]), total


def _last_prices(outcome: Outcome) -> FloatArray:
    """Give the price at which each position that is open at a run's end was valued; NaN for other assets."""
    account = outcome.workspace.account
    return np.where(account.is_held & (account.amount != 0), account.last_price, np.nan)


def restatements(outcome: Outcome, sessions: int) -> FloatArray:
    """Give the splits and stock dividends that changed positions.

    Parameters
    ----------
    outcome : Outcome
        Of a run.
    sessions : int
        Its first ones, in which they did.

    Returns
    -------
    float64 array, shape (n, 4)
        Session, asset, ratio and shares, in order.
    """
    records, rows = outcome.workspace.records, outcome.market.splits
    if sessions < len(outcome.market.tape.price):
        rows = rows[rows[:, 0] < sessions]
    n_grants = int(np.searchsorted(records.grant_at[: outcome.workspace.count(types.N_GRANTS), 0], sessions))
    if not n_grants:
        return rows
    granted = np.column_stack((records.grant_at[:n_grants], np.ones(n_grants), records.grants[:n_grants]))
    rows = np.concatenate((rows, granted))
    # A session's dividends are paid before its splits, which restate the shares that they added.
    ordered: FloatArray = rows[np.lexsort((rows[:, 3] == 0, rows[:, 1], rows[:, 0]))]
    return ordered
