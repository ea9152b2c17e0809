"""What did a walk-forward find: which params in each window, and what did they come to afterwards?"""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd

from rustybt._typing import FloatArray, IntArray
from rustybt.engine.benchmark import returns_of_asset
from rustybt.engine.span import Span
from rustybt.optimization.objective import Objective
from rustybt.optimization.param_stability import stability_frame
from rustybt.optimization.windows import Window
from rustybt.results.metrics import METRICS
from rustybt.results.result import RunResult
from rustybt.results.stitched import Piece, StitchedResult, cash_piece, piece_of, stitched

SHOWN = ("sharpe", "annual_return", "max_drawdown", "trades")
"""Metrics of both parts that the frame of windows shows."""

LEAST_PAIRS = 3
"""Windows under which a rank correlation says nothing."""


class WindowStatus(StrEnum):
    """What became of a window."""

    COMPLETE = "complete"
    """Its best params ran to the end of the out-of-sample part."""
    NO_TRIAL = "no eligible trial"
    """No trial of its search may be best: nothing ran out-of-sample, and the account stayed in cash."""
    STOPPED = "stopped"
    """A stop rule gave the out-of-sample run up early: the account stayed in cash from then on."""
    FAILED = "failed"
    """The out-of-sample run raised, or its worker died: the account stayed in cash."""


@dataclass(frozen=True)
class WindowOutcome:
    """What one window came to.

    Attributes
    ----------
    window : Window
        Its sessions.
    status : WindowStatus
        What became of it.
    params : mapping of str to value, or None
        The best ones in-sample; None where no trial was eligible.
    in_sample_score, out_of_sample_score : float
        The objective's value; NaN where there is none.
    in_sample, out_of_sample : mapping of str to float
        All metrics; empty where there are none.
    trials : int
        Of its search.
    run : callable, optional
        Gives the out-of-sample run in full when it is asked for.
    piece : Piece, optional
        That run as arrays, where they are known already.
    error : str
        Why it failed.
    """

    window: Window
    status: WindowStatus
    params: Mapping[str, Any] | None = None
    in_sample_score: float = math.nan
    out_of_sample_score: float = math.nan
    in_sample: Mapping[str, float] = field(default_factory=dict)
    out_of_sample: Mapping[str, float] = field(default_factory=dict)
    trials: int = 0
    run: Callable[[], RunResult] | None = field(default=None, compare=False)
    piece: Piece | None = field(default=None, compare=False, repr=False)
    error: str = ""

    @property
    def ran(self) -> bool:
        """Whether there is an out-of-sample run, be it of a part."""
        return self.status in (WindowStatus.COMPLETE, WindowStatus.STOPPED)


