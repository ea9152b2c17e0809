"""What does a user import first?

`run_algorithm` runs one backtest, `Strategy` is the base of a strategy written as a class, and `Optimizer` runs a
strategy over a parameter space. Each is loaded when it is first used, so that `import rustybt` stays fast.

Examples
--------
>>> import rustybt
>>> sorted(rustybt.__all__)
['Optimizer', 'Strategy', '__version__', 'run_algorithm']
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rustybt.engine.strategy import Strategy
    from rustybt.optimization import Optimizer
    from rustybt.run import run_algorithm

__version__ = "0.1.0"

__all__ = ["Optimizer", "Strategy", "__version__", "run_algorithm"]

_HOMES = {
    "Optimizer": "rustybt.optimization",
    "Strategy": "rustybt.engine.strategy",
    "run_algorithm": "rustybt.run",
}


def __getattr__(name: str) -> object:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value: object = getattr(import_module(_HOMES[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *_HOMES})
