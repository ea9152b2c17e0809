"""Rolling statistics and smoothings by plain loops: each row's window is made anew from raw values and factors."""

import math
from fractions import Fraction

import numpy as np

NAN = float("nan")


def window_at(values, events, row, window, *, rounds=False, leads=None, end=None):
    """What the window that ends at a row looks like from there; rows before the first are left out.

    events are (row, factor). With `end` gaps are filled: the first cell of a full window with leads[row], others with
    the cell before, those from `end` on with nothing.
    """
    begin = row - window + 1
    cells = []
    for i in range(max(begin, 0), row + 1):
        value = float(values[i])
        for when, factor in events:
            if i < when <= row:
                value *= factor
        cells.append(float(np.around(value, 3)) if rounds else value)
    if end is None:
        return cells
    filled = []
    for i, value in enumerate(cells):
        at = max(begin, 0) + i
        if at >= end:
            filled.append(NAN)
        elif not math.isnan(value):
            filled.append(value)
        elif filled:
            filled.append(filled[-1])
        else:
            filled.append(float(leads[row]) if begin >= 0 else NAN)
    return filled


def known(cells):
    return [x for x in cells if not math.isnan(x)]


def total(xs):
    """The exact sum, rounded once."""
    return float(sum(map(Fraction, xs))) if all(map(math.isfinite, xs)) else sum(xs)


def mean(xs):
    return float(sum(map(Fraction, xs)) / len(xs)) if all(map(math.isfinite, xs)) else sum(xs) / len(xs)


def deviation(xs, ddof):
    if len(xs) <= ddof or not all(map(math.isfinite, xs)):
        return NAN
    centre = sum(map(Fraction, xs)) / len(xs)
    return math.sqrt(sum((Fraction(x) - centre) ** 2 for x in xs) / (len(xs) - ddof))


def zscore(xs, last):
    spread = deviation(xs, 1)
    if math.isnan(last) or not spread > 0:
        return NAN
    return float(Fraction(last) - sum(map(Fraction, xs)) / len(xs)) / spread


def median(xs):
    ordered = sorted(xs)
    half = len(xs) // 2
    return ordered[half] if len(xs) % 2 else (ordered[half - 1] + ordered[half]) / 2


def rank(xs, last):
    if math.isnan(last):
        return NAN
    less, equal = sum(x < last for x in xs), sum(x == last for x in xs)
    return (less + (equal + 1) / 2) / len(xs)


def statistic(name, cells, window, min_count):
    """One statistic of one window."""
    if name in ("lag", "returns"):
        if len(cells) < window:
            return NAN
        with np.errstate(all="ignore"):
            return cells[0] if name == "lag" else float(np.divide(cells[-1], cells[0])) - 1
    xs = known(cells)
    if len(xs) < min_count:
        return NAN
    return {
        "sum": lambda: total(xs),
        "mean": lambda: mean(xs),
        "min": lambda: min(xs),
        "max": lambda: max(xs),
        "std": lambda: deviation(xs, 1),
        "population_std": lambda: deviation(xs, 0),
        "zscore": lambda: zscore(xs, cells[-1]),
        "median": lambda: median(xs),
        "rank": lambda: rank(xs, cells[-1]),
    }[name]()


def rolling(name, values, events, window, min_count, **view):
    """A statistic of one column at every row."""
    windows = [window_at(values, events, row, window, **view) for row in range(len(values))]
    return np.array([statistic(name, cells, window, min_count) for cells in windows], dtype=float)


def correlation(xs, ys, min_count):
    """Of one window's pairs, exactly but for the last division."""
    pairs = [(Fraction(x), Fraction(y)) for x, y in zip(xs, ys, strict=True) if math.isfinite(x) and math.isfinite(y)]
    if len(pairs) < max(min_count, 2):
        return NAN
    mx, my = (sum(p[i] for p in pairs) / len(pairs) for i in (0, 1))
    xx, yy = sum((x - mx) ** 2 for x, _ in pairs), sum((y - my) ** 2 for _, y in pairs)
    if not (xx and yy):
        return NAN
    return float(sum((x - mx) * (y - my) for x, y in pairs)) / math.sqrt(xx) / math.sqrt(yy)


def as_of(value, when, row, events):
    """A value of a row as it looks from a later one."""
    for at, factor in events:
        if when < at <= row:
            value *= factor
    return value


def ema(values, events, span):
    """As of each row anew, from all values before it."""
    share, out = 2 / (span + 1), []
    for row in range(len(values)):
        state = NAN
        for i in range(row + 1):
            value = as_of(values[i], i, row, events)
            if not math.isnan(value):
                state = value if math.isnan(state) else state + share * (value - state)
        out.append(state)
    return np.array(out)


def wilder(xs, window):
    if len(xs) < window:
        return NAN
    state = sum(xs[:window]) / window
    for x in xs[window:]:
        state += (x - state) / window
    return state


def rsi(values, events, window):
    out = []
    for row in range(len(values)):
        seen = known([as_of(values[i], i, row, events) for i in range(row + 1)])
        changes = [b - a for a, b in zip(seen, seen[1:], strict=False)]
        gain, loss = wilder([max(c, 0) for c in changes], window), wilder([max(-c, 0) for c in changes], window)
        out.append(100 - 100 / (1 + gain / loss) if loss else (100.0 if gain > 0 else NAN))
    return np.array(out)


def atr(high, low, close, events, window):
    out = []
    for row in range(len(close)):
        bars = [
            [as_of(column[i], i, row, events) for column in (high, low, close)]
            for i in range(row + 1)
            if not any(math.isnan(column[i]) for column in (high, low, close))
        ]
        ranges = [
            max(h - low_, abs(h - before[2]), abs(low_ - before[2]))
            for before, (h, low_, _) in zip(bars, bars[1:], strict=False)
        ]
        out.append(wilder(ranges, window))
    return np.array(out)
