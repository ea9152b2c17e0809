"""When does the simulation cancel open orders by itself?"""

from abc import ABC, abstractmethod
from typing import Final

BAR: Final = 0
SESSION_START: Final = 1
SESSION_END: Final = 2
MINUTE_END: Final = 3
BEFORE_TRADING_START_BAR: Final = 4


class CancelPolicy(ABC):
    """Base of cancel policies.

    Attributes
    ----------
    warn_on_cancel : bool
        Whether a cancelled order is noted in the log.
    """

    warn_on_cancel = False

    @abstractmethod
    def should_cancel(self, event: int) -> bool:
        """Say whether open orders are cancelled at an event.

        Parameters
        ----------
        event : int
            One of this module's constants; the simulation asks at SESSION_END.

        Returns
        -------
        bool
        """


class EODCancel(CancelPolicy):
    """Cancel what is open at a session's end.

    Parameters
    ----------
    warn_on_cancel : bool
        Note each cancelled order in the log.

    Notes
    -----
    In a daily simulation Zipline cancels only the first order of an asset, and only where there are two or more; so
    does this, unless the run has the correction eod_cancel_all. The exits of brackets stay open.
    """

    def __init__(self, warn_on_cancel: bool = True) -> None:
        self.warn_on_cancel = warn_on_cancel

    def should_cancel(self, event: int) -> bool:
        """Give True at SESSION_END."""
        return event == SESSION_END


class NeverCancel(CancelPolicy):
    """Leave orders open until they fill or the algorithm cancels them. The default."""

    def should_cancel(self, event: int) -> bool:
        """Give False."""
        return False
