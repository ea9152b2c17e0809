"""What do a run's daily returns say, as single numbers?

Every function takes finite float64 arrays of shape (n_sessions,) and gives a float, NaN where the statistic is not
defined. The risk-free rate is 0 and a year has 252 sessions.
"""

import math

import numpy as np

from rustybt._typing import FloatArray
from rustybt.constants import SESSIONS_PER_YEAR

YEAR = SESSIONS_PER_YEAR
ROOT_YEAR = math.sqrt(SESSIONS_PER_YEAR)
TAIL = 0.05
FLAT_VARIANCE = 1e-30
"""A benchmark with less variance than this has no beta; empyrical draws the line there."""


def deviation(returns: FloatArray) -> float:
    """Give the sample standard deviation: exactly 0 where all values are equal, NaN for fewer than two."""
    if len(returns) < 2:
        return math.nan
    return 0.0 if returns.max() == returns.min() else float(np.std(returns, ddof=1))


def wealth(returns: FloatArray) -> FloatArray:
    """Give what 1 became, from the start on; shape (n_sessions + 1,)."""
    value: FloatArray = np.concatenate((np.ones(1), 1.0 + returns)).cumprod()
    return value


def total_return(returns: FloatArray) -> float:
    """Compound all returns.

    Examples
    --------
    >>> round(total_return(np.array([0.1, 0.1])), 4)
    0.21
    """
    return float(np.prod(1.0 + returns)) - 1.0 if len(returns) else math.nan


def annual_return(returns: FloatArray) -> float:
    """Give the compound annual growth rate; NaN where the account ends below zero."""
    final = total_return(returns) + 1.0
    return float(final ** (YEAR / len(returns))) - 1.0 if final >= 0 else math.nan


def annual_volatility(returns: FloatArray) -> float:
    """Annualise the sample standard deviation."""
    return deviation(returns) * ROOT_YEAR


def sharpe(returns: FloatArray) -> float:
    """Give the annualised Sharpe ratio (Sharpe 1994); NaN for constant returns.

    Examples
    --------
    >>> round(sharpe(np.array([0.01, -0.01, 0.02])), 4)
    6.9282
    """
    spread = deviation(returns)
    return float(np.mean(returns)) / spread * ROOT_YEAR if spread > 0 else math.nan


def downside_risk(returns: FloatArray) -> float:
    """Annualise the root of the mean squared shortfall below 0, over all sessions."""
    return math.sqrt(float(np.mean(np.minimum(returns, 0.0) ** 2))) * ROOT_YEAR if len(returns) else math.nan


def sortino(returns: FloatArray) -> float:
    """Give annual mean over annual downside risk (Sortino & Price 1994); NaN without a loss."""
    risk = downside_risk(returns)
    return float(np.mean(returns)) * YEAR / risk if risk > 0 and len(returns) > 1 else math.nan


def drawdowns(returns: FloatArray) -> FloatArray:
    """Give each session's loss since the highest earlier wealth, the start included; 0 or negative."""
    value = wealth(returns)
    peak = np.maximum.accumulate(value)
    below: FloatArray = ((value - peak) / peak)[1:]
    return below


def max_drawdown(returns: FloatArray) -> float:
    """Give the deepest drawdown, 0 or negative as in Zipline's perf frame.

    Examples
    --------
    >>> max_drawdown(np.array([0.25, -0.5, 0.1]))
    -0.5
    """
    return float(drawdowns(returns).min()) if len(returns) else math.nan


def max_drawdown_duration(returns: FloatArray) -> float:
    """Count the sessions of the longest time below an earlier peak.

    Examples
    --------
    >>> max_drawdown_duration(np.array([-0.1, 0.05, 0.2, -0.1]))
    2.0
    """
    if not len(returns):
        return math.nan
    at_peak = np.flatnonzero(np.concatenate(([0.0], drawdowns(returns), [0.0])) == 0.0)
    return float(np.diff(at_peak).max() - 1)


def calmar(returns: FloatArray) -> float:
    """Give annual return over the deepest drawdown (Young 1991); NaN without a drawdown."""
    deepest = max_drawdown(returns)
    return annual_return(returns) / -deepest if deepest < 0 else math.nan


def omega(returns: FloatArray) -> float:
    """Give gains over losses about 0 (Keating & Shadwick 2002); NaN without a loss."""
    losses = -float(returns[returns < 0].sum())
    return float(returns[returns > 0].sum()) / losses if losses > 0 and len(returns) > 1 else math.nan


def beta(returns: FloatArray, benchmark: FloatArray) -> float:
    """Give covariance with the benchmark over its variance; NaN where the benchmark does not move."""
    if len(returns) < 2:
        return math.nan
    centred = benchmark - np.mean(benchmark)
    variance = float(np.mean(centred**2))
    return float(np.mean(centred * returns)) / variance if variance >= FLAT_VARIANCE else math.nan


