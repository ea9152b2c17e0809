"""Which layers does an optimization use?

A layer spares work and costs some: it is on, off, or decided by what is planned. Results never depend on it.
"""

import math
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Final, NamedTuple, TypeAlias

from rustybt.data.history_cache import checked_bytes, disable_history_cache, shared_history
from rustybt.data.predictions import disable_prediction_cache, shared_predictions
from rustybt.errors import InvalidParameter, did_you_mean

SWITCHES: Final = ("on", "off", "auto")

Switch: TypeAlias = "bool | str"

REPAYS_HISTORY: Final = 60_000
"""Prices that all backtests of one process go through, from which on blocks of adjusted or resampled bars repay."""


class Work(NamedTuple):
    """What a run is about to do.

    Attributes
    ----------
    backtests : int or None
        How many, at most; None where the search does not know.
    bars : int
        Of a whole backtest: its sessions, or the minutes of its sessions.
    assets : int
        Of the bundle.
    workers : int
        Processes, at least 1.
    is_vector : bool
        The strategy decides for all sessions at once.
    """

    backtests: int | None
    bars: int
    assets: int
    workers: int
    is_vector: bool

    @property
    def backtests_a_worker(self) -> float:
        """How many of them one process runs."""
        return math.inf if self.backtests is None else self.backtests / self.workers


class Layer(NamedTuple):
    """One layer of a run: whether it is on, and why."""

    is_on: bool
    reason: str

    def __str__(self) -> str:
        return f"{'on' if self.is_on else 'off'}: {self.reason}"


@dataclass(frozen=True)
class OptimizationConfig:
    """Switches of the layers, each "on" (or True), "off" (or False) or "auto".

    Parameters
    ----------
    result_cache : switch
        Outcomes of equal trials cost no simulation. "auto" is on: a look-up costs some 10 µs.
    history_cache : switch
        Adjusted windows and bars of several minutes are made once a process. "auto" is off for a vector strategy, which
        asks for none, and where the backtests of a process go through fewer than 60,000 prices: backtests times bars
        times assets of the bundle.
    prediction_cache : switch
        A model answers each question once a process. "auto" is off where a process runs one backtest.
    shared_bundle : switch
        Workers are forked from a process that has mapped the bundle, instead of mapping it each. "auto" is on with
        workers.
    history_cache_bytes : int, optional
        What the blocks of each process may take from this run on; if omitted, what they may take already: 256 MB, or
        what `shared_history().max_memory_bytes` was set to in the process.

    Raises
    ------
    InvalidParameter
        If a switch is none of these, or the limit no whole number of 0 or more.

    Examples
    --------
    >>> config = OptimizationConfig(history_cache=False)
    >>> config.history_cache, config.result_cache
    ('off', 'auto')
    >>> str(config.layers(Work(400, 250, 8, workers=2, is_vector=False))["history_cache"])
    'off: as configured'
    >>> str(config.layers(Work(1, 250, 8, workers=1, is_vector=False))["prediction_cache"])
    'off: a process runs 1 backtest'
    """

    result_cache: Switch = "auto"
    history_cache: Switch = "auto"
    prediction_cache: Switch = "auto"
    shared_bundle: Switch = "auto"
    history_cache_bytes: int | None = None

    def __post_init__(self) -> None:
        for name in AUTOMATIC:
            object.__setattr__(self, name, switch_of(name, getattr(self, name)))
        if self.history_cache_bytes is not None:
            checked_bytes(self.history_cache_bytes, "history_cache_bytes")

    def layers(self, work: Work) -> dict[str, Layer]:
        """Say which layers a run uses.

        Parameters
        ----------
        work : Work
            What is planned.

        Returns
        -------
        dict of str to Layer
            By the name of the switch.
        """
        found = {}
        for name, decided in AUTOMATIC.items():
            switch = getattr(self, name)
            found[name] = decided(work) if switch == "auto" else Layer(switch == "on", "as configured")
        paused = {"history_cache": not shared_history().is_on, "prediction_cache": not shared_predictions().is_on}
        return found | {
            name: Layer(False, "disabled around the run") for name, is_paused in paused.items() if is_paused
        }


def switch_of(name: str, value: object) -> str:
    """Give a switch by its word, or say that it is none."""
    if isinstance(value, bool):
        return "on" if value else "off"
    if isinstance(value, str) and value in SWITCHES:
        return value
    near = did_you_mean(value, SWITCHES) if isinstance(value, str) else ""
    raise InvalidParameter(f"{name} {value!r} is none of 'on', 'off' and 'auto'{near}")


def _result_cache(work: Work) -> Layer:
    return Layer(True, "a look-up costs less than any backtest")


def _history_cache(work: Work) -> Layer:
    if work.is_vector:
        return Layer(False, "a vector strategy asks for no windows")
    prices = work.backtests_a_worker * work.bars * work.assets
    if math.isinf(prices):
        return Layer(True, a_process_runs(work))
    return Layer(prices >= REPAYS_HISTORY, f"a process goes through {math.ceil(prices):,} prices")


def _prediction_cache(work: Work) -> Layer:
    return Layer(work.backtests_a_worker > 1, a_process_runs(work))


def _shared_bundle(work: Work) -> Layer:
    return Layer(work.workers > 1, f"{work.workers} workers" if work.workers > 1 else "one process")


AUTOMATIC: Final = {
    "result_cache": _result_cache,
    "history_cache": _history_cache,
    "prediction_cache": _prediction_cache,
    "shared_bundle": _shared_bundle,
}


def a_process_runs(work: Work) -> str:
    """Say how many backtests a process runs."""
    if work.backtests is None:
        return "a process runs as many backtests as the search wants"
    count = math.ceil(work.backtests_a_worker)
    return f"a process runs {count:,} backtest{'' if count == 1 else 's'}"


class WorkerLayers(NamedTuple):
    """The layers that work where a backtest runs; it crosses to the workers."""

    history_cache: bool = True
    prediction_cache: bool = True
    shared_bundle: bool = True
    history_cache_bytes: int | None = None

    def limit(self) -> None:
        """Let this process's blocks take as much as the run says, from now on."""
        if self.history_cache_bytes is not None:
            shared_history().max_memory_bytes = self.history_cache_bytes

    @contextmanager
    def applied(self) -> Iterator[None]:
        """Switch off what is off, in this process, until the block ends."""
        with ExitStack() as stack:
            if not self.history_cache:
                stack.enter_context(disable_history_cache())
            if not self.prediction_cache:
                stack.enter_context(disable_prediction_cache())
            yield
