"""How is a backtest started? `run_algorithm`, and the extensions that it executes first, where Zipline's users look."""

from rustybt.engine.extensions import load_extensions
from rustybt.run import run_algorithm

__all__ = ["load_extensions", "run_algorithm"]
