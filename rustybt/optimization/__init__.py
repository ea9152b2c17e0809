"""Which parameters of a strategy are best? What users of the optimizer import; each part loads when it is used."""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rustybt.optimization.objective import Objective
    from rustybt.optimization.optimizer import Optimizer
    from rustybt.optimization.parameter_space import Categorical, Float, Integer, ParameterSpace, space_of
    from rustybt.optimization.result import OptimizationResult
    from rustybt.optimization.search.grid_search import GridSearch
    from rustybt.optimization.search.random_search import RandomSearch
    from rustybt.optimization.trial import Trial, TrialStatus
    from rustybt.optimization.workers.pool import PersistentWorkerPool

__all__ = [
    "Categorical",
    "Float",
    "GridSearch",
    "Integer",
    "Objective",
    "OptimizationResult",
    "Optimizer",
    "ParameterSpace",
    "PersistentWorkerPool",
    "RandomSearch",
    "Trial",
    "TrialStatus",
    "space_of",
]

_HOMES = {
    **dict.fromkeys(("Categorical", "Float", "Integer", "ParameterSpace", "space_of"), "parameter_space"),
    **dict.fromkeys(("Trial", "TrialStatus"), "trial"),
    "GridSearch": "search.grid_search",
    "Objective": "objective",
    "OptimizationResult": "result",
    "Optimizer": "optimizer",
    "PersistentWorkerPool": "workers.pool",
    "RandomSearch": "search.random_search",
}


def __getattr__(name: str) -> object:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value: object = getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *_HOMES})
