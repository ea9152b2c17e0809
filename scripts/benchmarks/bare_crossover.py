"""How fast could 400 crossovers be at all? A numba kernel written by hand for this one strategy, and nothing else.

Rolling means by running sums, `order_target_percent` for each asset at every session, fills at the next session's close
with slippage in basis points, at most a tenth of its volume, in whole shares, a commission a share; what does not fill
stays open. Cash and value are kept; no metric is computed, and nothing but the value's curve is recorded. It is the
yardstick of the vector tier.
"""

import math
from typing import NamedTuple

import numba
import numpy as np

CACHE = True


class Costs(NamedTuple):
    """What a fill costs, and how much of a bar's volume it takes."""

    slippage: float = 0.0005
    commission: float = 0.001
    volume_limit: float = 0.1


@numba.njit(cache=CACHE)
def rolling_means(closes: np.ndarray, windows: np.ndarray) -> np.ndarray:
    """Give the rolling mean of each asset for each window by running sums.

    Parameters
    ----------
    closes : float64 array, shape (n_sessions, n_assets)
        Adjusted; NaN before an asset was listed, and nowhere after.
    windows : int64 array, shape (n_windows,)
        Sessions.

    Returns
    -------
    float64 array, shape (n_windows, n_sessions, n_assets)
        NaN where a window reaches back before the first close.
    """
    rows, assets = closes.shape
    means = np.full((len(windows), rows, assets), np.nan)
    for k in range(len(windows)):
        window = windows[k]
        for j in range(assets):
            total, count = 0.0, 0
            for i in range(rows):
                if math.isnan(closes[i, j]):
                    continue
                total += closes[i, j]
                count += 1
                if count > window:
                    total -= closes[i - window, j]
                if count >= window:
                    means[k, i, j] = total / window
    return means


@numba.njit(cache=CACHE)
def simulate(
    closes: np.ndarray,
    volumes: np.ndarray,
    fast: np.ndarray,
    slow: np.ndarray,
    first: int,
    capital: float,
    costs: Costs,
    shares: np.ndarray,
    is_open: np.ndarray,
    values: np.ndarray,
) -> float:
    """Run one pair of windows, and give cash at the end.

    Parameters
    ----------
    closes, volumes : float64 arrays, shape (n_sessions, n_assets)
        Adjusted bars; NaN before an asset was listed.
    fast, slow : float64 arrays, shape (n_sessions, n_assets)
        Rolling means of closes.
    first : int
        Row of the first session of the run.
    capital : float
        Cash at the start.
    costs : Costs
        Of a fill.
    shares : float64 array, shape (n_assets,)
        Overwritten with what is held.
    is_open : float64 array, shape (n_assets, 2)
        Overwritten: shares still to fill of the orders of the sessions before, signed; buys, then sales.
    values : float64 array, shape (n_sessions - first,)
        Overwritten with the portfolio's value at each close.

    Returns
    -------
    float
    """
    rows, assets = closes.shape
    cash, weight = capital, 1.0 / assets
    shares[:] = 0.0
    is_open[:] = 0.0
    for i in range(first, rows):
        value = cash
        for j in range(assets):
            close = closes[i, j]
            if math.isnan(close):
                continue
            left = math.floor(costs.volume_limit * volumes[i, j])
            for side in range(2):
                wanted = is_open[j, side]
                if wanted == 0.0 or left == 0.0:
                    continue
                size = min(abs(wanted), left)
                left -= size
                signed = size if wanted > 0.0 else -size
                price = close * (1.0 + costs.slippage) if wanted > 0.0 else close * (1.0 - costs.slippage)
                cash -= signed * price + size * costs.commission
                shares[j] += signed
                is_open[j, side] = wanted - signed
        value = cash
        for j in range(assets):
            if shares[j] != 0.0:
                value += shares[j] * closes[i, j]
        values[i - first] = value
        for j in range(assets):
            if math.isnan(slow[i, j]):
                continue
            target = float(int(weight * value / closes[i, j])) if fast[i, j] > slow[i, j] else 0.0
            change = target - shares[j]
            if change > 0.0:
                is_open[j, 0] += change
            else:
                is_open[j, 1] += change
    return cash


@numba.njit(cache=CACHE)
def run_pairs(
    closes: np.ndarray, volumes: np.ndarray, pairs: np.ndarray, first: int, capital: float, costs: Costs
) -> np.ndarray:
    """Run all pairs of windows; the means of a window are computed once.

    Parameters
    ----------
    closes, volumes : float64 arrays, shape (n_sessions, n_assets)
        Adjusted bars; NaN before an asset was listed.
    pairs : int64 array, shape (n_pairs, 2)
        Fast and slow window of each.
    first : int
        Row of the first session of the run.
    capital : float
        Cash at the start.
    costs : Costs
        Of a fill.

    Returns
    -------
    float64 array, shape (n_pairs, n_sessions - first)
        The portfolio's value at each close.
    """
    rows, assets = closes.shape
    windows = np.unique(pairs)
    means = rolling_means(closes, windows)
    values = np.empty((len(pairs), rows - first))
    shares, is_open = np.empty(assets), np.empty((assets, 2))
    for p in range(len(pairs)):
        fast = means[np.searchsorted(windows, pairs[p, 0])]
        slow = means[np.searchsorted(windows, pairs[p, 1])]
        simulate(closes, volumes, fast, slow, first, capital, costs, shares, is_open, values[p])
    return values
