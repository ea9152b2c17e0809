"""When is a search asked for its next proposal?

Never as the workers happen to come back, but in one order fixed beforehand: proposal k follows the feedback of
proposals 0 to k - lookahead, whatever else is known by then. That is why results do not depend on how many workers
there are.
"""

import time

from rustybt.optimization.search.base import Feedback, Proposal, Proposals


class Schedule:
    """Numbers the proposals of a search and tells it what came of them, in their order.

    Parameters
    ----------
    proposals : Proposals
        One pass of a search.

    Attributes
    ----------
    proposed : list of Proposal
        All proposals so far, by number.
    has_ended : bool
        Nothing more will be proposed.
    seconds : float
        Time spent in the search itself.
    """

    def __init__(self, proposals: Proposals) -> None:
        self.proposals = proposals
        self.proposed: list[Proposal] = []
        self.has_ended = False
        self.seconds = 0.0
        self._feedback: dict[int, Feedback] = {}
        self._told = 0
        self._is_dry = False

    def take(self, count: int) -> list[tuple[int, Proposal]]:
        """Give the next proposals with their numbers: none while feedback is waited for, and none at the end."""
        first = len(self.proposed)
        began = time.perf_counter()
        if self.proposals.lookahead is None:
            self.proposed += self.proposals.ask(count)
            self.has_ended = len(self.proposed) - first < count
        else:
            self._ask_in_turn(count, self.proposals.lookahead)
        self.seconds += time.perf_counter() - began
        return list(enumerate(self.proposed[first:], start=first))

    def _ask_in_turn(self, count: int, lookahead: int) -> None:
        """Ask for one proposal at a time, each after the feedback that it may know, for as long as that is there."""
        wanted = len(self.proposed) + count
        while len(self.proposed) < wanted and not self.has_ended:
            due = len(self.proposed) - lookahead + 1
            while self._told < due:
                if not self._tell_next():
                    return
            # Whoever has nothing to propose is asked once after each feedback, however often workers want more.
            got = [] if self._is_dry else self.proposals.ask(1)
            self.proposed += got
            self._is_dry = not got
            if not got and not self._tell_next():
                self.has_ended = self._told == len(self.proposed)
                return

    def _tell_next(self) -> bool:
        if self._told not in self._feedback:
            return False
        self.proposals.tell(self._told, self._feedback.pop(self._told))
        self._told += 1
        self._is_dry = False
        return True

    def hear(self, number: int, feedback: Feedback) -> None:
        """Take what came of a proposal, in any order."""
        if self.proposals.lookahead is not None:
            self._feedback[number] = feedback
