"""What did an optimization find? Its trials, and the best of them."""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from rustybt.errors import NoBestTrial, ReproducibilityWarning
from rustybt.optimization.goal import Goal
from rustybt.optimization.objective import Objective
from rustybt.optimization.parameter_space import ParameterSpace, Params
from rustybt.optimization.result_header import lost
from rustybt.optimization.result_views import ResultViews
from rustybt.optimization.returns_store import ReturnsStore
from rustybt.optimization.run_info import RunInfo
from rustybt.optimization.trial import Trial, TrialStatus
from rustybt.results.result import RunResult

if TYPE_CHECKING:
    from rustybt.optimization.saved_walk_forward import SavedWalkForward
    from rustybt.optimization.walk_forward_result import WalkForwardResult

COLUMNS = ("trial", "study", "status", "score", "passing", "budget", "bars", "seconds", "worker", "cached", "error")
"""Columns of the trials' frame beside params and metrics."""

Rerun = Callable[[Params], RunResult]


class OptimizationInterrupted(KeyboardInterrupt):
    """Ctrl-C during an optimization.

    Attributes
    ----------
    result : OptimizationResult
        With the trials that were finished.
    """

    def __init__(self, message: str, result: Any) -> None:
        super().__init__(message)
        self.result = result


@dataclass(frozen=True, repr=False)
class BestTrial:
    """The best trial, and on demand its run in full.

    Attributes
    ----------
    trial : Trial
        The record.
    rerun : callable
        Runs params again in this process.
    """

    trial: Trial
    rerun: Rerun

    def __repr__(self) -> str:
        return f"BestTrial({self.number}, score={self.score!r}, params={self.params!r})"

    @property
    def is_lost(self) -> bool:
        """Whether it cannot be run again: its result was loaded, and the strategy is not among the files."""
        return self.rerun is lost

    @property
    def number(self) -> int:
        """Its place in the order of proposal."""
        return self.trial.number

    @property
    def params(self) -> dict[str, Any]:
        """Its parameters."""
        return dict(self.trial.params)

    @property
    def metrics(self) -> dict[str, float]:
        """All its metrics."""
        return dict(self.trial.metrics)

    @property
    def score(self) -> float:
        """The first objective's value."""
        return self.trial.score

    @cached_property
    def run(self) -> RunResult:
        """The backtest in full; run once more, in this process, when first asked for."""
        again = self.rerun(self.params)
        before, now = self.trial.metrics["ending_value"], again.metrics["ending_value"]
        if not math.isclose(before, now, rel_tol=1e-9) and before == before:
            warnings.warn(
                f"trial {self.number} ended with {before:,.2f} and its rerun with {now:,.2f}: the strategy depends on "
                "what differs between processes or runs, such as the order of a set of words, class attributes that "
                "it changes, or a clock; sort what it iterates, and keep state in context",
                ReproducibilityWarning,
                stacklevel=3,
            )
        return again

    @property
    def trades(self) -> pd.DataFrame:
        """Round trips: entry, exit, shares, pnl, bars held; see `rustybt.results.trades.trades_frame`."""
        return self.run.trades

    @property
    def perf(self) -> pd.DataFrame:
        """The perf frame; see `rustybt.results.frame.perf_frame`."""
        return self.run.perf


