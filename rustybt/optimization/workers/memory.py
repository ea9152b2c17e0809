"""How much memory does a process hold for itself?

What it shares through files, such as a bundle's arrays, does not count: all workers hold that together.
"""

import math
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from rustybt.errors import InvalidParameter

PROC = Path("/proc")
KB_PER_MB = 1024
BYTES_PER_MB = 1 << 20


def private_mb(pid: int, proc: Path = PROC) -> float:
    """Give the memory that a process shares with no file.

    Parameters
    ----------
    pid : int
        Of the process.
    proc : Path
        Where Linux tells of processes.

    Returns
    -------
    float
        Megabytes of 2**20 bytes: on Linux the resident anonymous pages, which include those that a fork has from its
        parent; elsewhere what psutil calls unique. NaN if the process is gone, or the system does not say.

    Examples
    --------
    >>> import os
    >>> private_mb(os.getpid()) > 1
    True
    """
    try:
        with open(proc / str(pid) / "status", encoding="utf-8") as file:
            for line in file:
                if line.startswith("RssAnon:"):
                    return int(line.split()[1]) / KB_PER_MB
    except (OSError, ValueError):
        pass
    return math.nan if (proc / "self").exists() else private_mb_elsewhere(pid)


def private_mb_elsewhere(pid: int) -> float:
    """Give what psutil says, where it is installed; NaN where it is not, or where it may not know."""
    if find_spec("psutil") is None:
        return math.nan
    psutil: Any = import_module("psutil")
    try:
        return float(psutil.Process(pid).memory_full_info().uss) / BYTES_PER_MB
    except psutil.Error:
        return math.nan


def require_measurable(pid: int) -> None:
    """Say what to do where nothing tells how much memory a living process holds."""
    if math.isnan(private_mb(pid)):
        raise InvalidParameter(
            "memory_mb needs to know how much memory a process holds, which this system does not say: "
            "pip install psutil, or leave the limit out"
        )
