"""Which parameters of a strategy are best? What users of the optimizer import; each part loads when it is used."""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rustybt.optimization.config import OptimizationConfig
    from rustybt.optimization.grouped_result import GroupedResult
    from rustybt.optimization.many import run_many
    from rustybt.optimization.objective import Objective
    from rustybt.optimization.optimizer import Optimizer
    from rustybt.optimization.parameter_space import Categorical, Float, Integer, ParameterSpace, space_of
    from rustybt.optimization.result import OptimizationInterrupted, OptimizationResult
    from rustybt.optimization.result_cache import ResultCache
    from rustybt.optimization.search import (
        BayesianSearch,
        BOHBSearch,
        CMAESSearch,
        DirectSearch,
        GridSearch,
        NSGA2Search,
        RandomSearch,
        SobolSearch,
        TPEHyperbandSearch,
    )
    from rustybt.optimization.shared_context import SharedBundleContext
    from rustybt.optimization.trial import Trial, TrialStatus
    from rustybt.optimization.walk_forward import WalkForward
    from rustybt.optimization.workers.pool import PersistentWorkerPool

__all__ = [
    "BOHBSearch",
    "BayesianSearch",
    "CMAESSearch",
    "Categorical",
    "DirectSearch",
    "Float",
    "GridSearch",
    "GroupedResult",
    "Integer",
    "NSGA2Search",
    "Objective",
    "OptimizationConfig",
    "OptimizationInterrupted",
    "OptimizationResult",
    "Optimizer",
    "ParameterSpace",
    "PersistentWorkerPool",
    "RandomSearch",
    "ResultCache",
    "SharedBundleContext",
    "SobolSearch",
    "TPEHyperbandSearch",
    "Trial",
    "TrialStatus",
    "WalkForward",
    "run_many",
    "space_of",
]

_SEARCHES = (
    *("BOHBSearch", "BayesianSearch", "CMAESSearch", "DirectSearch", "GridSearch", "NSGA2Search", "RandomSearch"),
    *("SobolSearch", "TPEHyperbandSearch"),
)
_HOMES = {
    **dict.fromkeys(("Categorical", "Float", "Integer", "ParameterSpace", "space_of"), "parameter_space"),
    **dict.fromkeys(("Trial", "TrialStatus"), "trial"),
    **dict.fromkeys(_SEARCHES, "search"),
    "GroupedResult": "grouped_result",
    "Objective": "objective",
    "OptimizationInterrupted": "result",
    "OptimizationResult": "result",
    "OptimizationConfig": "config",
    "Optimizer": "optimizer",
    "PersistentWorkerPool": "workers.pool",
    "ResultCache": "result_cache",
    "SharedBundleContext": "shared_context",
    "WalkForward": "walk_forward",
    "run_many": "many",
}


def __getattr__(name: str) -> object:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value: object = getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *_HOMES})
