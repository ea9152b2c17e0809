"""Where is this process, every few milliseconds?

A timer's signal interrupts the main thread between two bytecodes, and its handler notes the stack. Nothing is hooked
into calls, so that calls of a microsecond take as long as they do without it; and the thread that is looked at looks at
itself, so that places which let other threads in are not seen more often than others.
"""

import os
import random
import signal
import sys
import threading
import time
from types import CodeType, FrameType
from typing import Any, NamedTuple, TypeAlias

from rustybt.errors import CannotProfile
from rustybt.installed import is_installed

INTERVAL_S = 0.002
PACKAGE = __name__.partition(".")[0]
SAMPLE_STRATEGY = "rustybt.cli.crossover"
"""A strategy as a user writes it, which happens to come with the package."""
WRITTEN_BY_USER = ("__main__", "_script_")
"""Beginnings of the names of modules whose code may be no file: notebooks, and strategies given as text."""


class Place(NamedTuple):
    """A frame's code.

    Attributes
    ----------
    module : str
        Dotted name.
    function : str
        Qualified name.
    file : str
        Its file's name without folders, for the user's code; empty elsewhere.
    line : int
        The line that was running, for the user's code; 0 elsewhere.
    """

    module: str
    function: str
    file: str = ""
    line: int = 0

    @property
    def is_users(self) -> bool:
        """Whether the user wrote it."""
        return self.line > 0


Stack: TypeAlias = tuple[Place, ...]
"""Outermost first."""

Stacks: TypeAlias = dict[Stack, float]
"""Seconds by stack, those of the frames that it called not among them."""


class Samples(NamedTuple):
    """What was seen in some time.

    Attributes
    ----------
    seconds : float
        How long.
    stacks : dict of stack to seconds
        Where; their sum may differ by a sample or two, or be nothing where the time was short.
    was_stopped : bool
        Another user of the timer or of its signal (SIGALRM) took it before the end: later places are not known.
    """

    seconds: float
    stacks: Stacks
    was_stopped: bool = False

    def scaled(self) -> Stacks:
        """Give stacks whose sum is all the time."""
        total = sum(self.stacks.values())
        if total <= 0.0:
            return {(): self.seconds} if self.seconds > 0.0 else {}
        return {stack: seconds * self.seconds / total for stack, seconds in self.stacks.items()}


def add_stacks(total: Stacks, more: Stacks) -> None:
    """Add seconds to those that are there."""
    for stack, seconds in more.items():
        total[stack] = total.get(stack, 0.0) + seconds


class Sampler:
    """Notes the main thread's stack while it is on; off, it costs nothing.

    Parameters
    ----------
    interval_s : float, optional
        Time between two samples.

    Attributes
    ----------
    seconds : float
        Time that it was on, since samples were last taken.

    Raises
    ------
    CannotProfile
        At `start`: off the main thread, without such a signal, or where something else uses it.
    """

    def __init__(self, interval_s: float = INTERVAL_S) -> None:
        self.interval_s = interval_s
        self.seconds = 0.0
        self._was_stopped = False
        self._random = random.Random()  # of its own: a strategy's draws must not depend on being watched
        self._places: list[Place] = []
        self._code: dict[int, tuple[CodeType, int]] = {}  # the code is kept, so that its id stays its own
        self._lines: dict[tuple[int, int], int] = {}
        self._seen: dict[tuple[int, ...], float] = {}
        self._base: FrameType | None = None
        self._handler_before: Any = signal.SIG_DFL
        self._began = self._last = 0.0

    def start(self, frames_out: int = 1) -> None:
        """Note stacks from now on, from a frame so many calls out of this one inwards."""
        require_timer()
        self._base = sys._getframe(frames_out)
        first_s = self.interval_s * (1.0 - self._random.random())  # else a short task were seen at one age only
        self._began = time.perf_counter()
        self._last = self._began + first_s - self.interval_s
        self._handler_before = signal.signal(signal.SIGALRM, self._note)
        signal.setitimer(signal.ITIMER_REAL, first_s, self.interval_s)

    def stop(self) -> None:
        """Note nothing any more."""
        if signal.getsignal(signal.SIGALRM) == self._note:
            _, interval_s = signal.setitimer(signal.ITIMER_REAL, 0.0)
            signal.signal(signal.SIGALRM, self._handler_before)
            self._was_stopped |= not interval_s
        else:
            self._was_stopped = True
        self.seconds += time.perf_counter() - self._began
        self._base = None

    def take(self) -> Samples:
        """Give what was seen, and forget it."""
        stacks: Stacks = {}
        for indices, seconds in self._seen.items():
            add_stacks(stacks, {tuple(self._places[i] for i in reversed(indices)): seconds})
        taken = Samples(self.seconds, stacks, self._was_stopped)
        self.seconds, self._was_stopped = 0.0, False
        self._seen, self._places, self._code, self._lines = {}, [], {}, {}
        return taken

    def _note(self, number: int, frame: FrameType | None) -> None:
        """Give the time since the last sample to where the main thread is."""
        now = time.perf_counter()
        indices = []
        while frame is not None:
            indices.append(self._index_of(frame))
            if frame is self._base:
                break
            frame = frame.f_back
        stack = tuple(indices)
        self._seen[stack] = self._seen.get(stack, 0.0) + now - self._last
        self._last = now

    def _index_of(self, frame: FrameType) -> int:
        """Give the number of a frame's place; the user's code is told by its lines."""
        code = frame.f_code
        known = self._code.get(id(code))
        if known is None:
            module = str(frame.f_globals.get("__name__", ""))
            is_users = is_written_by_user(module, code.co_filename)
            index = -1 if is_users else self._add(Place(module, code.co_qualname))
            known = self._code[id(code)] = code, index
        if known[1] >= 0:
            return known[1]
        line = frame.f_lineno or code.co_firstlineno
        at = self._lines.get((id(code), line))
        if at is None:
            module = str(frame.f_globals.get("__name__", ""))
            file = os.path.basename(code.co_filename)
            at = self._lines[id(code), line] = self._add(Place(module, code.co_qualname, file, max(line, 1)))
        return at

    def _add(self, place: Place) -> int:
        self._places.append(place)
        return len(self._places) - 1


def is_written_by_user(module: str, file: str) -> bool:
    """Say whether code is neither the package's nor an installed library's.

    Parameters
    ----------
    module : str
        Its module's dotted name.
    file : str
        What its code object calls its file.

    Examples
    --------
    >>> is_written_by_user("my_strategy", "/home/me/my_strategy.py"), is_written_by_user("rustybt.data.portal", "x.py")
    (True, False)
    """
    if module == SAMPLE_STRATEGY:
        return True
    root = module.partition(".")[0]
    if root == PACKAGE or root in sys.stdlib_module_names:
        return False
    if file.startswith("<"):
        return module.startswith(WRITTEN_BY_USER)
    return not is_installed(os.path.dirname(file))


def require_timer() -> None:
    """Raise if this thread cannot be interrupted by a timer of its own.

    Raises
    ------
    CannotProfile
        If so.
    """
    if not hasattr(signal, "setitimer"):
        raise CannotProfile("a profile needs a timer that sends signals, which this system does not have")
    if threading.current_thread() is not threading.main_thread():
        raise CannotProfile("a profile is of the program's main thread: start it there")
    if signal.getsignal(signal.SIGALRM) not in (signal.SIG_DFL, signal.SIG_IGN) or any_timer():
        raise CannotProfile("the signal SIGALRM is in use, by another profile or by the program: end that first")


def any_timer() -> bool:
    """Say whether the process's timer runs."""
    return any(signal.getitimer(signal.ITIMER_REAL))
