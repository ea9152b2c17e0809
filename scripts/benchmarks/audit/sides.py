"""Who is compared? The plain loop, the Optimizer with everything, and the Optimizer without one layer."""

from collections.abc import Mapping, Sequence
from typing import Any, Final, NamedTuple, TypeAlias

from scripts.benchmarks.audit.nursery import NURSERY
from scripts.benchmarks.audit.pairs import Measured, Round, Side, median_of
from scripts.benchmarks.audit.workload import Scale

LOOP: Final = "plain loop"
FULL: Final = "all layers"
WITHOUT: Final = "without "
LAYERS: Final = ("result_cache", "history_cache", "prediction_cache", "shared_bundle")


class Asked(NamedTuple):
    """A side that runs in a process of its own, which no cache outlives.

    Attributes
    ----------
    scale : Scale
        What is run.
    request : dict
        See `ask`.
    """

    scale: Scale
    request: dict[str, Any]

    def __call__(self) -> Measured:
        """Run it once."""
        return ask(self.scale, self.request)


Sides: TypeAlias = dict[str, Side]


def ask(scale: Scale, request: dict[str, Any]) -> Measured:
    """Run one side once, in a process of its own.

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


def in_turns(sides: Mapping[str, Asked], times: int) -> Round:
    """Let some processes of each side take turns of hundredths of a second; that of the median time counts.

    Parameters
    ----------
    sides : mapping of str to Asked
        None of them starts processes.
    times : int
        Processes of each side; an odd number.

    Returns
    -------
    callable
        For `run_pairs`.
    """

    def run_round(names: Sequence[str]) -> list[Measured]:
        requests = [{**sides[name].request, "scale": sides[name].scale._asdict()} for name in names]
        found = NURSERY.ask_in_turns(requests * times)
        return [median_of(found[at :: len(names)]) for at in range(len(names))]

    return run_round


def loop_side(scale: Scale) -> dict[str, Asked]:
    """Give the baseline: one process, one backtest after the other, every layer off."""
    return {LOOP: Asked(scale, {"kind": "loop"})}


def optimizer_side(scale: Scale, workers: int, **layers: str) -> Asked:
    """Give the Optimizer with so many workers; layers that are not named decide for themselves."""
    return Asked(scale, {"kind": "optimizer", "workers": workers, "layers": layers})


def pool_side(scale: Scale, workers: int, start_method: str, **layers: str) -> Asked:
    """Give the Optimizer on a pool that is started for it, whose memory is measured at the end."""
    request = {"kind": "optimizer", "workers": workers, "layers": layers, "start_method": start_method}
    return Asked(scale, request)


def without_one(scale: Scale, workers: int) -> dict[str, Asked]:
    """Give the Optimizer without each of its layers in turn, the workers among them."""
    sides = {f"{WITHOUT}{name}": optimizer_side(scale, workers, **{name: "off"}) for name in LAYERS}
    if workers > 1:
        sides[f"{WITHOUT}workers"] = optimizer_side(scale, 1)
    return sides
