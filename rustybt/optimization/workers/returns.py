"""What becomes of the tasks of a worker that died?

They go back to the queue; those of the chunk that it ran one by one, as one of them may have been its end. A task that
was alone when its worker died is tried again in a worker that has run nothing else, and after that has a status. A kill
from outside says nothing against a task, and random ones hit the same task now and then: there it takes more of them.
"""

from collections import deque

from rustybt.optimization.trial import TrialStatus
from rustybt.optimization.workers.base import Outcome
from rustybt.optimization.workers.ending import Ending, MemoryShortage
from rustybt.optimization.workers.pace import NAN
from rustybt.optimization.workers.seat import Queued, Verdict

MAX_DEATHS = 2
"""Workers that may die under a task alone by its own doing."""
MAX_DEATHS_FROM_OUTSIDE = 6
"""Workers that may die under a task alone, where somebody may have killed them. If one task in twenty is hit, as by a
hundred kills in a run of two thousand, chance spends six on the same one once in some thirty thousand such runs."""


class Returns:
    """The tasks of one run that have to be given again.

    Attributes
    ----------
    tasks : deque of Queued
        In order.
    suspects : deque of Queued
        Those under which a worker died while they ran alone.
    """

    def __init__(self) -> None:
        self.tasks: deque[Queued] = deque()
        self.suspects: deque[Queued] = deque()
        self.shortage = MemoryShortage()

    def put_back(self, chunk: list[Queued]) -> None:
        """Take tasks back before all others."""
        for task in reversed(chunk):
            (self.suspects if task.deaths else self.tasks).appendleft(task)

    def next_chunk(self, size: int) -> list[Queued]:
        """Give the next tasks that are no suspects, of which there must be one; those that must be alone, alone."""
        chunk = [self.tasks.popleft()]
        while not chunk[0].alone and self.tasks and not self.tasks[0].alone and len(chunk) < size:
            chunk.append(self.tasks.popleft())
        return chunk

    def judge(
        self, chunk: list[Queued], pid: int, ending: Ending, verdict: Verdict | None, innocent: bool
    ) -> list[tuple[int, Outcome]]:
        """Take back the chunk that a worker ran when it ended, and give the outcome of a task that has had its chances.

        Parameters
        ----------
        chunk : list of Queued
            What it ran.
        pid : int
            Its process id.
        ending : Ending
            How it ended.
        verdict : Verdict or None
            Why the pool ended it, if it did for this chunk.
        innocent : bool
            Whether the pool ended it for another reason.

        Returns
        -------
        list of (int, Outcome)
            Empty, or that of the one task.
        """
        if len(chunk) > 1 or innocent:
            self.put_back([task._replace(alone=task.alone or len(chunk) > 1) for task in chunk])
            return []
        shortage = verdict is None and self.shortage.explains(ending)
        from_outside = verdict is None and ending.may_come_from_outside and not shortage
        task = chunk[0]._replace(alone=True, deaths=chunk[0].deaths + 1, kills=chunk[0].kills + from_outside)
        if task.deaths - task.kills < MAX_DEATHS and task.deaths < MAX_DEATHS_FROM_OUTSIDE:
            self.put_back([task])
            return []
        why = ", as the system was out of memory: limit it, or run fewer workers" if shortage else ""
        status, reason = verdict or Verdict(TrialStatus.CRASHED, f"its worker process {ending.text}{why}")
        error = f"tried {task.deaths} times; the last time {reason}"
        return [(task.number, Outcome(status, NAN, None, error, pid))]
