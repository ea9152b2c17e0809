"""The metrics of a run, told slowly: one session, one trade at a time, in exact fractions where that is possible."""

import math
from fractions import Fraction
from statistics import NormalDist


def wealth_path(returns):
    path = [Fraction(1)]
    for r in returns:
        path.append(path[-1] * (1 + Fraction(r)))
    return path


def mean(values):
    return sum(map(Fraction, values)) / len(values)


def central(values, order):
    middle = mean(values)
    return sum((Fraction(v) - middle) ** order for v in values) / len(values)


def sample_deviation(values):
    n = len(values)
    return math.sqrt(central(values, 2) * n / (n - 1))


def sharpe(returns):
    return float(mean(returns)) / sample_deviation(returns) * math.sqrt(252)


def sortino(returns):
    shortfall = sum(Fraction(r) ** 2 for r in returns if r < 0) / len(returns)
    return float(mean(returns)) * 252 / (math.sqrt(shortfall) * math.sqrt(252))


def total_return(returns):
    return float(wealth_path(returns)[-1] - 1)


def drawdown_series(returns):
    path = wealth_path(returns)
    return [path[i] / max(path[: i + 1]) - 1 for i in range(1, len(path))]


def max_drawdown(returns):
    return float(min(drawdown_series(returns)))


def max_drawdown_duration(returns):
    longest = current = 0
    for depth in drawdown_series(returns):
        current = current + 1 if depth < 0 else 0
        longest = max(longest, current)
    return longest


def omega(returns):
    return float(sum(Fraction(r) for r in returns if r > 0) / -sum(Fraction(r) for r in returns if r < 0))


def skew(returns):
    return float(central(returns, 3)) / math.sqrt(central(returns, 2)) ** 3


def kurtosis(returns):
    return float(central(returns, 4) / central(returns, 2) ** 2)


def psr(returns):
    sr = sharpe(returns) / math.sqrt(252)
    spread = math.sqrt(1 - skew(returns) * sr + (kurtosis(returns) - 1) / 4 * sr * sr)
    return NormalDist().cdf(sr * math.sqrt(len(returns) - 1) / spread)


def beta(returns, benchmark):
    middle_r, middle_b = mean(returns), mean(benchmark)
    pairs = list(zip(map(Fraction, returns), map(Fraction, benchmark), strict=True))
    return float(sum((r - middle_r) * (b - middle_b) for r, b in pairs) / sum((b - middle_b) ** 2 for _, b in pairs))


def alpha(returns, benchmark):
    slope = beta(returns, benchmark)
    return (1 + math.fsum(r - slope * b for r, b in zip(returns, benchmark, strict=True)) / len(returns)) ** 252 - 1


def quantile(values, q):
    ordered = sorted(values)
    place = q * (len(ordered) - 1)
    low = math.floor(place)
    high = min(low + 1, len(ordered) - 1)
    return ordered[low] + (place - low) * (ordered[high] - ordered[low])


def cvar_95(returns):
    worst = sorted(returns)[: int((len(returns) - 1) * 0.05) + 1]
    return math.fsum(worst) / len(worst)


def stability(returns):
    heights, total = [], 0.0
    for r in returns:
        total += math.log1p(r)
        heights.append(total)
    xs = range(len(heights))
    mx, my = sum(xs) / len(heights), math.fsum(heights) / len(heights)
    sxy = math.fsum((x - mx) * (y - my) for x, y in zip(xs, heights, strict=True))
    sxx = math.fsum((x - mx) ** 2 for x in xs)
    syy = math.fsum((y - my) ** 2 for y in heights)
    return sxy * sxy / (sxx * syy)
