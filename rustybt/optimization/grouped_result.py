"""What did searches find that ran side by side: one a symbol, or one a strategy?"""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd

from rustybt.errors import InvalidParameter, did_you_mean
from rustybt.optimization.goal import Goal
from rustybt.optimization.joined_space import joined_space
from rustybt.optimization.result import BestTrial, OptimizationResult
from rustybt.optimization.returns_store import ReturnsStore
from rustybt.optimization.run_info import RunInfo
from rustybt.optimization.trial import Trial

TABLE_METRICS = ("total_return", "annual_return", "sharpe", "max_drawdown", "trades")


class GroupedResult(OptimizationResult):
    """Several results and their trials together.

    Parameters
    ----------
    results : mapping of str to OptimizationResult
        By name.
    info : RunInfo
        Of the whole run.

    Attributes
    ----------
    results : dict of str to OptimizationResult
        Each search's own; `result["AAPL"]` is short for it.

    Notes
    -----
    `records` and `trials` hold all trials, numbered anew, and say in `study` which search each belongs to. `best` is
    the best of what each search compares: of all trials, or in walk-forwards of those of the latest windows.

    Where the searches look for different things there is no best, and what compares trials of different searches
    (`best`, `top`, `pareto`, `stats`, `importances`, charts, a report or a saved result) raises InvalidParameter;
    `table`, `trials`, `returns` and each search's own result are there all the same.
    """

    def __init__(self, results: Mapping[str, OptimizationResult], info: RunInfo) -> None:
        self.results = dict(results)
        records: list[Trial] = []
        compared: list[Trial] = []
        self._origin: list[tuple[str, int]] = []
        for name, result in self.results.items():
            own = [replace(t, number=len(records) + i, study=name) for i, t in enumerate(result.records)]
            numbers = {trial.number for trial in result._compared}
            compared += [new for old, new in zip(result.records, own, strict=True) if old.number in numbers]
            records += own
            self._origin += [(name, trial.number) for trial in result.records]
        space = joined_space([result.space for result in self.results.values()], [trial.params for trial in records])
        first = next(iter(self.results.values()))
        notes = tuple(dict.fromkeys(note for result in self.results.values() for note in result.info.notes))
        shared = replace(info, notes=notes, sessions=first.info.sessions)
        super().__init__(records, first.goal, space, _no_rerun, ReturnsStore(), shared, compared)

    @property
    def has_one_goal(self) -> bool:
        """Whether all searches have the same objectives, so that their trials can be compared."""
        return all(result.objectives == self._goal.objectives for result in self.results.values())

    @property
    def goal(self) -> Goal:
        """What all searches look for.

        Raises
        ------
        InvalidParameter
            If they look for different things.
        """
        if not self.has_one_goal:
            first: dict[str, str] = {}
            for name, result in self.results.items():
                first.setdefault(result._goal_text, name)
            differing = "; ".join(f"{name!r}: {text}" for text, name in first.items())
            raise InvalidParameter(
                f"the objectives of this run's searches differ ({differing}), so their trials cannot be compared: look "
                f"at each search's own, such as result[{next(iter(self.results))!r}].best, or at result.table"
            )
        return self._goal

    @goal.setter
    def goal(self, goal: Goal) -> None:
        self._goal = goal

    @property
    def _goal_text(self) -> str:
        return "; ".join(dict.fromkeys(result._goal_text for result in self.results.values()))

    def __getitem__(self, name: str) -> OptimizationResult:
        """Give one search's result."""
        if name not in self.results:
            raise InvalidParameter(f"{name!r} is none of this run's searches{did_you_mean(name, self.results)}")
        return self.results[name]

    @cached_property
    def best(self) -> BestTrial:
        """The best trial of all searches, as its own search reruns it."""
        leader = super().best
        name, _ = self._origin[leader.number]
        return BestTrial(leader.trial, self.results[name]._rerun)

    @cached_property
    def table(self) -> pd.DataFrame:
        """One row a search, by name: its best trial's parameters and score, some metrics, and how many trials it had.

        Where the searches look for different things, `objective` says of what the score is a value.
        Where no trial is eligible the row says so in `trials` and `passing`, and has NaN and None elsewhere.
        """
        rows = {name: self._row(result) for name, result in self.results.items()}
        return pd.DataFrame.from_dict(rows, orient="index")

    def _row(self, result: OptimizationResult) -> dict[str, Any]:
        found = result.top(1)
        own = {} if found.empty else {str(name): value for name, value in found.iloc[0].items()}
        row = {name: own.get(name, own.get(f"param_{name}")) for name in self.space.names}
        if not self.has_one_goal:
            row["objective"] = result._goal_text
        row["score"] = own.get("score", np.nan)
        shown_as_score = self.objective.metric if self.has_one_goal else ""
        row |= {name: own.get(name, np.nan) for name in TABLE_METRICS if name != shown_as_score}
        return {**row, "trials": len(result), "passing": sum(trial.may_be_best for trial in result.records)}

    @property
    def returns(self) -> pd.DataFrame:
        """Daily returns of the trials that ran over the whole span: float32, a column a pair of search and number."""
        return pd.concat({name: result.returns for name, result in self.results.items()}, axis=1)

    def _return_items(self) -> Iterator[tuple[int, np.ndarray[Any, np.dtype[np.float32]]]]:
        for number, (name, own) in enumerate(self._origin):
            if own in self.results[name]._returns:
                yield number, self.results[name].returns_of(own)

    def returns_of(self, number: int) -> np.ndarray[Any, np.dtype[np.float32]]:
        """Give the daily returns of a trial by its number among all."""
        name, own = self._origin[number]
        return self.results[name].returns_of(own)


def _no_rerun(params: dict[str, Any]) -> Any:
    raise InvalidParameter("a run of several searches is rerun by one of them: use result[NAME].best.run")
