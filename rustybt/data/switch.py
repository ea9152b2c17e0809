"""How is a cache of this process put out of use for a while?"""

from collections.abc import Iterator
from contextlib import contextmanager
from threading import local


class Switch(local):
    """Whether something is in use, in each thread of its own: it is, except within `paused`.

    Examples
    --------
    >>> switch = Switch()
    >>> with switch.paused():
    ...     print(switch.is_on)
    False
    >>> switch.is_on
    True
    """

    pauses = 0

    @property
    def is_on(self) -> bool:
        """Whether this thread uses it, now."""
        return not self.pauses

    @contextmanager
    def paused(self) -> Iterator[None]:
        """Put it out of this thread's use until the block ends; blocks may lie within one another."""
        self.pauses += 1
        try:
            yield
        finally:
            self.pauses -= 1

    def renew(self) -> None:
        """Put it to use in this thread, within however many blocks that is: they are another process's."""
        self.pauses = 0
