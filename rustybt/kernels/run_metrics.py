"""What are all metrics of a run, in a few passes over its arrays, for many runs one after another?

The twin of `rustybt.results.metrics`, whose formulas and NaN rule hold here too.
"""

import math
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from rustybt.kernels.compiled import compiled
from rustybt.kernels.simulation_types import (
    GROSS_LEVERAGE,
    PORTFOLIO_VALUE,
    SESSION_BORROW_COST,
    SESSION_MARGIN_INTEREST,
)

Floats = NDArray[np.float64]

YEAR: Final = 252.0
ROOT_YEAR: Final = math.sqrt(252.0)
TAIL: Final = 0.05
FLAT_VARIANCE: Final = 1e-30
NAN: Final = math.nan

NAMES: Final = (
    "total_return",
    "annual_return",
    "annual_volatility",
    "sharpe",
    "sortino",
    "downside_risk",
    "calmar",
    "omega",
    "max_drawdown",
    "max_drawdown_duration",
    "alpha",
    "beta",
    "information_ratio",
    "benchmark_return",
    "stability",
    "tail_ratio",
    "skew",
    "kurtosis",
    "psr",
    "value_at_risk_95",
    "cvar_95",
    "best_day",
    "worst_day",
    "win_rate_days",
    "ending_value",
    "pnl",
    "time_in_market",
    "avg_gross_leverage",
    "max_leverage",
    "turnover",
    "commission",
    "borrow_cost",
    "margin_interest",
    "fills",
    "trades",
    "open_trades",
    "win_rate",
    "profit_factor",
    "payoff_ratio",
    "avg_trade_pnl",
    "expectancy",
    "avg_bars_held",
)
"""What the entries of a row of metrics are, in the order of `rustybt.results.metrics.METRICS`."""


class Moments(NamedTuple):
    """Of a return series: moments, extremes, and sums and counts by sign; `squares` is the mean squared deviation."""

    mean: float
    squares: float
    deviation: float
    skew: float
    kurtosis: float
    lowest: float
    highest: float
    gained: float
    lost: float
    up: int
    moved: int
    downside: float


@compiled
def all_finite(values: Floats) -> bool:
    """Say whether every value is finite."""
    total = 0.0
    for i in range(len(values)):
        total += values[i] * 0.0
    return total == 0.0


@compiled
def moments_of(returns: Floats) -> Moments:
    """Give the moments of at least one return."""
    n = len(returns)
    total = gained = lost = downside = 0.0
    low = high = returns[0]
    up = moved = 0
    for i in range(n):
        r = returns[i]
        total += r
        low, high = min(low, r), max(high, r)
        if r > 0:
            gained += r
            up += 1
            moved += 1
        elif r < 0:
            lost -= r
            moved += 1
            downside += r * r
    mean = total / n
    largest = max(high - mean, mean - low)
    if n < 2 or low == high:
        spread = 0.0 if n > 1 else NAN
        return Moments(mean, 0.0, spread, NAN, NAN, low, high, gained, lost, up, moved, downside / n)
    second = third = fourth = 0.0
    for i in range(n):
        scaled = (returns[i] - mean) / largest
        square = scaled * scaled
        second += square
        third += square * scaled
        fourth += square * square
    deviation = math.sqrt(second / (n - 1)) * largest
    second, third, fourth = second / n, third / n, fourth / n
    return Moments(
        mean,
        second * largest * largest,
        deviation,
        third / second**1.5,
        fourth / (second * second),
        low,
        high,
        gained,
        lost,
        up,
        moved,
        downside / n,
    )


@compiled
def drawdown_of(returns: Floats) -> tuple[float, int, float]:
    """Give the deepest drawdown, the longest time below a peak in sessions, and what 1 became."""
    value = peak = 1.0
    deepest = 0.0
    longest = below = 0
    for i in range(len(returns)):
        value *= 1.0 + returns[i]
        if value >= peak:
            peak = value
            below = 0
        else:
            deepest = min(deepest, (value - peak) / peak)
            below += 1
            longest = max(longest, below)
    return deepest, longest, value


