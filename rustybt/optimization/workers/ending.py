"""How did a worker process end, and may it be the doing of what it ran?"""

import signal
from pathlib import Path
from typing import NamedTuple

VMSTAT = Path("/proc/vmstat")
FROM_OUTSIDE = {-int(getattr(signal, name)) for name in ("SIGKILL", "SIGTERM", "SIGHUP") if hasattr(signal, name)}
"""Exit codes of signals that no fault of a program raises: somebody sent them."""
KILLED = -9


class Ending(NamedTuple):
    """How a process ended.

    Attributes
    ----------
    text : str
        In words, as they follow "it".
    code : int or None
        Exit code; minus the number of the signal that ended it; None where nobody knows.
    """

    text: str
    code: int | None = None

    @staticmethod
    def of(code: int) -> "Ending":
        """Give the ending with an exit code."""
        return Ending(describe_exit(code), code)

    @property
    def may_come_from_outside(self) -> bool:
        """Whether the process itself need not have had a part in it."""
        return self.code is None or self.code in FROM_OUTSIDE


class MemoryShortage:
    """Tells a process that the kernel killed for want of memory from one that somebody killed.

    Parameters
    ----------
    vmstat : Path
        Linux's counters, of which one is the number of such kills.
    """

    def __init__(self, vmstat: Path = VMSTAT) -> None:
        self.vmstat = vmstat
        self.kills = oom_kills(vmstat)

    def explains(self, ending: Ending) -> bool:
        """Say whether the kernel has killed for want of memory since this was last asked of a kill."""
        if ending.code != KILLED:
            return False
        before, self.kills = self.kills, oom_kills(self.vmstat)
        return self.kills > before


def oom_kills(vmstat: Path) -> int:
    """Say how many processes the kernel has killed for want of memory; 0 where it does not count them."""
    try:
        lines = vmstat.read_text(encoding="ascii").splitlines()
    except OSError:
        return 0
    return next((int(line.split()[1]) for line in lines if line.startswith("oom_kill ")), 0)


def describe_exit(code: int) -> str:
    """Say in words how a process ended.

    Examples
    --------
    >>> describe_exit(-9), describe_exit(3)
    ('was killed by SIGKILL', 'exited with code 3')
    """
    if code >= 0:
        return f"exited with code {code}"
    try:
        return f"was killed by {signal.Signals(-code).name}"
    except ValueError:
        return f"was killed by signal {-code}"
