"""How is a search repeated over windows of time, each tried on what came after it?"""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

import pandas as pd

from rustybt.errors import InvalidParameter
from rustybt.optimization.backtest import BacktestJob
from rustybt.optimization.goal import Goal
from rustybt.optimization.parameters import Float, Integer
from rustybt.optimization.parts import notes_of
from rustybt.optimization.result import OptimizationResult
from rustybt.optimization.returns_store import ReturnsStore
from rustybt.optimization.run_info import RunInfo
from rustybt.optimization.scope import Scope
from rustybt.optimization.search.base import FixedProposals, Proposals, Search
from rustybt.optimization.study import Study
from rustybt.optimization.trial import Trial, TrialStatus
from rustybt.optimization.walk_forward_result import WalkForwardResult, WindowOutcome, WindowStatus
from rustybt.optimization.warmup import warmup_of
from rustybt.optimization.windows import Window, every_second, window_rule, windows_of


@dataclass(frozen=True)
class WalkForward:
    """A search over each of several in-sample windows, whose best params then run on the sessions after it.

    Parameters
    ----------
    search : Search
        Which every window begins anew, with the same seed.
    in_sample, out_of_sample : int or str
        Length of the windows, in sessions or as a calendar unit such as "2 years" or "6 months".
    step : int or str, optional
        From one window to the next; as long as out_of_sample if omitted, so that each out-of-sample session is in one
        window.
    anchored : bool, optional
        Let every in-sample window begin at the span's start.
    embargo : int or str, optional
        Left out between in-sample and out-of-sample.
    warmup : int or "auto", optional
        Sessions before each out-of-sample window in which the strategy is called and its orders are ignored, so that
        what it computes by itself is warm. History and indicators reach back before the window in any case.
    windows : sequence of ((start, end), (start, end)), optional
        Instead of lengths: dates of each in-sample and out-of-sample window, of any length.

    Raises
    ------
    InvalidParameter
        If the search is none; when the run begins, if the windows do not fit the span.

    Examples
    --------
    >>> from rustybt.optimization import RandomSearch
    >>> WalkForward(RandomSearch(50), in_sample="2 years", out_of_sample="6 months").anchored
    False
    """

    search: Search
    in_sample: Any = None
    out_of_sample: Any = None
    step: Any = field(default=None, kw_only=True)
    anchored: bool = field(default=False, kw_only=True)
    embargo: Any = field(default=0, kw_only=True)
    warmup: int | str = field(default="auto", kw_only=True)
    windows: Any = field(default=None, kw_only=True)

    def __post_init__(self) -> None:
        if not isinstance(self.search, Search):
            raise InvalidParameter(f"search {self.search!r} of WalkForward is no search: give an instance")
        warmup_of(self.warmup)
        window_rule(self.in_sample, self.out_of_sample, self.step, self.anchored, self.embargo, self.windows)


