"""Who is compared? The plain loop, the Optimizer with everything, and the Optimizer without one layer."""

from collections.abc import Callable
from functools import partial
from typing import Any, Final

from scripts.benchmarks.audit.nursery import NURSERY
from scripts.benchmarks.audit.pairs import Measured
from scripts.benchmarks.audit.workload import Scale

LOOP: Final = "plain loop"
FULL: Final = "all layers"
WITHOUT: Final = "without "
LAYERS: Final = ("result_cache", "history_cache", "prediction_cache", "shared_bundle")

Sides = dict[str, Callable[[], Measured]]


def ask(scale: Scale, request: dict[str, Any]) -> Measured:
    """Run one side once, in a process of its own: no cache outlives it.

    Parameters
    ----------
    scale : Scale
        What is run.
    request : dict
        "kind": "loop", "optimizer" with "workers" and "layers", or "search" with "search", "seed" and "workers".

    Returns
    -------
    Measured

    Raises
    ------
    SideFailed
        With what the process wrote.
    """
    return NURSERY.ask({**request, "scale": scale._asdict()})


def loop_side(scale: Scale) -> Sides:
    """Give the baseline: one process, one backtest after the other, every layer off."""
    return {LOOP: partial(ask, scale, {"kind": "loop"})}


def optimizer_side(scale: Scale, workers: int, **layers: str) -> Callable[[], Measured]:
    """Give the Optimizer with so many workers; layers that are not named decide for themselves."""
    return partial(ask, scale, {"kind": "optimizer", "workers": workers, "layers": layers})


def pool_side(scale: Scale, workers: int, start_method: str, **layers: str) -> Callable[[], Measured]:
    """Give the Optimizer on a pool that is started for it, whose memory is measured at the end."""
    request = {"kind": "optimizer", "workers": workers, "layers": layers, "start_method": start_method}
    return partial(ask, scale, request)


def without_one(scale: Scale, workers: int) -> Sides:
    """Give the Optimizer without each of its layers in turn, the workers among them."""
    sides = {f"{WITHOUT}{name}": optimizer_side(scale, workers, **{name: "off"}) for name in LAYERS}
    if workers > 1:
        sides[f"{WITHOUT}workers"] = optimizer_side(scale, 1)
    return sides
