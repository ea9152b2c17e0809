"""How much of what a planned run asks of models was asked before?"""

import math
from collections.abc import Iterable
from typing import TYPE_CHECKING, NamedTuple

from rustybt.errors import InvalidParameter

if TYPE_CHECKING:
    from rustybt.optimization.plan import Planned


class Simulations(NamedTuple):
    """Backtests over the same sessions.

    Attributes
    ----------
    first, last : int
        Session rows, both included.
    times : int
        How many backtests.
    """

    first: int
    last: int
    times: int = 1


class Redundancy(NamedTuple):
    """What a planned run simulates, and how often it sees the same day.

    Attributes
    ----------
    simulations : int
        Backtests.
    sessions : int
        That they simulate, one after the other.
    distinct_sessions : int
        Of these, those on different days.
    outputs : int
        Predictions a session.
    processes : int
        Each has a cache of its own.
    """

    simulations: int
    sessions: int
    distinct_sessions: int
    outputs: int = 1
    processes: int = 1

    @property
    def calls(self) -> int:
        """Predictions that strategies ask for."""
        return self.sessions * self.outputs

    @property
    def unique(self) -> int:
        """Those that models compute, at most: every different one, once a process."""
        return min(self.distinct_sessions * self.processes, self.sessions) * self.outputs

    @property
    def hit_rate(self) -> float:
        """The share of calls that find their answer, at least; NaN without a call."""
        return 1.0 - self.unique / self.calls if self.calls else math.nan

    def seconds(self, seconds_per_call: float) -> tuple[float, float]:
        """Give the time in models of all processes together, without the cache and with it."""
        return self.calls * seconds_per_call, self.unique * seconds_per_call


def redundancy_of(simulations: Iterable[Simulations], outputs: int = 1, processes: int = 1) -> Redundancy:
    """Count what a run simulates, and what of it is on different days.

    Parameters
    ----------
    simulations : iterable of Simulations
        The run.
    outputs : int
        Predictions a session; features are taken to depend on the day alone, and not on a trial's params.
    processes : int
        How many caches there are.

    Returns
    -------
    Redundancy

    Raises
    ------
    InvalidParameter
        If a number is below 1, or sessions are none.

    Examples
    --------
    >>> found = redundancy_of(prefixes(131, 200), outputs=4)
    >>> found.simulations, found.sessions, found.distinct_sessions, found.calls, found.unique
    (70, 11585, 200, 46340, 800)
    >>> f"{found.hit_rate:.1%}"
    '98.3%'
    """
    groups = sorted(simulations)
    for name, value in (("outputs", outputs), ("processes", processes), *(("times", group.times) for group in groups)):
        if value < 1:
            raise InvalidParameter(f"{name} {value} is below 1: give how many there are")
    distinct, seen = 0, -1
    for first, last, _ in groups:
        if not 0 <= first <= last:
            raise InvalidParameter(f"sessions {first} to {last} are none: give rows of 0 or more, the first one first")
        distinct += max(last - max(first - 1, seen), 0)
        seen = max(seen, last)
    sessions = sum((last - first + 1) * times for first, last, times in groups)
    return Redundancy(sum(group.times for group in groups), sessions, distinct, outputs, processes)


def prefixes(shortest: int, longest: int) -> list[Simulations]:
    """Give one backtest of each length, all of which begin on the same day.

    Raises
    ------
    InvalidParameter
        If the shortest has no session, or is longer than the longest.
    """
    if not 1 <= shortest <= longest:
        raise InvalidParameter(f"prefixes {shortest} to {longest} are none: give lengths of at least 1, shortest first")
    return [Simulations(0, length - 1) for length in range(shortest, longest + 1)]


class PlannedSimulations(NamedTuple):
    """What an optimizer is going to simulate.

    Attributes
    ----------
    simulations : list of Simulations
        At most.
    is_exact : bool
        Whether it will be just these: False where a search may stop or shorten backtests.
    """

    simulations: list[Simulations]
    is_exact: bool


def simulations_of(planned: "Planned") -> PlannedSimulations:
    """Give what a run will simulate, before it runs.

    Parameters
    ----------
    planned : Planned
        From `Optimizer.plan.prepare()`.

    Returns
    -------
    PlannedSimulations

    Raises
    ------
    InvalidParameter
        If a search does not know how many trials it will propose, and the space has no end.
    """
    found, is_exact = [], True
    for part in planned.parts.values():
        for study in part.studies:
            total = 1 if study.after is not None else study.begin().total
            is_exact &= total is not None and study.fidelity is None and not study.ends and study.job.stop_rules is None
            trials = study.job.space.size if total is None else total
            if trials is None:
                raise InvalidParameter(f"the search of {study.name} does not say how many trials it will run")
            found += [Simulations(max(a - study.scope.warmup, 0), b, trials) for a, b in study.scope.spans]
    return PlannedSimulations(found, is_exact)