@dataclass(frozen=True)
class WalkForwardPart:
    """The studies of a walk-forward: for each window a search, and then its best params on what came after.

    Parameters
    ----------
    windows : tuple of Window
        In time.
    searches, trials_of_best : tuple of Study
        One a window.
    """

    windows: tuple[Window, ...]
    searches: tuple[Study, ...]
    trials_of_best: tuple[Study, ...]

    @staticmethod
    def of(name: str, place: int, job: BacktestJob, goal: Goal, spec: WalkForward, fast: bool) -> "WalkForwardPart":
        """Lay a job's span out in windows."""
        windows = windows_of(spec, job.portal.session_ns, job.span)
        windows = every_second(windows) if fast else windows
        searches = tuple(
            Study(
                f"{name} {window.number} in sample",
                place,
                job,
                goal,
                begin=lambda: spec.search.begin(job.space, len(goal.objectives)),
                scope=Scope.of(window.in_sample),
                fidelity=spec.search.fidelity,
                ends=shared_ends(windows, window, spec.search),
            )
            for window in windows
        )
        after = tuple(
            Study(
                f"{name} {window.number} out of sample",
                place,
                job,
                goal,
                begin=best_of(study),
                scope=out_of_sample_scope(spec, window),
                after=study,
            )
            for window, study in zip(windows, searches, strict=True)
        )
        return WalkForwardPart(windows, searches, after)

    @property
    def studies(self) -> tuple[Study, ...]:
        """All of them, each window's search before its out-of-sample trial."""
        return tuple(study for pair in zip(self.searches, self.trials_of_best, strict=True) for study in pair)

    def result(self, info: RunInfo, returns: Callable[[str], ReturnsStore]) -> OptimizationResult:
        """Give the trials of all windows, and what their best params came to afterwards.

        `best` and `top` are those of the latest window's search: the params that would be traded next.
        """
        job, latest = self.searches[0].job, self.searches[-1]
        records: list[Trial] = []
        store = ReturnsStore()
        for window, study in zip(self.windows, self.searches, strict=True):
            for number in sorted(study.trials):
                trial = replace(study.trials[number], number=len(records), study=f"window {window.number}")
                if number in returns(study.name):
                    store.add(trial.number, returns(study.name).get(number).tobytes())
                records.append(trial)
        first, last = latest.scope.spans[0]
        sessions = pd.DatetimeIndex(job.portal.session_labels[first : last + 1])
        notes = (*info.notes, *notes_of(self.searches), *latest.goal.notes(records))
        info = replace(info, sessions=sessions, notes=notes)
        result = OptimizationResult(
            records,
            latest.goal,
            job.space,
            lambda params: job.rerun(params, latest.scope),
            store,
            info,
            compared=[trial for trial in records if trial.study == f"window {self.windows[-1].number}"],
        )
        result.walk_forward = self._walk_forward()
        return result

    def _walk_forward(self) -> WalkForwardResult:
        job = self.searches[0].job
        ranges = {
            name: (float(parameter.low), float(parameter.high))
            for name, parameter in job.space.parameters.items()
            if isinstance(parameter, Integer | Float)
        }
        triples = zip(self.windows, self.searches, self.trials_of_best, strict=True)
        return WalkForwardResult(
            [outcome_of(*triple) for triple in triples],
            job.portal.session_ns,
            self.searches[0].goal.objectives[0],
            job.space.names,
            job.capital_base,
            ranges=ranges,
        )


def outcome_of(window: Window, search: Study, after: Study) -> WindowOutcome:
    """Give what a window came to: its search, and the run of its best params on what came after."""
    best, trial, count = search.best, after.trials.get(0), len(search.trials)
    if best is None:
        return WindowOutcome(window, WindowStatus.NO_TRIAL, trials=count)
    known: dict[str, Any] = {
        "params": dict(best.params),
        "in_sample_score": best.score,
        "in_sample": best.metrics,
        "trials": count,
    }
    if trial is None:
        return WindowOutcome(window, WindowStatus.FAILED, error="the run ended before this window's", **known)
    statuses = {TrialStatus.COMPLETE: WindowStatus.COMPLETE, TrialStatus.STOPPED: WindowStatus.STOPPED}
    return WindowOutcome(
        window,
        statuses.get(trial.status, WindowStatus.FAILED),
        out_of_sample_score=trial.score,
        out_of_sample=trial.metrics,
        run=partial(after.job.rerun, dict(trial.params), after.scope),
        error="" if trial.status is TrialStatus.COMPLETE else trial.error,  # constraints do not judge this run
        **known,
    )


def out_of_sample_scope(spec: WalkForward, window: Window) -> Scope:
    """Give the sessions of a window's out-of-sample trial; a warm-up that is found reaches into the in-sample part."""
    given = warmup_of(spec.warmup)
    most = window.out_of_sample.first - window.in_sample.first
    return Scope.of(window.out_of_sample)._replace(warmup=most if given is None else given, finds_warmup=given is None)


def best_of(study: Study) -> Callable[[], Proposals]:
    """Give what proposes the best params of a study that has finished; nothing where none is eligible."""

    def begin() -> Proposals:
        best = study.best
        found: list[dict[str, Any]] = [] if best is None else [dict(best.params)]
        return FixedProposals(iter(found), len(found))

    return begin


def shared_ends(windows: tuple[Window, ...], window: Window, search: Search) -> tuple[int, ...]:
    """Give the last rows of the windows whose backtests a window's share: they begin where it does.

    A search that learns proposes other params in each window, so there is little to share.
    """
    ends = sorted({other.in_sample.last for other in windows if other.in_sample.first == window.in_sample.first})
    return tuple(ends) if len(ends) > 1 and not search.learns and search.fidelity is None else ()
