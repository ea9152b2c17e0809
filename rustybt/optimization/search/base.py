"""What does the Optimizer ask of a search?

A search proposes params and hears scores. It knows parameters, scores and seeds, and never a process: which worker runs
a proposal, and when it comes back, cannot change what is proposed next.
"""

from abc import ABC, abstractmethod
from collections.abc import Iterator
from itertools import islice

from rustybt.optimization.conditions import Conditions, condition_list
from rustybt.optimization.parameter_space import ParameterSpace, Params


class Proposals(ABC):
    """One pass of a search through a space: what it proposes, in order.

    Attributes
    ----------
    total : int or None
        Number of proposals to come; None where it is not known before the end.
    lookahead : int or None
        Proposal k is asked for when exactly the scores of proposals 0 to k - lookahead have been told, so that the same
        seed proposes the same whatever the number of workers. None: scores change nothing, and are not waited for.
    """

    total: int | None = None
    lookahead: int | None = None

    @abstractmethod
    def ask(self, count: int) -> list[Params]:
        """Give the next proposals: at most `count`, fewer only at the end, none once it is reached."""

    def tell(self, number: int, score: float) -> None:  # noqa: B027 - learning nothing is a complete answer
        """Learn a proposal's score, NaN where it has none; called in the order of proposal."""


class Search(ABC):
    """The configuration of a search; every `begin` is a new pass that the ones before do not touch.

    Parameters
    ----------
    conditions : condition or iterable of conditions, optional
        In addition to the space's: functions of the params or expressions such as "fast < slow".
    """

    def __init__(self, conditions: Conditions = ()) -> None:
        self.conditions = condition_list(conditions)

    def begin(self, space: ParameterSpace) -> Proposals:
        """Start a pass.

        Parameters
        ----------
        space : ParameterSpace
            With its own conditions.

        Returns
        -------
        Proposals
            In bounds, under all conditions, no combination twice.

        Raises
        ------
        InvalidParameter
            If the space cannot be searched this way, or holds no combination.
        """
        return self.propose(space.with_conditions(self.conditions))

    @abstractmethod
    def propose(self, space: ParameterSpace) -> Proposals:
        """Start a pass through a space that holds all conditions."""


class FixedProposals(Proposals):
    """Proposals that no score changes, drawn from an iterator as they are asked for.

    Parameters
    ----------
    stream : iterator of dict
        The params, in order.
    total : int, optional
        Their number, where it is known.
    """

    def __init__(self, stream: Iterator[Params], total: int | None) -> None:
        self.stream, self.total = stream, total

    def ask(self, count: int) -> list[Params]:
        """Give the next proposals."""
        return list(islice(self.stream, count))
