"""How does an algorithm that calls a function become one that can be asked?

It runs in a thread of its own, which hands over the point that it has come to and sleeps until it is given the value.
The two never run at the same time. A point whose value is known is answered within the thread: handing over costs more
than most algorithms do.
"""

import threading
import weakref
from collections.abc import Callable
from queue import SimpleQueue
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

Function: TypeAlias = Callable[[NDArray[np.float64]], float]
"""What such an algorithm calls: takes a point, an array of shape (n,), and gives its value."""

Algorithm: TypeAlias = Callable[[Function], str]
"""Calls a function as often as it likes, and says at last why it ended."""

Point: TypeAlias = tuple[float, ...]

MAX_KNOWN = 2_000
"""Points in a row whose value is known, after which an algorithm has nothing else to ask."""


class Closed(Exception):
    """Unwinds an algorithm that nobody asks any more."""


class Repeats(Exception):
    """Unwinds an algorithm that has nothing else to ask."""


class Called:
    """An algorithm that is asked for points and told values.

    Its thread is a daemon. It ends with the algorithm, when this is closed or garbage, or when the interpreter ends.

    Parameters
    ----------
    algorithm : callable
        Starts when the first point is asked for. It must hold no reference to this, or to what owns it.
    known : callable, optional
        Takes a point and gives its value, or None where it is to be asked for. Holds no such reference either.

    Attributes
    ----------
    message : str
        Why the algorithm ended; empty before.

    Examples
    --------
    >>> from scipy.optimize import direct
    >>> called = Called(lambda function: direct(function, [(0.0, 1.0)], maxfun=3).message)
    >>> called.point()
    (0.5,)
    >>> called.tell(1.0)
    >>> [round(x, 3) for x in called.point()]
    [0.833]
    >>> called.close()
    >>> called.point() is None
    True
    """

    def __init__(self, algorithm: Algorithm, known: Callable[[Point], float | None] = lambda point: None) -> None:
        self.message = ""
        self._points: SimpleQueue[Point | str | BaseException] = SimpleQueue()
        self._values: SimpleQueue[float | None] = SimpleQueue()
        self._point: Point | None = None
        self._value: float | None = None
        self._thread: threading.Thread | None = threading.Thread(
            target=work, args=(algorithm, known, self._points, self._values), name="rustybt-search", daemon=True
        )
        # Holds the queue and not self. Before its first point the thread does not run, and the value is never read.
        self._release = weakref.finalize(self, self._values.put, None)

    @property
    def is_asked(self) -> bool:
        """Whether the algorithm waits for the value at a point."""
        return self._point is not None

    def point(self) -> Point | None:
        """Give the point whose value the algorithm waits for; None where it has ended or was closed.

        Raises
        ------
        Exception
            Whatever the algorithm raised.
        """
        if self._point is not None or self._thread is None:
            return self._point
        if self._thread.ident is None:
            self._thread.start()
        else:
            self._values.put(self._value)
        found = self._points.get()
        if isinstance(found, tuple):
            self._point = found
            return found
        self.close()
        if isinstance(found, BaseException):
            raise found
        self.message = found
        return None

    def tell(self, value: float) -> None:
        """Give the value at the point, finite; the algorithm goes on when the next point is asked for."""
        self._point, self._value = None, value

    def close(self) -> None:
        """End the algorithm wherever it is, and its thread."""
        thread, self._thread, self._point = self._thread, None, None
        self._release()
        if thread is not None and thread.ident is not None:
            thread.join()


def work(
    algorithm: Algorithm,
    known: Callable[[Point], float | None],
    points: "SimpleQueue[Point | str | BaseException]",
    values: "SimpleQueue[float | None]",
) -> None:
    """Run the algorithm, in its thread, on a function that asks across the queues what is not known."""
    repeats = 0

    def function(x: NDArray[np.float64]) -> float:
        nonlocal repeats
        point = tuple(np.asarray(x, dtype=np.float64).tolist())
        value = known(point)
        if value is not None:
            repeats += 1
            if repeats >= MAX_KNOWN:
                raise Repeats
            return value
        repeats = 0
        points.put(point)
        value = values.get()
        if value is None:
            raise Closed
        return value

    try:
        points.put(algorithm(function))
    except Closed:
        pass
    except Repeats:
        points.put(f"its last {MAX_KNOWN} points fell on combinations that are known or excluded")
    except BaseException as error:
        points.put(error)
        raise