class OptimizationResult(ResultViews):
    """The outcome of one search.

    Parameters
    ----------
    records : sequence of Trial
        All trials that came back, in the order of proposal.
    goal : Goal
        What best means.
    space : ParameterSpace
        What was searched.
    rerun : callable of (params)
        Runs a backtest in full.
    returns : ReturnsStore
        Daily returns by trial number.
    info : RunInfo
        What else is known of the run.
    compared : sequence of Trial, optional
        Those among which the best is looked for; all of them if omitted.

    Attributes
    ----------
    records : tuple of Trial
        All trials.
    walk_forward : WalkForwardResult, SavedWalkForward or None
        Of a walk-forward: its windows and its out-of-sample curve; saved where the result was loaded.
    """

    def __init__(
        self,
        records: Sequence[Trial],
        goal: Goal,
        space: ParameterSpace,
        rerun: Rerun,
        returns: ReturnsStore,
        info: RunInfo | None = None,
        compared: Sequence[Trial] | None = None,
    ) -> None:
        self.records, self.goal, self.space, self.info = tuple(records), goal, space, info or RunInfo()
        self.walk_forward: WalkForwardResult | SavedWalkForward | None = None
        self._compared = self.records if compared is None else tuple(compared)
        self._rerun, self._returns = rerun, returns

    def __len__(self) -> int:
        return len(self.records)

    def __repr__(self) -> str:
        counts = ", ".join(f"{count} {status}" for status, count in self.counts.items())
        fast = "; FAST: half of the data" if self.info.is_fast else ""
        return f"{type(self).__name__}({counts or 'no trial'}; {self._goal_text}; {self.seconds:.1f} s{fast})"

    @property
    def _goal_text(self) -> str:
        return ", ".join(map(str, self.objectives))

    @property
    def objectives(self) -> tuple[Objective, ...]:
        """What was optimized; the first one decides what is best."""
        return self.goal.objectives

    @property
    def objective(self) -> Objective:
        """The first objective."""
        return self.objectives[0]

    @property
    def seconds(self) -> float:
        """Time of the run."""
        return float(self.info.seconds)

    @property
    def counts(self) -> dict[str, int]:
        """Number of trials of each status that occurs."""
        found = [trial.status.value for trial in self.records]
        return {status.value: found.count(status.value) for status in TrialStatus if status.value in found}

    @cached_property
    def best(self) -> BestTrial:
        """The trial with the best score among those that are eligible; the earliest of equals.

        Eligible is what ran over the whole span to its end, traded, and meets every constraint. With several
        objectives the first one decides; see `pareto`.

        Raises
        ------
        NoBestTrial
            If none is.
        """
        leader: Trial | None = None
        for trial in self._compared:
            if self.goal.better(trial, leader):
                leader = trial
        if leader is None:
            raise NoBestTrial(self._why_no_best())
        return BestTrial(leader, self._rerun)

    def _why_no_best(self) -> str:
        counts = ", ".join(f"{count} {status}" for status, count in self.counts.items()) or "there is none"
        message = f"no trial has a finite {self.objective.metric!r} ({counts})"
        complete = [trial for trial in self._compared if trial.status is TrialStatus.COMPLETE]
        if complete and not any(trial.traded for trial in complete):
            return f"{message}: the strategy never traded; check its conditions, its span and its symbols"
        if complete and all(trial.is_ruined for trial in complete if trial.traded):
            return (
                f"no trial may be the best ({counts}): in each that traded the account fell to nothing or below; "
                "order less, or look at max_leverage in result.trials (an order that still waits counts for no target: "
                "a lower capital_base lets orders fill at once)"
            )
        scored = [trial for trial in complete if trial.has_score and trial.traded and not trial.is_ruined]
        if scored:
            failed = {text for trial in scored for text in trial.failed_constraints}
            return (
                f"none of {len(scored)} trials with a score meets all constraints ({', '.join(sorted(failed))}): "
                f"loosen them, or look at result.trials{''.join(f'; {note}' for note in self.goal.notes(scored))}"
            )
        return f"{message}: choose another objective, or look at result.trials"

    @property
    def trades(self) -> pd.DataFrame:
        """Round trips of the best trial."""
        return self.best.trades

    def top(self, count: int = 10) -> pd.DataFrame:
        """Give the rows of the best trials.

        Parameters
        ----------
        count : int, optional
            How many, at most.

        Returns
        -------
        pd.DataFrame
            Rows of `trials`, best first, the earliest of equals first; only trials that may be best.
        """
        numbers = {trial.number for trial in self._compared if trial.may_be_best}
        eligible = self.trials[self.trials["trial"].isin(numbers)]
        return eligible.sort_values("score", ascending=self.objective.minimizes, kind="stable").head(count)

    @property
    def pareto(self) -> pd.DataFrame:
        """Rows of `trials` that no other eligible trial beats in one objective without losing in another."""
        eligible = [trial for trial in self._compared if trial.may_be_best]
        losses = np.array([[o.loss(s) for o, s in zip(self.objectives, t.scores, strict=True)] for t in eligible])
        kept = [
            trial.number
            for trial, own in zip(eligible, losses, strict=True)
            if not ((losses <= own).all(axis=1) & (losses < own).any(axis=1)).any()
        ]
        return self.trials[self.trials["trial"].isin(kept)]

    @cached_property
    def trials(self) -> pd.DataFrame:
        """All trials, one row each in the order of proposal.

        Columns: trial (number), study (where the run has several), the parameters by name, status, score, all metrics
        by name, passing (whether it came to its end within the constraints), budget (share of the span), bars, seconds,
        worker (process id, 0 for this one), cached, error. A parameter whose name another column has is "param_" +
        name. What a trial does not have is NaN, for a parameter None, for error "". A stopped trial has the metrics of
        what was run, and no score. The error of a complete trial says which constraints raised on its metrics.
        """
        return trials_frame(self.records, self.space.names)

    @property
    def returns(self) -> pd.DataFrame:
        """Daily returns of the trials that ran over the whole span: float32, by session, a column a trial number."""
        numbers = [t.number for t in self._compared if t.status is TrialStatus.COMPLETE and t.budget == 1.0]
        frame = self._returns.frame(numbers)
        if len(frame) == len(self.info.sessions):
            frame.index = self.info.sessions
        return frame

    def returns_of(self, number: int) -> np.ndarray[Any, np.dtype[np.float32]]:
        """Give the daily returns of any trial that ran: float32, one a session that was run."""
        return self._returns.get(number)


def trials_frame(records: Sequence[Trial], names: Sequence[str]) -> pd.DataFrame:
    """Give trials as a frame; see `OptimizationResult.trials`."""
    metrics = list(dict.fromkeys(name for trial in records for name in trial.metrics))
    taken = {*COLUMNS, *metrics}
    columns: dict[str, Any] = {"trial": [trial.number for trial in records]}
    if any(trial.study for trial in records):
        columns["study"] = [trial.study for trial in records]
    for name in names:
        values = [trial.params.get(name) for trial in records]
        columns[f"param_{name}" if name in taken else name] = pd.Series(values, dtype=None if values else object)
    columns["status"] = [trial.status.value for trial in records]
    columns["score"] = np.array([trial.score for trial in records], dtype=np.float64)
    for name in metrics:
        columns[name] = np.array([trial.metrics.get(name, math.nan) for trial in records], dtype=np.float64)
    columns["passing"] = [trial.passes for trial in records]
    columns["budget"] = np.array([trial.budget for trial in records], dtype=np.float64)
    columns["bars"] = [trial.bars for trial in records]
    columns["seconds"] = np.array([trial.seconds for trial in records], dtype=np.float64)
    columns["worker"] = [trial.worker for trial in records]
    columns["cached"] = [trial.is_cached for trial in records]
    columns["error"] = [trial.error for trial in records]
    return pd.DataFrame(columns)
