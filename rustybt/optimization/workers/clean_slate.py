"""What does a fork of the driver forget, so that it is as good as a fresh interpreter?"""

import decimal
import logging
import os
import signal
import sys
import warnings
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any, Final

import cloudpickle.cloudpickle
import numpy as np

from rustybt.data.history_cache import shared_history
from rustybt.data.predictions import shared_predictions
from rustybt.optimization.workers.launch import QUIET_LIBRARIES, is_open

DESCRIPTORS: Final = Path("/proc/self/fd")
KNOWN_CLASSES: Final = ("_DYNAMIC_CLASS_TRACKER_BY_ID", "_DYNAMIC_CLASS_TRACKER_BY_CLASS")
"""Where cloudpickle keeps the classes that it has sent: a worker must make its own of what it is sent."""

MONITORING_TOOLS: Final = 6
_HELD: Final[list[ModuleType]] = []


def can_forget() -> bool:
    """Say whether everything that must be forgotten is known."""
    return all(hasattr(cloudpickle.cloudpickle, name) for name in KNOWN_CLASSES)


def forget_driver(descriptor: int) -> None:
    """Let go, in a fork of the driver, of what belongs to the driver alone.

    Parameters
    ----------
    descriptor : int
        The one that stays, beside those of the standard streams.
    """
    os.setsid()
    _HELD.extend(sys.modules.values())  # or what they hold, such as a temporary folder, would be tidied up here
    forget_observers()
    close_all_but({1, 2, descriptor})
    sys.stdout = sys.stderr = open(  # noqa: SIM115 - for the rest of the process's life
        2, "w", encoding="utf-8", errors="backslashreplace", buffering=1, closefd=False
    )
    forget_settings()
    for name in KNOWN_CLASSES:
        getattr(cloudpickle.cloudpickle, name).clear()
    for cache in (shared_history(), shared_predictions()):
        cache.renew()
    quieten_libraries()


def forget_observers() -> None:
    """Call no function of the driver's when a line runs or a signal comes."""
    sys.settrace(None)
    sys.setprofile(None)
    if hasattr(sys, "monitoring"):
        for tool in range(MONITORING_TOOLS):
            if sys.monitoring.get_tool(tool) is not None:
                sys.monitoring.set_events(tool, 0)
                sys.monitoring.free_tool_id(tool)
    for number in signal.valid_signals():
        if callable(signal.getsignal(number)):
            signal.signal(number, signal.SIG_DFL)


def close_all_but(kept: set[int]) -> None:
    """Point the other descriptors at nothing: their numbers stay taken, as objects of the driver will close them."""
    null = os.open(os.devnull, os.O_RDWR)
    for number in [int(entry) for entry in os.listdir(DESCRIPTORS)]:
        if number not in {*kept, null} and is_open(number):
            os.dup2(null, number, inheritable=False)
    if not is_open(2):
        os.dup2(null, 2)


def forget_settings() -> None:
    """Have warnings, logs and arithmetic as a fresh interpreter has them."""
    warnings.resetwarnings()
    for category in (ResourceWarning, ImportWarning, PendingDeprecationWarning, DeprecationWarning):
        warnings.simplefilter("ignore", category)
    warnings.filterwarnings("default", category=DeprecationWarning, module="__main__")
    warnings._processoptions(sys.warnoptions)  # type: ignore[attr-defined]
    for logger in [logging.root, *logging.root.manager.loggerDict.values()]:
        if isinstance(logger, logging.Logger):
            logger.handlers[:] = [handler for handler in logger.handlers if isinstance(handler, logging.NullHandler)]
    logging.root.setLevel(logging.WARNING)
    np.seterr(divide="warn", over="warn", under="ignore", invalid="warn")
    decimal.setcontext(decimal.DefaultContext.copy())
    sys.argv[:] = ["-c"]


def quieten_libraries() -> None:
    """Leave one thread to each library that is loaded later, or that has not yet started its own."""
    os.environ.update(QUIET_LIBRARIES)
    if "numba" in sys.modules:
        numba: Any = import_module("numba")
        numba.config.NUMBA_NUM_THREADS = 1