class WalkForwardResult:
    """The outcome of a walk-forward.

    Parameters
    ----------
    outcomes : sequence of WindowOutcome
        In time.
    session_ns : int64 array, shape (n_sessions,)
        The bundle's session labels, into which the windows' rows point.
    objective : Objective
        What the scores are values of.
    names : sequence of str
        The parameters, in order.
    capital_base : float
        Cash at the start.
    ranges : mapping of str to (low, high), optional
        Bounds of the numeric parameters, by which `stability` measures how far they move; what was seen if omitted.
    symbols : mapping of int to str, optional
        Tickers by sid; those of runs that are given in full are known.

    Attributes
    ----------
    outcomes : tuple of WindowOutcome
        One a window.
    objective : Objective
        What the scores are values of.
    """

    def __init__(
        self,
        outcomes: Sequence[WindowOutcome],
        session_ns: IntArray,
        objective: Objective,
        names: Sequence[str],
        capital_base: float,
        *,
        ranges: Mapping[str, tuple[float, float]] | None = None,
        symbols: Mapping[int, str] | None = None,
    ) -> None:
        self.outcomes, self.objective = tuple(outcomes), objective
        self._session_ns, self._names, self._capital_base = session_ns, tuple(names), float(capital_base)
        self._ranges, self._symbols = dict(ranges or {}), dict(symbols or {})
        self._runs: dict[int, RunResult] = {}

    def __len__(self) -> int:
        return len(self.outcomes)

    def __repr__(self) -> str:
        found = [outcome.status.value for outcome in self.outcomes]
        counts = ", ".join(f"{found.count(s.value)} {s.value}" for s in WindowStatus if s.value in found)
        return f"WalkForwardResult({len(self)} windows: {counts}; {self.objective})"

    # Window by window -------------------------------------------------------------------------------------------

    @cached_property
    def windows(self) -> pd.DataFrame:
        """All windows, one row each.

        Columns: window (number), the first and last session of both parts, the parameters by name (None where no trial
        was eligible), score, sharpe, annual_return, max_drawdown and trades of both parts (NaN where there are none),
        trials, partial (the span ended before it was whole), status, error. A parameter whose name another column has
        is "param_" + name.
        """
        parts = {"in_sample": [o.window.in_sample for o in self.outcomes]}
        parts["out_of_sample"] = [o.window.out_of_sample for o in self.outcomes]
        columns: dict[str, Any] = {"window": [o.window.number for o in self.outcomes]}
        for name, spans in parts.items():
            columns[f"{name}_start"] = self._labels([span.first for span in spans])
            columns[f"{name}_end"] = self._labels([span.last for span in spans])
        figures: dict[str, Any] = {}
        for name in ("score", *SHOWN):
            for part in parts:
                values = [_figure(outcome, part, name) for outcome in self.outcomes]
                figures[f"{part}_{name}"] = np.array(values, dtype=np.float64)
        last: dict[str, Any] = {"trials": [o.trials for o in self.outcomes]}
        last["partial"] = [o.window.is_partial for o in self.outcomes]
        last["status"] = [o.status.value for o in self.outcomes]
        last["error"] = [o.error for o in self.outcomes]
        taken = {*columns, *figures, *last}
        params = {f"param_{name}" if name in taken else name: self._values(name) for name in self._names}
        return pd.DataFrame({**columns, **params, **figures, **last})

    @property
    def params(self) -> pd.DataFrame:
        """The params of each window: a row a window by its number, a column a parameter; None without any."""
        numbers = pd.Index([o.window.number for o in self.outcomes], name="window")
        return pd.DataFrame({name: self._values(name) for name in self._names}).set_axis(numbers)

    @property
    def stability(self) -> pd.DataFrame:
        """How much each parameter moves from window to window; see `rustybt.optimization.param_stability`."""
        chosen = [o.params for o in self.outcomes if o.params is not None]
        return stability_frame(chosen, self._names, self._ranges)

    @cached_property
    def comparison(self) -> pd.DataFrame:
        """Every metric in-sample and out-of-sample: a row a metric.

        Columns: in_sample and out_of_sample, means over the windows that ran, NaN values left out; stitched, of the one
        curve.
        """
        ran = [outcome for outcome in self.outcomes if outcome.ran]
        columns = {
            part: [_mean([getattr(o, part).get(name, math.nan) for o in ran]) for name in METRICS]
            for part in ("in_sample", "out_of_sample")
        }
        return pd.DataFrame({**columns, "stitched": [self.metrics[name] for name in METRICS]}, index=list(METRICS))

    @property
    def rank_correlation(self) -> float:
        """Spearman's correlation of in-sample and out-of-sample score over windows.

        Near 1, windows that looked better were better; near 0, the score in-sample says nothing of the one to come. NaN
        for fewer than three windows with both scores, or where all are equal. A few windows say little: with 10 of
        them, scores that have nothing to do with each other reach 0.45 one time in ten.
        """
        pairs = [(o.in_sample_score, o.out_of_sample_score) for o in self.outcomes]
        both = np.array([pair for pair in pairs if all(map(math.isfinite, pair))], dtype=np.float64).reshape(-1, 2)
        ranks = pd.DataFrame(both).rank().to_numpy()
        if len(both) < LEAST_PAIRS or (ranks.max(axis=0) == ranks.min(axis=0)).any():
            return math.nan
        return float(np.corrcoef(ranks.T)[0, 1])

    @property
    def efficiency(self) -> float:
        """The stitched curve's annual return over the mean of the windows' annual returns in-sample (Pardo 2008).

        NaN where the latter is not above 0. It says which share of the growth that was fitted came true, and is no
        test: what a search fits grows with the number of its trials, so the same strategy gets another ratio from a
        larger search, and thresholds such as 0.5 or 0.6 have no error rate that holds. Judge by the stitched curve.
        """
        fitted = _mean([o.in_sample.get("annual_return", math.nan) for o in self.outcomes if o.ran])
        return self.metrics["annual_return"] / fitted if fitted > 0 else math.nan

    @property
    def notes(self) -> tuple[str, ...]:
        """What must be known of the windows before their curve is believed: those that are, or became, cash."""
        found = []
        for outcome in self.outcomes:
            if outcome.status is not WindowStatus.COMPLETE:
                first, last = self._labels(list(outcome.window.out_of_sample))
                reason = f" ({outcome.error.strip().splitlines()[-1]})" if outcome.error.strip() else ""
                since = "cash from there on" if outcome.status is WindowStatus.STOPPED else "cash"
                when = f"window {outcome.window.number}, {first.date()} to {last.date()}"
                found.append(f"{when}: {outcome.status}{reason}, {since}")
        return tuple(found)

    def run_of(self, number: int) -> RunResult | None:
        """Give the out-of-sample run of a window in full, or None where there is none.

        Parameters
        ----------
        number : int
            Of the window.

        Returns
        -------
        RunResult or None
            Run once more, in this process, when first asked for.
        """
        outcome = next(o for o in self.outcomes if o.window.number == number)
        if outcome.run is None or not outcome.ran:
            return None
        if number not in self._runs:
            self._runs[number] = outcome.run()
        return self._runs[number]

    # Out-of-sample, as one --------------------------------------------------------------------------------------

    @cached_property
    def stitched(self) -> StitchedResult:
        """The out-of-sample runs as one; see `rustybt.results.stitched.stitched`.

        Sessions of windows that did not run, or of those that were given up early, are in it as cash: they return 0.
        """
        pieces = [piece for outcome in self.outcomes for piece in self._pieces(outcome)]
        runs = self._runs.values()
        known = {e.sid: e.symbol for run in runs for e in run.records.portal.finder.equities}
        return stitched(pieces, {**known, **self._symbols})

    @property
    def equity(self) -> "pd.Series[float]":
        """What the account is worth at each out-of-sample session's end, by session label."""
        return self.stitched.equity

    @property
    def returns(self) -> "pd.Series[float]":
        """Simple returns out-of-sample, by session label."""
        return pd.Series(self.stitched.returns, index=self.stitched.sessions, name="returns")

    @property
    def metrics(self) -> dict[str, float]:
        """Every metric of docs/metrics.md, of the stitched curve."""
        return self.stitched.metrics

    @property
    def trades(self) -> pd.DataFrame:
        """Round trips of the stitched curve; see `rustybt.results.trades.trades_frame`."""
        return self.stitched.trades

    def _pieces(self, outcome: WindowOutcome) -> list[Piece]:
        """Give a window's run, and cash for the sessions that it lacks."""
        span, piece = outcome.window.out_of_sample, outcome.piece if outcome.ran else None
        if piece is None and (run := self.run_of(outcome.window.number)) is not None:
            piece = piece_of(run)
        ran = 0 if piece is None else len(piece.session_ns)
        found = [] if piece is None else [piece]
        if ran < span.size:
            rest = Span(span.first + ran, span.last)
            rows = self._session_ns[rest.first : rest.last + 1]
            found.append(cash_piece(rows, self._capital_base, self._benchmark_of(rest)))
        return found

    def _benchmark_of(self, span: Span) -> FloatArray | None:
        """Give the returns, over sessions in cash, of the asset that the windows that ran were compared with."""
        for outcome in self.outcomes:
            run = self.run_of(outcome.window.number)
            if run is not None and run.records.benchmark is not None:
                return returns_of_asset(run.records.benchmark, run.records.portal, span)
        return None

    def _labels(self, rows: list[int]) -> pd.DatetimeIndex:
        return pd.DatetimeIndex(self._session_ns[rows].view("datetime64[ns]"))

    def _values(self, name: str) -> "pd.Series[Any]":
        """Give a parameter of each window, of numbers where it has one in each."""
        values = [None if o.params is None else o.params.get(name) for o in self.outcomes]
        return pd.Series(values, dtype=object if None in values else None)


def _figure(outcome: WindowOutcome, part: str, name: str) -> float:
    if name == "score":
        return float(getattr(outcome, f"{part}_score"))
    return float(getattr(outcome, part).get(name, math.nan))


def _mean(values: Sequence[float]) -> float:
    finite = [value for value in values if math.isfinite(value)]
    return math.fsum(finite) / len(finite) if finite else math.nan