@compiled
def stability_of(height: Floats) -> float:
    """Give R² of cumulative log returns on time; NaN where wealth reaches 0, so that one is not finite."""
    n = len(height)
    if n < 2 or not all_finite(height):
        return NAN
    total = 0.0
    for i in range(n):
        total += height[i]
    mean, middle = total / n, (n - 1) / 2
    along = times = spread = 0.0
    for i in range(n):
        above, time = height[i] - mean, i - middle
        along += time * above
        times += time * time
        spread += above * above
    return along**2 / (times * spread) if spread > 0 else NAN


@compiled
def percentile(ordered: Floats, fraction: float) -> float:
    """Give a percentile of values that are in order at the two places it lies between, interpolated linearly."""
    place = fraction * (len(ordered) - 1)
    below = int(math.floor(place))
    above = min(below + 1, len(ordered) - 1)
    return interpolate(ordered[below], ordered[above], place - below)


@compiled
def interpolate(low: float, high: float, weight: float) -> float:
    """Go from one value towards another, from the nearer end as NumPy does."""
    step = high - low
    return high - step * (1.0 - weight) if weight >= 0.5 else low + step * weight


@compiled
def write_return_metrics(out: Floats, returns: Floats, ordered: Floats, height: Floats) -> None:
    """Write what the returns alone say.

    Parameters
    ----------
    out : float64 array, shape (len(NAMES),)
        Written at the places of return metrics.
    returns : float64 array, shape (n_sessions,)
        Simple returns; if one is not finite all are NaN.
    ordered : float64 array, shape (n_sessions,)
        The same, partitioned about the places of the percentiles (see `places_of`).
    height : float64 array, shape (n_sessions,)
        Cumulative sums of log(1 + returns).
    """
    n = len(returns)
    if n == 0 or not all_finite(returns):
        return
    m = moments_of(returns)
    deepest, longest, final = drawdown_of(returns)
    annual = final ** (YEAR / n) - 1.0 if final >= 0 else NAN
    sharpe = m.mean / m.deviation * ROOT_YEAR if m.deviation > 0 else NAN
    risk = math.sqrt(m.downside) * ROOT_YEAR
    out[0] = final - 1.0
    out[1] = annual
    out[2] = m.deviation * ROOT_YEAR
    out[3] = sharpe
    out[4] = m.mean * YEAR / risk if risk > 0 and n > 1 else NAN
    out[5] = risk
    out[6] = annual / -deepest if deepest < 0 else NAN
    out[7] = m.gained / m.lost if m.lost > 0 and n > 1 else NAN
    out[8] = deepest
    out[9] = longest
    out[14] = stability_of(height)
    low, high = percentile(ordered, TAIL), percentile(ordered, 1 - TAIL)
    out[15] = abs(high) / abs(low) if abs(low) > 0 else NAN
    out[16] = m.skew
    out[17] = m.kurtosis
    out[18] = probabilistic_sharpe(sharpe / ROOT_YEAR, n, m.skew, m.kurtosis)
    out[19] = low
    last = int((n - 1) * TAIL)
    total = 0.0
    for i in range(last + 1):
        total += ordered[i]
    out[20] = total / (last + 1)
    out[21] = m.highest
    out[22] = m.lowest
    out[23] = m.up / m.moved if m.moved > 0 else NAN


@compiled
def probabilistic_sharpe(sharpe: float, n: int, skew: float, kurtosis: float) -> float:
    """Give the probability that the true Sharpe ratio is above 0 (Bailey & López de Prado 2012, eq. 11)."""
    variance = 1.0 - skew * sharpe + (kurtosis - 1.0) / 4.0 * sharpe**2
    if n < 2 or not variance > 0:
        return NAN
    return 0.5 * math.erfc(-(sharpe * math.sqrt(n - 1) / math.sqrt(variance)) / math.sqrt(2.0))