def alpha(returns: FloatArray, benchmark: FloatArray) -> float:
    """Compound the mean return beyond beta times the benchmark over a year (Jensen 1968)."""
    daily = float(np.mean(returns - beta(returns, benchmark) * benchmark)) if len(returns) > 1 else math.nan
    return math.nan if math.isnan(daily) else float(np.float64(daily + 1.0) ** YEAR) - 1.0


def information_ratio(returns: FloatArray, benchmark: FloatArray) -> float:
    """Give the Sharpe ratio of returns less the benchmark's; NaN where the benchmark does not move."""
    return sharpe(returns - benchmark) if deviation(benchmark) > 0 else math.nan


def stability(returns: FloatArray) -> float:
    """Give R² of cumulative log returns on time; NaN where wealth reaches 0 or never moves."""
    if len(returns) < 2 or not (returns > -1).all():
        return math.nan
    log_wealth = np.cumsum(np.log1p(returns))
    height = log_wealth - np.mean(log_wealth)
    time = np.arange(len(returns)) - (len(returns) - 1) / 2
    spread = float(height @ height)
    return float(time @ height) ** 2 / (float(time @ time) * spread) if spread > 0 else math.nan


def tail_ratio(returns: FloatArray) -> float:
    """Give the 95th percentile over the 5th, both absolute; NaN where the 5th is 0."""
    if not len(returns):
        return math.nan
    low, high = abs(np.percentile(returns, [100 * TAIL, 100 * (1 - TAIL)]))
    return float(high / low) if low > 0 else math.nan


def value_at_risk_95(returns: FloatArray) -> float:
    """Give the 5th percentile of returns, interpolated linearly."""
    return float(np.percentile(returns, 100 * TAIL)) if len(returns) else math.nan


def cvar_95(returns: FloatArray) -> float:
    """Average the worst returns, up to and including the one at the 5th percentile's place."""
    if not len(returns):
        return math.nan
    last = int((len(returns) - 1) * TAIL)
    return float(np.mean(np.partition(returns, last)[: last + 1]))


def _scaled_deviations(returns: FloatArray) -> FloatArray | None:
    """Give deviations from the mean over the largest, whose powers neither under- nor overflow; None if constant."""
    if not deviation(returns) > 0:
        return None
    centred = returns - np.mean(returns)
    scaled: FloatArray = centred / np.abs(centred).max()
    return scaled


def skew(returns: FloatArray) -> float:
    """Give γ3, the third standardised moment of the population."""
    scaled = _scaled_deviations(returns)
    if scaled is None:
        return math.nan
    squares = scaled * scaled
    return float(np.mean(squares * scaled)) / math.pow(float(np.mean(squares)), 1.5)


def kurtosis(returns: FloatArray) -> float:
    """Give γ4, the fourth standardised moment of the population: 3 for a normal distribution.

    Examples
    --------
    >>> kurtosis(np.array([1.0, -1.0, 1.0, -1.0]))
    1.0
    """
    scaled = _scaled_deviations(returns)
    if scaled is None:
        return math.nan
    squares = scaled * scaled
    return float(np.mean(squares * squares)) / float(np.mean(squares)) ** 2


def normal_cdf(z: float) -> float:
    """Give Φ(z)."""
    return 0.5 * math.erfc(-z / math.sqrt(2.0))


def probabilistic_sharpe(
    sharpe_per_period: float, n_periods: int, skewness: float, kurtosis: float, target: float = 0.0
) -> float:
    """Give the probability that the true Sharpe ratio exceeds a target (Bailey & López de Prado 2012, eq. 11).

    Parameters
    ----------
    sharpe_per_period : float
        Observed, not annualised.
    n_periods : int
        Number of returns.
    skewness, kurtosis : float
        γ3 and γ4 of the returns; 0 and 3 for normal ones.
    target : float, default 0.0
        The Sharpe ratio to exceed, per period.

    Returns
    -------
    float
        Within [0, 1]; NaN where the variance of the estimate is not positive.

    Examples
    --------
    >>> round(probabilistic_sharpe(0.458, 24, -2.448, 10.164), 3)
    0.913
    """
    variance = 1.0 - skewness * sharpe_per_period + (kurtosis - 1.0) / 4.0 * sharpe_per_period**2
    if n_periods < 2 or not variance > 0:
        return math.nan
    return normal_cdf((sharpe_per_period - target) * math.sqrt(n_periods - 1) / math.sqrt(variance))


def psr(returns: FloatArray) -> float:
    """Give the probability that the true Sharpe ratio is above 0."""
    return probabilistic_sharpe(sharpe(returns) / ROOT_YEAR, len(returns), skew(returns), kurtosis(returns))


def best_day(returns: FloatArray) -> float:
    """Give the highest return of a session."""
    return float(returns.max()) if len(returns) else math.nan


def worst_day(returns: FloatArray) -> float:
    """Give the lowest return of a session."""
    return float(returns.min()) if len(returns) else math.nan


def win_rate_days(returns: FloatArray) -> float:
    """Give the share of sessions that gained among those that gained or lost."""
    moved = np.count_nonzero(returns)
    return float(np.count_nonzero(returns > 0)) / moved if moved else math.nan
