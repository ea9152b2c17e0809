"""How are contenders compared? Interleaved rounds, medians, ratios of the same round, fitted exponents, verdicts."""

import math
from collections.abc import Callable, Mapping, Sequence
from statistics import median
from typing import Any, NamedTuple

import numpy as np

Answer = dict[str, Any]


class Figure(NamedTuple):
    """A number that the bench measured, and what was aimed at.

    Attributes
    ----------
    name : str
        What it is a number of.
    value : float
        The measured value.
    unit : str
        Of value and target, such as "times" or "s".
    at_least, at_most : float or None
        The target; neither for a number that is only told.
    note : str
        What a reader has to know about it.
    """

    name: str
    value: float
    unit: str
    at_least: float | None = None
    at_most: float | None = None
    note: str = ""

    @property
    def verdict(self) -> str:
        """Say "met" or "missed", or nothing without a target; NaN misses."""
        if self.at_least is not None:
            return "met" if self.value >= self.at_least else "missed"
        if self.at_most is not None:
            return "met" if self.value <= self.at_most else "missed"
        return ""

    @property
    def target(self) -> str:
        """The target in words."""
        if self.at_least is not None:
            return f"at least {self.at_least:g}"
        return "" if self.at_most is None else f"at most {self.at_most:g}"


def interleave(
    runs: Mapping[str, Callable[[], Answer]], repeats: int, warm_up: int = 1, told: Callable[[str], None] | None = None
) -> dict[str, list[Answer]]:
    """Run A B C A B C ...: whatever else the machine does hits all of them alike.

    Parameters
    ----------
    runs : mapping of str to callable
        Each runs its contender once.
    repeats : int
        Rounds that count.
    warm_up : int
        Rounds before them that do not: compilers, caches and pages.
    told : callable of (str), optional
        Hears of each run before it.

    Returns
    -------
    dict of str to list of answers
        One a round.
    """
    answers: dict[str, list[Answer]] = {name: [] for name in runs}
    for turn in range(warm_up + repeats):
        for name, run in runs.items():
            if told is not None:
                told(f"{name}, {'warm-up' if turn < warm_up else f'{turn - warm_up + 1} of {repeats}'}")
            got = run()
            if turn >= warm_up:
                answers[name].append(got)
    return answers


def seconds_of(answers: Sequence[Answer], clock: str) -> list[float]:
    """Take the seconds of each round by the "wall" clock or the "cpu" clock."""
    return [answer["cpu_seconds" if clock == "cpu" else "seconds"] for answer in answers]


def times_faster(slow: Sequence[float], fast: Sequence[float]) -> float:
    """Give the median over rounds of slow/fast; both were measured in the same round."""
    return median(a / b for a, b in zip(slow, fast, strict=True))


def exponent(sizes: Sequence[float], seconds: Sequence[float]) -> float:
    """Fit seconds = c·size^k by least squares on logarithms, and give k.

    Raises
    ------
    ValueError
        With fewer than four sizes, or with what has no logarithm.
    """
    if len(sizes) < 4 or len(sizes) != len(seconds):
        raise ValueError(f"{len(sizes)} sizes and {len(seconds)} times: an exponent is fitted to at least four pairs")
    if not all(math.isfinite(x) and x > 0 for x in (*sizes, *seconds)):
        raise ValueError("sizes and seconds have to be finite and above 0")
    x, y = np.log(sizes), np.log(seconds)
    x = x - x.mean()
    return float((x * y).sum() / (x * x).sum())


def apart(label: str, mine: Sequence[Answer], theirs: Sequence[Answer]) -> Figure:
    """Give how far two packages end apart, relative to the second: a fast wrong answer is none.

    Parameters
    ----------
    label : str
        What both ran.
    mine, theirs : sequence of answers
        Of every round, with a "value" each; the round that is furthest apart counts.

    Returns
    -------
    Figure
    """
    gaps = [abs(a["value"] - b["value"]) / abs(b["value"]) for a, b in zip(mine, theirs, strict=True)]
    most = float(np.max(gaps))  # NaN if any is
    return Figure(f"{label}: final value, apart from Zipline's", most, "of it", at_most=1e-9)