@compiled
def write_benchmark_metrics(out: Floats, returns: Floats, benchmark: Floats) -> None:
    """Write what the returns say beside the benchmark's."""
    n = len(returns)
    if n == 0 or not all_finite(benchmark):
        return
    b = moments_of(benchmark)
    out[13] = drawdown_of(benchmark)[2] - 1.0
    if n < 2 or not all_finite(returns):
        return
    co = active = 0.0
    for i in range(n):
        co += (benchmark[i] - b.mean) * returns[i]
        active += returns[i] - benchmark[i]
    beta = (co / n) / b.squares if b.squares >= FLAT_VARIANCE else NAN
    out[11] = beta
    total = 0.0
    for i in range(n):
        total += returns[i] - beta * benchmark[i]
    out[10] = (total / n + 1.0) ** YEAR - 1.0
    if b.deviation > 0:
        mean, squares = active / n, 0.0
        lowest = highest = returns[0] - benchmark[0]
        for i in range(n):
            difference = returns[i] - benchmark[i]
            squares += (difference - mean) ** 2
            lowest, highest = min(lowest, difference), max(highest, difference)
        spread = math.sqrt(squares / (n - 1)) if lowest != highest else 0.0
        out[12] = mean / spread * ROOT_YEAR if spread > 0 else NAN


@compiled
def write_account_metrics(out: Floats, sessions: Floats, n: int, fills: Floats, n_fills: int, capital: float) -> None:
    """Write what values, leverage, costs and fills say.

    Parameters
    ----------
    out : float64 array, shape (len(NAMES),)
        Written at the places of these metrics.
    sessions : float64 array, shape (n_fields, n_sessions or more)
        As `rustybt.kernels.simulation_types.Records` has them.
    n : int
        Sessions that were run.
    fills : float64 array, shape (n, 4)
        Shares, price and commission of each fill; the first n_fills count.
    n_fills : int
        How many fills there are.
    capital : float
        Cash at the start.
    """
    value, gross = sessions[PORTFOLIO_VALUE], sessions[GROSS_LEVERAGE]
    borrow, margin = sessions[SESSION_BORROW_COST], sessions[SESSION_MARGIN_INTEREST]
    values = lever = borrowed = owed = 0.0
    most = -math.inf
    invested = 0
    for s in range(n):
        values += value[s]
        lever += gross[s]
        most = max(most, gross[s])
        invested += gross[s] != 0
        borrowed += borrow[s]
        owed += margin[s]
    traded = commission = 0.0
    for i in range(n_fills):
        traded += abs(fills[i, 0] * fills[i, 1])
        commission += fills[i, 2]
    if n:
        out[24] = value[n - 1]
        out[25] = value[n - 1] - capital
        out[26] = invested / n
        out[27] = lever / n
        out[28] = most
        out[29] = traded / (values / n) * YEAR / n if values > 0 else NAN
    out[30] = commission
    out[31] = borrowed
    out[32] = owed
    out[33] = n_fills


@compiled
def write_trade_metrics(out: Floats, trades: Floats, n_closed: int, n_trades: int) -> None:
    """Write what the closed trades say; `trades` has the rows of `rustybt.kernels.trips.pair_fills`."""
    won = lost = money = earned = held = 0.0
    winners = losers = 0
    for i in range(n_closed):
        pnl = trades[i, 7]
        money += pnl
        earned += trades[i, 8]
        held += trades[i, 10]
        if pnl > 0:
            winners += 1
            won += pnl
        elif pnl < 0:
            losers += 1
            lost -= pnl
    out[34] = n_closed
    out[35] = n_trades - n_closed
    if n_closed > 0:
        out[36] = winners / n_closed
        out[39] = money / n_closed
        out[40] = earned / n_closed
        out[41] = held / n_closed
    if lost > 0:
        out[37] = won / lost
    if winners > 0 and losers > 0:
        out[38] = (won / winners) / (lost / losers)


@compiled
def close_metrics(out: Floats) -> None:
    """Turn what is not finite into NaN."""
    for i in range(len(out)):
        if not math.isfinite(out[i]):
            out[i] = NAN


def places_of(n: int) -> list[int]:
    """Give the places about which returns are partitioned before the percentiles are read.

    Examples
    --------
    >>> places_of(101)
    [5, 6, 95, 96]
    """
    low, high = int(TAIL * (n - 1)), int((1 - TAIL) * (n - 1))
    return sorted({low, min(low + 1, n - 1), high, min(high + 1, n - 1)})
