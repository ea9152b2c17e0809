"""What goes into the report of an optimization?"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import pandas as pd

from rustybt.results.metrics import NEVER_POSITIVE

LAST_WINDOW: Final = "last window, in sample"
"""What of a walk-forward is charted and ranked: scores of other windows are of other days."""


@dataclass(frozen=True)
class BestContent:
    """The best trial.

    Attributes
    ----------
    number : int
        Its place in the order of proposal.
    params : mapping of str to value
        Its parameters.
    metrics : mapping of str to float
        All its metrics; NaN where one is not defined.
    equity : pd.Series of float or None
        Portfolio value by session; None where it is not known.
    benchmark : pd.Series of float or None
        Of the benchmark by session, in any unit.
    """

    number: int
    params: Mapping[str, Any]
    metrics: Mapping[str, float]
    equity: "pd.Series[float] | None" = None
    benchmark: "pd.Series[float] | None" = None


@dataclass(frozen=True)
class WalkForwardContent:
    """The windows of a walk-forward.

    Attributes
    ----------
    equity : pd.Series of float or None
        By session, all out-of-sample windows strung together; None where no window has any.
    windows : pd.DataFrame
        As `curves.walk_forward_figure` takes them.
    params : pd.DataFrame or None
        The params that each window chose, rows as in windows.
    metrics : mapping of str to float
        Of the out-of-sample equity as a whole.
    """

    equity: "pd.Series[float] | None"
    windows: pd.DataFrame
    params: pd.DataFrame | None = None
    metrics: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class ReportContent:
    """All that a report shows; every section without content is left out.

    Attributes
    ----------
    title : str
        What was optimized.
    trials : pd.DataFrame
        A row a trial, with a column "score" and the columns of the parameters.
    parameters : sequence of str
        Columns of the parameters, in their order.
    objectives : sequence of (str, str)
        Metric and direction ("maximize" or "minimize") of each; the first is the score.
    top : pd.DataFrame
        Rows of `trials`, best first; the first ten are shown.
    counts : mapping of str to int
        Number of trials of each status.
    eligible : int or None
        Number of the trials that may be best, among those that are compared; None if it is not known.
    obstacles, failed_constraints : mapping of str to int
        Number of those that something keeps from it, by what it is; and of those that do not meet a constraint, by the
        constraint, the one that most fail first.
    best : BestContent or None
        None where no trial is eligible.
    importances : pd.Series or None
        By parameter's column; None where they are not known.
    walk_forward : WalkForwardContent or None
        Of a walk-forward.
    pareto : pd.DataFrame or None
        Rows of `trials` that are Pareto-optimal, of several objectives.
    compared : pd.DataFrame or None
        Of a walk-forward the rows of its last window's trials with a score, of which charts and scores are shown; None
        where all trials are compared.
    subtitle : str
        A line below the title; trials, bundle and objective if empty.
    is_fast : bool
        Half of the data was used: for development, not for decisions.
    warnings : sequence of str
        Each becomes a banner.
    notes : sequence of str
        What the search wants known.
    log_parameters : collection of str
        Columns of parameters with a logarithmic scale.
    settings, bundle, versions : mapping of str to value
        Shown as they are; of the bundle name, version and fingerprint, of the versions those of the software.
    """

    title: str
    trials: pd.DataFrame
    parameters: Sequence[str]
    objectives: Sequence[tuple[str, str]]
    top: pd.DataFrame
    counts: Mapping[str, int]
    eligible: int | None = None
    obstacles: Mapping[str, int] = field(default_factory=dict)
    failed_constraints: Mapping[str, int] = field(default_factory=dict)
    best: BestContent | None = None
    importances: "pd.Series[float] | None" = None
    walk_forward: WalkForwardContent | None = None
    pareto: pd.DataFrame | None = None
    compared: pd.DataFrame | None = None
    subtitle: str = ""
    is_fast: bool = False
    warnings: Sequence[str] = ()
    notes: Sequence[str] = ()
    log_parameters: Collection[str] = ()
    settings: Mapping[str, Any] = field(default_factory=dict)
    bundle: Mapping[str, Any] = field(default_factory=dict)
    versions: Mapping[str, str] = field(default_factory=dict)

    @property
    def charted(self) -> pd.DataFrame:
        """Rows of the trials that are compared with each other."""
        return self.trials if self.compared is None else self.compared

    @property
    def scope(self) -> str:
        """What the best trial is the best of, where that is not the whole run."""
        return "" if self.walk_forward is None else LAST_WINDOW

    @property
    def metric(self) -> str:
        """Name of the first objective."""
        return self.objectives[0][0]

    @property
    def minimizes(self) -> bool:
        """Whether its lowest value is the best."""
        metric, direction = self.objectives[0]
        return direction == "minimize" and metric not in NEVER_POSITIVE
