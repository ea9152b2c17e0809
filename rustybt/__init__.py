"""What does a user import first?

`run_algorithm` runs one backtest, `Strategy` and `VectorStrategy` are bases of strategies, and `Optimizer` runs a
strategy over a parameter space. `Model` wraps a fitted model that strategies ask, and `PredictionCache` keeps its
answers. Each is loaded when it is first used, so that `import rustybt` stays fast.

Examples
--------
>>> import rustybt
>>> sorted(rustybt.__all__)
['Blotter', 'Model', 'Optimizer', 'PredictionCache', 'StopRules', 'Strategy', 'TradingAlgorithm', ...]
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rustybt.algorithm import TradingAlgorithm
    from rustybt.calendars import get_calendar
    from rustybt.data.models import Model
    from rustybt.data.predictions import PredictionCache
    from rustybt.engine.extensions import extension_args
    from rustybt.engine.stop_rules import StopRules
    from rustybt.engine.strategy import Strategy
    from rustybt.engine.vector_strategy import VectorStrategy
    from rustybt.finance.blotter import Blotter
    from rustybt.optimization import Optimizer
    from rustybt.run import run_algorithm
    from rustybt.vector_run import run_batch

__version__ = "0.1.0"

__all__ = [
    "Blotter",
    "Model",
    "Optimizer",
    "PredictionCache",
    "StopRules",
    "Strategy",
    "TradingAlgorithm",
    "VectorStrategy",
    "__version__",
    "extension_args",
    "get_calendar",
    "run_algorithm",
    "run_batch",
]

_HOMES = {
    "Blotter": "rustybt.finance.blotter",
    "Model": "rustybt.data.models",
    "Optimizer": "rustybt.optimization",
    "PredictionCache": "rustybt.data.predictions",
    "StopRules": "rustybt.engine.stop_rules",
    "Strategy": "rustybt.engine.strategy",
    "TradingAlgorithm": "rustybt.algorithm",
    "VectorStrategy": "rustybt.engine.vector_strategy",
    "extension_args": "rustybt.engine.extensions",
    "get_calendar": "rustybt.calendars",
    "run_algorithm": "rustybt.run",
    "run_batch": "rustybt.vector_run",
}
_MODULES = ("algorithm", "api", "assets", "data", "errors", "extensions", "finance", "protocol", "utils")
"""What is there after `import rustybt` alone, as Zipline's users expect: rustybt.api.order(...)."""


def __getattr__(name: str) -> object:
    if name in _MODULES:
        return import_module(f"{__name__}.{name}")
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value: object = getattr(import_module(_HOMES[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *_HOMES, *_MODULES})


def load_ipython_extension(ipython: Any) -> None:
    """Add the magic %%rustybt to a notebook; what `%load_ext rustybt` calls."""
    ipython.register_magic_function(import_module(f"{__name__}.cli.magic").rustybt_magic, "line_cell", "rustybt")
