"""What does the Optimizer ask of a search?

A search proposes params and learns from what came of them. It knows parameters, losses and seeds, and never a process:
which worker runs a proposal, and when it comes back, cannot change what is proposed next.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from itertools import islice
from typing import Any, ClassVar, NamedTuple, Self

from rustybt.errors import InvalidParameter
from rustybt.optimization.conditions import Conditions, condition_list
from rustybt.optimization.parameter_space import ParameterSpace, Params
from rustybt.optimization.parameters import whole
from rustybt.optimization.search.fidelity import Fidelity


class Proposal(NamedTuple):
    """What is to be tried.

    Attributes
    ----------
    params : dict
        One value a parameter.
    budget : int or None
        How many of the blocks of the search's `fidelity` to run; None for a whole backtest.
    """

    params: Params
    budget: int | None = None


class Feedback(NamedTuple):
    """What a search learns of a proposal.

    Attributes
    ----------
    losses : tuple of float
        One an objective, the lower the better, whatever the user maximizes. All NaN where the trial has no score: it
        failed, was stopped early, never traded, lost all that the account held, or its metric is not finite.
    violations : tuple of float
        One a constraint: 0 or below where it is met, else how far it is missed. Empty without constraints.
    """

    losses: tuple[float, ...]
    violations: tuple[float, ...] = ()

    @property
    def has_losses(self) -> bool:
        """Whether every loss is a finite number."""
        return all(map(math.isfinite, self.losses))

    @property
    def passes(self) -> bool:
        """Whether every constraint is met."""
        return all(violation <= 0 for violation in self.violations)


class Proposals(ABC):
    """One pass of a search through a space: what it proposes, in order.

    Attributes
    ----------
    total : int or None
        Number of proposals to come, at most; None where it is not known before the end.
    lookahead : int or None
        Proposal k is asked for when exactly the feedback of proposals 0 to k - lookahead was told, so that the same
        seed proposes the same whatever the number of workers. None: feedback changes nothing, and is not waited for.
    notes : list of str
        What the user should know of this pass, such as that it does not prune, and why; may grow while it runs.
    """

    total: int | None = None
    lookahead: int | None = None

    def __init__(self) -> None:
        self.notes: list[str] = []

    @abstractmethod
    def ask(self, count: int) -> list[Proposal]:
        """Give the next proposals, at most `count`.

        None at all means: none before the next feedback; it is told as soon as it is there, in order, and this asked
        again. None after the feedback of every proposal is the end.
        """

    def tell(self, number: int, feedback: Feedback) -> None:  # noqa: B027 - learning nothing is a complete answer
        """Learn what came of a proposal; called in the order of proposal."""


class Search(ABC):
    """The configuration of a search; every `begin` is a new pass that the ones before do not touch.

    Parameters
    ----------
    conditions : condition or iterable of conditions, optional
        In addition to the space's: functions of the params or expressions such as "fast < slow".

    Attributes
    ----------
    fidelity : Fidelity or None
        How a budget becomes dates, for a search that tries params on less than the whole span first.
    max_objectives : int or None
        How many objectives it can follow at most; None for any number.
    learns : bool
        What it proposes depends on feedback.
    is_serial : bool
        Each of its proposals waits for the one before: more than one worker does not help it.
    """

    fidelity: Fidelity | None = None
    max_objectives: ClassVar[int | None] = 1
    learns: ClassVar[bool] = True
    is_serial: ClassVar[bool] = False

    def __init__(self, conditions: Conditions = ()) -> None:
        self.conditions = condition_list(conditions)
        self.enqueued: list[dict[str, Any]] = []

    def enqueue(self, params: Mapping[str, Any]) -> Self:
        """Try some params before all others, in every pass from now on: known good ones, for a warm start.

        Parameters
        ----------
        params : mapping of str to value
            One value for each parameter of the space; checked when a pass begins, and tried once.

        Returns
        -------
        Search
            This one.
        """
        self.enqueued.append(dict(params))
        return self

    def begin(self, space: ParameterSpace, objectives: int = 1) -> Proposals:
        """Start a pass.

        Parameters
        ----------
        space : ParameterSpace
            With its own conditions.
        objectives : int, optional
            How many losses the feedback will have.

        Returns
        -------
        Proposals
            In bounds, under all conditions, no combination twice at the same budget; first what was enqueued.

        Raises
        ------
        InvalidParameter
            If the space cannot be searched this way or holds no combination, if there are more objectives than the
            search can follow, or if enqueued params do not fit the space.
        """
        if self.max_objectives is not None and objectives > self.max_objectives:
            raise InvalidParameter(
                f"{type(self).__name__} follows {self.max_objectives} objective at a time and was given {objectives}: "
                "pass one objective and make the others constraints, or use NSGA2Search"
            )
        ruled = space.with_conditions(self.conditions)
        first: dict[object, Params] = {}
        for params in map(ruled.check, self.enqueued):
            first.setdefault(ruled.encode(params), params)
        return self.propose(ruled, objectives, list(first.values()))

    @abstractmethod
    def propose(self, space: ParameterSpace, objectives: int, first: list[Params]) -> Proposals:
        """Start a pass through a space that holds all conditions, with checked params to propose first."""


class FixedProposals(Proposals):
    """Proposals that no feedback changes, drawn from an iterator as they are asked for.

    Parameters
    ----------
    stream : iterator of dict
        The params, in order.
    total : int, optional
        Their number, where it is known.
    """

    def __init__(self, stream: Iterator[Params], total: int | None) -> None:
        super().__init__()
        self.stream, self.total = stream, total

    def ask(self, count: int) -> list[Proposal]:
        """Give the next proposals."""
        return [Proposal(params) for params in islice(self.stream, count)]


def first_then(space: ParameterSpace, first: list[Params], others: Iterator[Params]) -> Iterator[Params]:
    """Yield enqueued params, all of them, and then the others without those."""
    yield from first
    known = {space.encode(params) for params in first}
    yield from (params for params in others if not known or space.encode(params) not in known)


def at_least(least: int, name: str, value: Any, owner: object) -> int:
    """Give an option of a search as an int, or say that it is no whole number or too low."""
    number = whole(name, value)
    if number < least:
        raise InvalidParameter(f"{name} {value} of {type(owner).__name__} is below {least}")
    return number
