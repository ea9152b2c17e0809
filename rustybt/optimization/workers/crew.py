"""Which worker processes does a pool have, and which did it have?

A crew is apart from its pool, so that its processes can be ended when the pool is collected.
"""

import os
import weakref

from rustybt.optimization.workers.base import Preparation
from rustybt.optimization.workers.ending import Ending
from rustybt.optimization.workers.fork_launcher import ForkLauncher
from rustybt.optimization.workers.launch import Launcher
from rustybt.optimization.workers.seat import Seat
from rustybt.optimization.workers.spawn_launcher import SpawnLauncher
from rustybt.optimization.workers.statistics import WorkerStatistics


class Crew:
    """The processes of a pool.

    Parameters
    ----------
    start_method : {"fork", "spawn"}
        How they are started.

    Attributes
    ----------
    launcher : Launcher or None
        None while there is no process.
    seats : list of Seat
        The living workers.
    ended : list of WorkerStatistics
        The others, in the order of their ends.
    owner : int
        The process that started them; a fork of it only lets go of its copies of the connections.
    """

    def __init__(self, start_method: str) -> None:
        self.start_method = start_method
        self.launcher: Launcher | None = None
        self.prepared = Preparation()
        self.seats: list[Seat] = []
        self.ended: list[WorkerStatistics] = []
        self.owner = os.getpid()
        LIVING.add(self)

    def begin_run(self, count: int, preparation: Preparation, *, counts_memory: bool = False) -> None:
        """Have that many living workers, and start those that are missing; none from here where memory counts."""
        if counts_memory and self.launcher is not None and self.launcher.has_forked_driver:
            self.end()
        if self.launcher is None:
            self.owner = os.getpid()
            self.launcher = ForkLauncher(not counts_memory) if self.start_method == "fork" else SpawnLauncher()
        if preparation != self.prepared:
            self.launcher.prepare(preparation)
            self.prepared = preparation
        for seat in [seat for seat in self.seats if seat.connection.poll()]:  # an idle worker says nothing but its end
            self.collect(seat)
        self.seats += [Seat.of(launched) for launched in self.launcher.launch(count - len(self.seats))]
        for seat in self.seats:
            seat.begin_run()

    def end_run(self) -> None:
        """Count no time of the workers any more."""
        for seat in self.seats:
            seat.tally.end_run()

    def abandon_run(self) -> None:
        """End the workers of a run that nobody waits for, and keep what the next ones are forked from."""
        try:
            for seat in self.seats:
                self.kill(seat)
            while self.seats:
                self.collect(self.seats[-1], "its run was given up")
        except BaseException:
            self.end()
            raise

    def kill(self, seat: Seat) -> None:
        """End a worker at once; its connection then closes."""
        assert self.launcher is not None
        seat.is_condemned = True
        self.launcher.kill(seat.pid)

    def is_gone(self, seat: Seat) -> bool:
        """Say whether a worker has ended, even where a child of its own keeps the connection open."""
        assert self.launcher is not None
        return self.launcher.is_gone(seat.pid)

    def collect(self, seat: Seat, reason: str = "") -> Ending:
        """Take leave of a worker that has ended; `reason` says why the pool ended it, if it did."""
        assert self.launcher is not None
        ending = self.launcher.ending_of(seat.pid)
        seat.connection.close()
        self.seats.remove(seat)
        text = f"was ended by the pool: {reason}" if reason else ending.text
        self.ended.append(seat.tally.of_ended(seat.pid, text))
        return ending

    def hire(self, position: int) -> None:
        """Start one more worker in a run under way."""
        assert self.launcher is not None
        (launched,) = self.launcher.launch(1)
        self.seats.insert(position, Seat.of(launched))
        self.seats[position].begin_run()

    def statistics(self) -> tuple[WorkerStatistics, ...]:
        """Give those of all workers that there were, in the order of their ends, and of those that there are."""
        return (*self.ended, *(seat.tally.of_living(seat.pid) for seat in self.seats))

    def end(self) -> None:
        """End and collect every process; where this is interrupted it may be called again."""
        for seat in self.seats:
            seat.connection.close()
        if self.launcher is not None:
            if self.owner == os.getpid():
                self.launcher.close()
            else:
                self.launcher.disown()
        self.ended += [seat.tally.of_ended(seat.pid, "was ended with its pool") for seat in self.seats]
        self.seats, self.launcher, self.prepared = [], None, Preparation()


LIVING: "weakref.WeakSet[Crew]" = weakref.WeakSet()


def let_go_after_fork() -> None:
    """Close, in a fork of this process, what belongs to this process's pools."""
    for crew in list(LIVING):
        crew.end()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=let_go_after_fork)
