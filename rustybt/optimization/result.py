"""What did an optimization find? Its trials, the best of them, and the files they are kept in."""

import json
import math
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from rustybt._typing import PathLike
from rustybt.data.files import replacing
from rustybt.errors import NoBestTrial, ReproducibilityWarning
from rustybt.optimization.objective import Objective
from rustybt.optimization.parameter_space import Params
from rustybt.optimization.trial import Trial, TrialStatus
from rustybt.optimization.workers.base import Outcome
from rustybt.results.result import RunResult

TRIALS_FILE = "trials.parquet"
COLUMNS = ("trial", "status", "score", "seconds", "error")
"""Columns of the trials' frame beside params and metrics."""


class OptimizationInterrupted(KeyboardInterrupt):
    """Ctrl-C during an optimization.

    Attributes
    ----------
    result : OptimizationResult
        With the trials that were finished.
    """

    def __init__(self, message: str, result: "OptimizationResult") -> None:
        super().__init__(message)
        self.result = result


@dataclass(frozen=True)
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
    rerun: Callable[[Params], RunResult]

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
        """The objective's value."""
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


class OptimizationResult:
    """The outcome of an optimization.

    Parameters
    ----------
    records : sequence of Trial
        All trials that came back, in the order of proposal.
    objective : Objective
        What best means.
    names : sequence of str
        The parameters, in order.
    rerun : callable of (params)
        Runs a backtest in full.
    seconds : float
        Time of the run.

    Attributes
    ----------
    records : tuple of Trial
        All trials.
    objective : Objective
        What best means.
    seconds : float
        Time of the run.
    """

    def __init__(
        self,
        records: Sequence[Trial],
        objective: Objective,
        names: Sequence[str],
        rerun: Callable[[Params], RunResult],
        seconds: float,
    ) -> None:
        self.records, self.objective, self.seconds = tuple(records), objective, seconds
        self._names, self._rerun = tuple(names), rerun

    def __len__(self) -> int:
        return len(self.records)

    def __repr__(self) -> str:
        counts = ", ".join(f"{count} {status}" for status, count in self.counts.items())
        return f"OptimizationResult({counts or 'no trial'}; {self.objective}; {self.seconds:.1f} s)"

    @property
    def counts(self) -> dict[str, int]:
        """Number of trials of each status that occurs."""
        found = [trial.status.value for trial in self.records]
        return {status.value: found.count(status.value) for status in TrialStatus if status.value in found}

    @cached_property
    def best(self) -> BestTrial:
        """The trial with the best score among those that completed; the earliest of equals.

        Raises
        ------
        NoBestTrial
            If none has a finite score.
        """
        leader: Trial | None = None
        for trial in self.records:
            if trial.has_score and self.objective.better(trial.score, leader.score if leader else math.nan):
                leader = trial
        if leader is None:
            raise NoBestTrial(self._why_no_best())
        return BestTrial(leader, self._rerun)

    def _why_no_best(self) -> str:
        counts = ", ".join(f"{count} {status}" for status, count in self.counts.items()) or "there is none"
        message = f"no trial has a finite {self.objective.metric!r} ({counts})"
        complete = [trial for trial in self.records if trial.status is TrialStatus.COMPLETE]
        if complete and not any(trial.metrics.get("fills") for trial in complete):
            return f"{message}: the strategy never traded; check its conditions, its span and its symbols"
        return f"{message}: choose another objective, or look at result.trials"

    def top(self, count: int = 10) -> pd.DataFrame:
        """Give the rows of the best trials.

        Parameters
        ----------
        count : int, optional
            How many, at most.

        Returns
        -------
        pd.DataFrame
            Rows of `trials`, best first, the earliest of equals first; only trials with a finite score.
        """
        scored = self.trials[[trial.has_score for trial in self.records]]
        rising = self.objective.direction == "minimize"
        return scored.sort_values("score", ascending=rising, kind="stable").head(count)

    @cached_property
    def trials(self) -> pd.DataFrame:
        """All trials, one row each in the order of proposal.

        Columns: trial (number), the parameters by name, status, score, all metrics by name, seconds, error. A parameter
        whose name another column has is "param_" + name. What a trial does not have is NaN, for error "".
        """
        metrics = list(dict.fromkeys(name for trial in self.records for name in trial.metrics))
        taken = {*COLUMNS, *metrics}
        columns: dict[str, Any] = {"trial": [trial.number for trial in self.records]}
        for name in self._names:
            values = [trial.params[name] for trial in self.records]
            columns[f"param_{name}" if name in taken else name] = pd.Series(values, dtype=None if values else object)
        columns["status"] = [trial.status.value for trial in self.records]
        columns["score"] = np.array([trial.score for trial in self.records], dtype=np.float64)
        for name in metrics:
            columns[name] = np.array([trial.metrics.get(name, math.nan) for trial in self.records], dtype=np.float64)
        columns["seconds"] = np.array([trial.seconds for trial in self.records], dtype=np.float64)
        columns["error"] = [trial.error for trial in self.records]
        return pd.DataFrame(columns)

    @property
    def returns(self) -> pd.DataFrame:
        """Daily returns of the completed trials: float32, a row a session of the run, a column a trial number."""
        complete = {
            trial.number: np.frombuffer(trial.returns, dtype=np.float32)
            for trial in self.records
            if trial.status is TrialStatus.COMPLETE
        }
        return pd.DataFrame(complete)

    def save(self, folder: PathLike, name: str = TRIALS_FILE) -> Path:
        """Write the trials as Parquet.

        Parameters
        ----------
        folder : path-like
            Made if missing; a file of an earlier run is replaced as a whole.
        name : str
            Of the file.

        Returns
        -------
        Path
            Of the file. Parameters that are neither numbers nor words stand there as JSON.
        """
        target = Path(folder) / name
        target.parent.mkdir(parents=True, exist_ok=True)
        frame = self.trials
        for name in frame.columns:
            if frame[name].dtype.kind == "O" and not all(isinstance(value, str) for value in frame[name]):
                frame = frame.assign(**{name: [json.dumps(value, default=repr) for value in frame[name]]})
        with replacing(target) as beside:
            frame.to_parquet(beside, index=False)
        return target


def trial_of(number: int, params: Mapping[str, Any], outcome: Outcome, objective: Objective) -> Trial:
    """Make the record of a trial from what its worker sent."""
    if outcome.status is not TrialStatus.COMPLETE:
        return Trial(number, params, outcome.status, seconds=outcome.seconds, error=outcome.error)
    metrics, returns = outcome.value
    return Trial(number, params, outcome.status, objective.score(metrics), metrics, outcome.seconds, "", returns)
