"""When may the next request be sent? Not before its turn, nor before the server wants to be asked again."""

from __future__ import annotations

import threading
import time
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime


class Stopped(Exception):
    """The download was given up elsewhere."""


class Turns:
    """Turns of requests, shared by threads.

    Parameters
    ----------
    rate : float, optional
        Requests in a second, at most.
    """

    def __init__(self, rate: float | None = None) -> None:
        self._interval_s = 0.0 if rate is None else 1.0 / rate
        self._lock = threading.Lock()
        self._next = time.monotonic()
        self._stop = threading.Event()

    def stop(self) -> None:
        """Let every thread that waits, or will wait, raise `Stopped`."""
        self._stop.set()

    def take(self) -> None:
        """Wait for a turn."""
        while True:
            with self._lock:
                now = time.monotonic()
                wait_s = self._next - now
                if wait_s <= 0:
                    self._next = now + self._interval_s
                    break
            self.wait(wait_s)
        self.check()

    def pause(self, seconds: float) -> None:
        """Give nobody a turn for a while."""
        with self._lock:
            self._next = max(self._next, time.monotonic() + seconds)

    def wait(self, seconds: float) -> None:
        """Wait."""
        if self._stop.wait(seconds):
            raise Stopped

    def check(self) -> None:
        """Raise where the download was given up."""
        if self._stop.is_set():
            raise Stopped


def retry_after_s(text: str | None) -> float:
    """Read a header `Retry-After`: seconds, or a date; 0 where there is none that can be read.

    Examples
    --------
    >>> retry_after_s("120"), retry_after_s("soon"), retry_after_s("Fri, 31 Dec 1999 23:59:59 GMT")
    (120.0, 0.0, 0.0)
    """
    if text is None:
        return 0.0
    if text.strip().isascii() and text.strip().isdigit():
        return float(text)
    try:
        when = parsedate_to_datetime(text)
    except (ValueError, OverflowError):
        return 0.0
    aware = when if when.tzinfo is not None else when.replace(tzinfo=UTC)
    return max(0.0, (aware - datetime.now(UTC)).total_seconds())
