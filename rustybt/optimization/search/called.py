"""How does an algorithm that calls a function become one that can be asked?

It runs in a thread of its own, which hands over the point that it has come to and sleeps until it is given the value.
The two never run at the same time.
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


class Closed(Exception):
    """Unwinds an algorithm that nobody asks any more."""


class Called:
    """An algorithm that is asked for points and told values.

    Its thread is a daemon. It ends with the algorithm, when this is closed or garbage, or when the interpreter ends.

    Parameters
    ----------
    algorithm : callable
        Starts when the first point is asked for. It must hold no reference to this, or to what owns it.

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

    def __init__(self, algorithm: Algorithm) -> None:
        self.message = ""
        self._points: SimpleQueue[Point | str | BaseException] = SimpleQueue()
        self._values: SimpleQueue[float | None] = SimpleQueue()
        self._point: Point | None = None
        self._thread: threading.Thread | None = threading.Thread(
            target=work, args=(algorithm, self._points, self._values), name="rustybt-search", daemon=True
        )
        # Holds the queue and not self. Before its first point the thread does not run, and the value is never read.
        self._release = weakref.finalize(self, self._values.put, None)

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
        """Give the value at the point, so that the algorithm goes on; the value is finite."""
        self._point = None
        self._values.put(value)

    def close(self) -> None:
        """End the algorithm wherever it is, and its thread."""
        thread, self._thread, self._point = self._thread, None, None
        self._release()
        if thread is not None and thread.ident is not None:
            thread.join()


def work(
    algorithm: Algorithm, points: "SimpleQueue[Point | str | BaseException]", values: "SimpleQueue[float | None]"
) -> None:
    """Run the algorithm, in its thread, on a function that asks across the queues."""

    def function(x: NDArray[np.float64]) -> float:
        points.put(tuple(np.asarray(x, dtype=np.float64).tolist()))
        value = values.get()
        if value is None:
            raise Closed
        return value

    try:
        points.put(algorithm(function))
    except Closed:
        pass
    except BaseException as error:
        points.put(error)
        raise
