"""When is a search asked for its next proposal?

Never as the workers happen to come back, but in one order fixed beforehand: proposal k follows the scores of proposals
0 to k - lookahead, whatever else is known by then. That is why results do not depend on the number of workers.
"""

from collections.abc import Hashable

from rustybt.optimization.parameter_space import ParameterSpace, Params
from rustybt.optimization.search.base import Proposals


class Schedule:
    """Numbers the proposals of a search and tells it scores in their order.

    Parameters
    ----------
    proposals : Proposals
        One pass of a search.
    space : ParameterSpace
        Encodes params into what crosses to a worker.

    Attributes
    ----------
    params : list of dict
        All proposals so far, by number.
    """

    def __init__(self, proposals: Proposals, space: ParameterSpace) -> None:
        self.proposals, self.space = proposals, space
        self.params: list[Params] = []
        self.scores: dict[int, float] = {}

    def take(self, count: int) -> list[tuple[int, tuple[Hashable, ...]]]:
        """Give the next proposals as numbered tasks: none while a score is waited for, and none at the end."""
        first = len(self.params)
        if self.proposals.lookahead is None:
            self.params += self.proposals.ask(count)
        else:
            self.ask_in_turn(count, self.proposals.lookahead)
        return [(number, self.space.encode(self.params[number])) for number in range(first, len(self.params))]

    def ask_in_turn(self, count: int, lookahead: int) -> None:
        """Ask for one proposal at a time, each after the scores that it may know, for as long as those are there."""
        for _ in range(count):
            due = len(self.params) - lookahead
            if due >= 0:
                if due not in self.scores:
                    return
                self.proposals.tell(due, self.scores.pop(due))
            self.params += self.proposals.ask(1)

    def hear(self, number: int, score: float) -> None:
        """Take a trial's score, in any order; NaN where it has none."""
        if self.proposals.lookahead is not None:
            self.scores[number] = score
