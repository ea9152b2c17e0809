"""How does a worker run one trial?"""

import random
from collections.abc import Callable, Hashable
from dataclasses import dataclass
from importlib import import_module
from typing import Any

import numpy as np

from rustybt.engine.setup import Setup
from rustybt.finance.rules import ZIPLINE, Rules
from rustybt.optimization.parameter_space import ParameterSpace, Params
from rustybt.optimization.source import Source
from rustybt.optimization.workers.base import Preparation
from rustybt.optimization.workers.mapped import BundleKey, open_mapped
from rustybt.optimization.workers.serial import untouched_generators
from rustybt.results.result import RunResult
from rustybt.run import simulate

VECTOR_MODULE = "rustybt.vector_run"

SEED = 0
"""Every trial starts the global generators here, so that a strategy that draws from them gives the same numbers in any
process, after any other trial, and when the best one is run again."""


@dataclass(frozen=True)
class BacktestJob:
    """What all trials of an optimization have in common.

    Attributes
    ----------
    source : Source
        The strategy.
    space : ParameterSpace
        Decodes a task's keys into params.
    bundle : tuple of (root, name, version, fingerprint)
        Which every process opens by itself.
    start, end : date-like or None
        First and last day; None for the bundle's own.
    capital_base : float
        Cash at the start.
    rules : Rules
        Corrections and extras.
    """

    source: Source
    space: ParameterSpace
    bundle: BundleKey
    start: Any
    end: Any
    capital_base: float
    rules: Rules = ZIPLINE

    @property
    def preparation(self) -> Preparation:
        """Its module with all that it imports, the vector tier where the strategy needs it, and the bundle."""
        modules = (__name__, VECTOR_MODULE) if self.source.is_vector else (__name__,)
        return Preparation(modules, (self.bundle,))

    def compile(self) -> None:
        """Let the kernels be compiled here, once, where the strategy needs any and no earlier process did."""
        if self.source.is_vector:
            vector: Any = import_module(VECTOR_MODULE)
            vector.compile_kernels(open_mapped(*self.bundle), self.start, self.end)

    def open(self) -> Callable[[tuple[Hashable, ...]], tuple[dict[str, float], bytes]]:
        """Give the function of a trial.

        Returns
        -------
        callable
            Takes the params as keys of the space; gives all metrics, and the daily returns as the bytes of a float32
            array of shape (n_sessions,).
        """
        if self.source.is_vector:
            return self._open_vector()

        def run_trial(keys: tuple[Hashable, ...]) -> tuple[dict[str, float], bytes]:
            result = self.run(self.space.decode(keys))
            return result.metrics, result.returns.astype(np.float32).tobytes()

        return run_trial

    def _open_vector(self) -> Callable[[tuple[Hashable, ...]], tuple[dict[str, float], bytes]]:
        """Give the function of a trial that keeps nothing but metrics and returns."""
        vector: Any = import_module(VECTOR_MODULE)  # brings numba, which other jobs do without
        batch = vector.Batch.over(open_mapped(*self.bundle), self.start, self.end, self.capital_base, self._setup())

        def run_trial(keys: tuple[Hashable, ...]) -> tuple[dict[str, float], bytes]:
            seed_generators()
            run = batch.run(self.source.hooks(self.space.decode(keys)).vector)
            return run.metrics, run.returns.astype(np.float32).tobytes()

        return run_trial

    def _setup(self) -> Setup:
        return Setup(rules=self.rules)

    def rerun(self, params: Params) -> RunResult:
        """Run the backtest of some params, and leave the process's own random numbers as they were."""
        with untouched_generators():
            return self.run(params)

    def run(self, params: Params) -> RunResult:
        """Run the backtest of some params."""
        seed_generators()
        bundle = open_mapped(*self.bundle)
        return simulate(self.source.hooks(params), bundle, self.start, self.end, self.capital_base, setup=self._setup())


def seed_generators() -> None:
    """Start the global generators where every trial starts them."""
    random.seed(SEED)
    np.random.seed(SEED)  # noqa: NPY002 - the generator that user code draws from when it does not make its own
