"""How long would Zipline take for a grid? Some of its backtests are run by Zipline itself, and their time is scaled."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from scripts.benchmarks.audit.pairs import Measured
from scripts.benchmarks.audit.side import backtest_of
from scripts.benchmarks.audit.workload import CROSSOVER, Scale, combinations
from scripts.benchmarks.bench_data import write_sample
from scripts.benchmarks.contender import Contender

BACKTESTS: Final = 2
"""How many are run in each round, the first and the last of the grid among them."""

TOLERANCE: Final = 1e-9
"""Up to which Zipline's values may differ from this project's, as a share of them."""


CAPITAL: Final = 10_000_000.0
"""What `run_algorithm` begins with if nobody says."""


class OtherValues(Exception):
    """Zipline comes to another value than this project for the same backtest."""


def zipline_words(scale: Scale) -> str:
    """Say what the side is, for tables."""
    return f"Zipline, {BACKTESTS} backtests scaled to {scale.backtests}"


@contextmanager
def zipline_side(scale: Scale, python: Path) -> Iterator[Callable[[], Measured]]:
    """Have Zipline in a process of its own, with the sample ingested from CSV files.

    Parameters
    ----------
    scale : Scale
        A grid of the crossover over the sample.
    python : Path
        An interpreter in which zipline-reloaded is installed.

    Yields
    ------
    callable
        Runs some backtests once; their seconds are scaled to the whole grid.

    Raises
    ------
    ContenderFailed
        If Zipline is not there or fails.
    OtherValues
        If a run's last value is not this project's.
    """
    assert scale.workload == CROSSOVER and not scale.windows
    chosen = combinations(scale)
    sample = chosen[:: max(1, len(chosen) - 1)][:BACKTESTS]
    backtest = backtest_of(scale)
    expected = [backtest(params, scale.start, scale.end)[1] for params in sample]
    with TemporaryDirectory(prefix="audit-zipline-") as folder:
        data = write_sample(Path(folder))
        root = Path(folder, "root")
        root.mkdir()
        arguments = {"folder": folder, "root": str(root), "package": "zipline", "data_sets": [data]}
        contender = Contender("Zipline", python, "on_scripts", {**arguments, "packages": ["zipline-reloaded"]})
        request = {"script": "audit_crossover", "bundle": data.name, "capital": CAPITAL, "sizes": False}
        request |= {"start": scale.start, "end": scale.end}

        def run() -> Measured:
            seconds = 0.0
            for params, ours in zip(sample, expected, strict=True):
                constants = {name.upper(): value for name, value in params.items()}
                said = contender.ask(**request, constants={**constants, "SYMBOLS": list(data.symbols[: scale.assets])})
                require_equal(params, said["value"], ours)
                seconds += said["seconds"]
            return Measured(seconds * len(chosen) / len(sample), None, contender.about["versions"])

        try:
            yield run
        finally:
            contender.stop()


def require_equal(params: dict[str, int], theirs: float, ours: float) -> None:
    """Demand that a run's last value is the same here and there."""
    if not abs(theirs - ours) <= TOLERANCE * abs(ours):
        raise OtherValues(f"with {params} Zipline ends at {theirs!r}, this project at {ours!r}")
