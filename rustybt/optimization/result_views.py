"""How is a result looked at, kept and handed on?"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import numpy as np
import pandas as pd

from rustybt._typing import PathLike
from rustybt.errors import InvalidParameter, NoBestTrial, NoImportances
from rustybt.optimization.goal import Goal
from rustybt.optimization.parameters import Float
from rustybt.optimization.trial import Trial

if TYPE_CHECKING:
    import optuna
    import plotly.graph_objects as go

    from rustybt.optimization.parameter_space import ParameterSpace
    from rustybt.optimization.returns_store import ReturnsStore
    from rustybt.optimization.saved_walk_forward import SavedWalkForward
    from rustybt.optimization.walk_forward_result import WalkForwardResult


class ResultViews:
    """What a result offers beside its trials; each loads what it needs when it is called."""

    records: tuple[Trial, ...]
    goal: Goal
    space: ParameterSpace
    info: Any
    trials: Any
    best: Any
    walk_forward: WalkForwardResult | SavedWalkForward | None
    _returns: ReturnsStore
    _compared: tuple[Trial, ...]

    @property
    def parameter_columns(self) -> dict[str, str]:
        """The column of each parameter in `trials`."""
        return {name: f"param_{name}" if f"param_{name}" in self.trials else name for name in self.space.names}

    def stats(self) -> pd.Series[Any]:
        """Describe the run in one column: what became of the trials, their scores, what they cost, and the best one.

        Returns
        -------
        pd.Series of object
            By name; see `rustybt.optimization.result_stats.stats`.
        """
        from rustybt.optimization.result_stats import stats

        workers = len({trial.worker for trial in self.records if not trial.is_cached}) or 1
        return stats(
            self.records,
            self.goal.objectives,
            best=self._leader(),
            seconds=self.info.seconds,
            search_seconds=self.info.search_seconds,
            workers=workers,
        )

    def importances(self, which: int | str = 0) -> pd.Series[float]:
        """Say how much each parameter matters for an objective.

        Parameters
        ----------
        which : int or str, optional
            The objective, by its place or name.

        Returns
        -------
        pd.Series of float
            By parameter, adding up to 1, the largest first; by PED-ANOVA (Watanabe, Bansal & Hutter 2023).

        Raises
        ------
        NoImportances
            If there are too few trials with a score, or all have the same.
        """
        from rustybt.optimization.importances import importances

        return importances(self._compared, self.space, self.goal.objectives, which)

    def to_optuna_study(self, storage: Any = None, name: str = "rustybt") -> optuna.Study:
        """Give the trials as an Optuna study, for its plots and for optuna-dashboard.

        Parameters
        ----------
        storage : path-like or optuna storage, optional
            A journal file to write, which `optuna-dashboard FILE` opens; in memory if omitted.
        name : str, optional
            Of the study.

        Returns
        -------
        optuna.Study
            See `rustybt.optimization.optuna_export.to_optuna_study`.
        """
        from rustybt.optimization.optuna_export import to_optuna_study

        constraints = [str(constraint) for constraint in self.goal.constraints]
        return to_optuna_study(
            self.records, self.space, self.goal.objectives, constraints=constraints, name=name, storage=storage
        )

    # Charts -----------------------------------------------------------------------------------------------------

    def plot_equity(self) -> go.Figure:
        """Draw the best trial's portfolio value and drawdown; it is run again for that if it was not yet."""
        from rustybt.optimization.report_content import equity_of
        from rustybt.reports.curves import equity_figure

        best = self.best
        which = "Best trial" if self.walk_forward is None else "Last window, in sample: best trial"
        return equity_figure(equity_of(best.run), title=f"{which} {best.number}: {text_of(best.params)}")

    def plot_heatmap(
        self, x: str | None = None, y: str | None = None, metric: str = "score", aggregate: str = "max"
    ) -> go.Figure:
        """Draw a metric over two parameters.

        Parameters
        ----------
        x, y : str, optional
            Parameters; the two that matter most if omitted.
        metric : str, optional
            A column of `trials`.
        aggregate : {"max", "min", "mean", "median"}, optional
            Of the trials that differ in other parameters only.

        Returns
        -------
        plotly.graph_objects.Figure
        """
        from rustybt.reports.parameter_charts import heatmap_figure

        chosen = [name for name in (x, y) if name is not None]
        chosen += [name for name in self._by_importance() if name not in chosen]
        if len(chosen) < 2:
            raise InvalidParameter(f"a heatmap needs two parameters that vary, and there is {chosen or 'none'}")
        columns = self.parameter_columns
        return heatmap_figure(
            self._compared_rows(),
            columns.get(chosen[0], chosen[0]),
            columns.get(chosen[1], chosen[1]),
            metric,
            aggregate,
            minimize=self._minimizes and metric == "score",
            log=self._log_columns(),
            mark=None if (leader := self._leader()) is None else self._by_column(leader.params),
            name=self.goal.objectives[0].metric if metric == "score" else metric,
        )

    def plot_parallel(self) -> go.Figure:
        """Draw every trial as a line through its parameters and its score."""
        from rustybt.reports.parallel import parallel_figure

        return parallel_figure(
            self._compared_rows(),
            list(self.parameter_columns.values()),
            minimize=self._minimizes,
            log=self._log_columns(),
            name=self.goal.objectives[0].metric,
        )

    def plot_walk_forward(self) -> go.Figure:
        """Draw the out-of-sample equity, and each window's score in sample and out of sample.

        Raises
        ------
        InvalidParameter
            If the result is not that of a walk-forward.
        """
        from rustybt.reports.curves import walk_forward_figure

        if self.walk_forward is None:
            raise InvalidParameter("this result is of no walk-forward: search=WalkForward(...) makes one")
        walk = self.walk_forward
        return walk_forward_figure(walk.equity, walk.windows, walk.params, score=self.goal.objectives[0].metric)

    def report(self, path: PathLike) -> Path:
        """Write one self-contained HTML page, which needs no network.

        Parameters
        ----------
        path : path-like
            Of the page.

        Returns
        -------
        Path
            The same.
        """
        from rustybt.optimization.report_content import content_of
        from rustybt.reports.page import write_report

        return write_report(path, content_of(self))

    # Files ------------------------------------------------------------------------------------------------------

    def save(self, folder: PathLike) -> Path:
        """Keep the result as Parquet and JSON.

        Parameters
        ----------
        folder : path-like
            Made if missing; a result that it holds is replaced as a whole.

        Returns
        -------
        Path
            The folder.
        """
        from rustybt.optimization.result_files import save_result
        from rustybt.optimization.result_header import header_of
        from rustybt.optimization.saved_trials import with_constraints

        frame = with_constraints(self.trials, self.records)
        return save_result(folder, frame, self._return_items(), self.info.sessions, header_of(self))

    @classmethod
    def load(cls, folder: PathLike) -> Self:
        """Read what `save` kept.

        Parameters
        ----------
        folder : path-like
            Of the result.

        Returns
        -------
        OptimizationResult
            With the same frames. Its best trial cannot be run again: the strategy is not among the files.

        Raises
        ------
        NoSavedResult
            If the folder holds none.
        ResultCorrupt
            If a file is missing or not as it was written.
        """
        from rustybt.optimization.result_files import load_result
        from rustybt.optimization.result_header import arguments_of
        from rustybt.optimization.saved_walk_forward import walk_forward_from

        saved = load_result(folder)
        result = cls(*arguments_of(saved))
        result.walk_forward = walk_forward_from(saved.header["walk_forward"])
        return result

    # Parts ------------------------------------------------------------------------------------------------------

    def _return_items(self) -> Iterator[tuple[int, np.ndarray[Any, np.dtype[np.float32]]]]:
        yield from self._returns.items()

    def _leader(self) -> Trial | None:
        try:
            leader: Trial = self.best.trial
        except NoBestTrial:
            return None
        return leader

    @property
    def _minimizes(self) -> bool:
        return self.goal.objectives[0].minimizes

    def _compared_rows(self) -> pd.DataFrame:
        numbers = {trial.number for trial in self._compared if trial.has_score}
        rows: pd.DataFrame = self.trials[self.trials["trial"].isin(numbers)]
        return rows

    def _by_importance(self) -> list[str]:
        """Give the parameters that vary, those that matter most first."""
        try:
            return [str(name) for name in self.importances().index]
        except NoImportances:
            return list(self.space.names)

    def _by_column(self, params: Any) -> dict[str, Any]:
        return {self.parameter_columns[name]: value for name, value in params.items()}

    def _log_columns(self) -> list[str]:
        parameters = self.space.parameters.items()
        return [self.parameter_columns[name] for name, p in parameters if isinstance(p, Float) and p.log]


def text_of(params: Any) -> str:
    """Write params in a line.

    Examples
    --------
    >>> text_of({"fast": 5, "slow": 20})
    'fast=5, slow=20'
    """
    return ", ".join(f"{name}={value}" for name, value in params.items())
