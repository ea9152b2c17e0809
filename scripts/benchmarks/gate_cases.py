"""What does the gate time? Small pieces of work, of whichever tree is on the import path.

usage: RUSTYBT_ROOT=FOLDER python -P gate_cases.py DESCRIPTOR TURNS

pytest-benchmark is the timer, within one pytest session. TURNS is a JSON object: how often each case is timed, by name.
Over the socket DESCRIPTOR the session says when it is ready for a run, and waits until it is told to go: so sides take
turns, none runs while another is timed, and what one turn holds shares the state of the machine. The last line that is
printed is a JSON object: the median seconds by case. An empty folder gets the sample bundle first. The current folder
is the tree whose package is timed.
"""

import json
import os
import socket
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final, NamedTuple

import pytest

READY: Final = b"r"
GO: Final = b"g"


class Case(NamedTuple):
    """One piece of work.

    Attributes
    ----------
    prepare : callable
        Gives the work, which is what is timed.
    turns : int
        How often it is timed in one process.
    warm_ups : int
        Runs before those.
    """

    prepare: Callable[[], Callable[[], object]]
    turns: int
    warm_ups: int = 1


def event() -> Callable[[], object]:
    """Run a year of an event strategy with windows and orders."""
    from rustybt import run_algorithm
    from rustybt.api import order_target_percent, symbols

    def initialize(context: object) -> None:
        context.stocks = symbols("AAPL", "MSFT", "NVDA")  # type: ignore[attr-defined]

    def handle_data(context: object, data: object) -> None:
        prices = data.window(context.stocks, "close", 40)  # type: ignore[attr-defined]
        rising = prices[-5:].mean(axis=0) > prices.mean(axis=0)
        for stock, up in zip(context.stocks, rising.tolist(), strict=True):  # type: ignore[attr-defined]
            order_target_percent(stock, 1 / 3 if up else 0.0)

    span = {"bundle": "mag-7", "start": "2023-01-03", "end": "2023-12-29"}
    return lambda: run_algorithm(initialize=initialize, handle_data=handle_data, **span)


def frames() -> Callable[[], object]:
    """Run a month of a strategy with history frames, as Zipline scripts have them."""
    from rustybt import run_algorithm
    from rustybt.api import symbols

    def initialize(context: object) -> None:
        context.stocks = symbols("AAPL", "MSFT", "NVDA")  # type: ignore[attr-defined]

    def handle_data(context: object, data: object) -> None:
        data.history(context.stocks, ["open", "close"], 20, "1d")  # type: ignore[attr-defined]

    span = {"bundle": "mag-7", "start": "2023-01-03", "end": "2023-01-31"}
    return lambda: run_algorithm(initialize=initialize, handle_data=handle_data, **span)


def search() -> Callable[[], object]:
    """Run a random search of short backtests in one process."""
    from rustybt import Optimizer, Strategy
    from rustybt.optimization import Integer, RandomSearch

    class Idle(Strategy):
        n = Integer(1, 1000)

        def handle_data(self, context: object, data: object) -> None:
            """Do nothing."""

    span = {"bundle": "mag-7", "start": "2023-01-03", "end": "2023-01-31", "progress": False}
    return lambda: Optimizer(
        Idle, search=RandomSearch(30, seed=1), objective="ending_value", result_cache=False, **span
    ).run()


def loading() -> Callable[[], object]:
    """Import the package in a new interpreter."""
    return lambda: subprocess.run([sys.executable, "-P", "-c", "from rustybt import run_algorithm"], check=True)


CASES: Final = {
    "event": Case(event, turns=15),
    "frames": Case(frames, turns=10),
    "search": Case(search, turns=12),
    "import": Case(loading, turns=2, warm_ups=0),
}


class Turns:
    """What pytest is told of this session.

    Parameters
    ----------
    connection : socket
        To the gate.
    counts : mapping of str to int
        Turns by case.
    """

    def __init__(self, connection: socket.socket, counts: Mapping[str, int]) -> None:
        self.connection = connection
        self.counts = counts

    def wait(self) -> None:
        """Say that all is ready, and wait for the turn."""
        self.connection.sendall(READY)
        if self.connection.recv(1) != GO:
            raise RuntimeError("the gate has hung up")

    @pytest.fixture
    def turns(self) -> "Turns":
        """Give a test these turns."""
        return self

    @pytest.hookimpl(tryfirst=True)
    def pytest_benchmark_generate_machine_info(self) -> dict[str, str]:
        """Spare the second that it takes to look at the machine: one machine runs all sides."""
        return {"node": "", "machine": ""}

    @pytest.hookimpl(tryfirst=True)
    def pytest_benchmark_generate_commit_info(self) -> dict[str, str]:
        """Spare a look at the commit."""
        return {"id": ""}


@pytest.mark.parametrize("name", CASES)
def test_case(benchmark: Callable[..., object], turns: Turns, name: str) -> None:
    """Time a case."""
    prepare, _, warm_ups = CASES[name]
    benchmark.pedantic(  # type: ignore[attr-defined]
        prepare(), setup=turns.wait, rounds=turns.counts[name], warmup_rounds=warm_ups
    )


def require_tree(tree: Path) -> None:
    """Raise unless the package is the tree's."""
    import rustybt

    if not Path(rustybt.__file__).is_relative_to(tree):
        raise RuntimeError(f"rustybt comes from {rustybt.__file__}, not from {tree}: put that first in PYTHONPATH")


def ingest_sample(root: Path) -> None:
    """Put the sample bundle into a folder that is empty."""
    if not any(root.iterdir()):
        from rustybt.data.bundles import ingest

        ingest("mag-7", show_progress=False)


def timed(turns: Turns) -> dict[str, float]:
    """Give the median seconds by case, of a pytest session without anyone's settings and plugins."""
    os.environ["PYTEST_DISABLE_PLUGIN_AUTOLOAD"] = "1"
    with tempfile.TemporaryDirectory(prefix="gate-times-") as folder:
        written = Path(folder) / "times.json"
        apart = ["-c", os.devnull, "--rootdir", folder, "--noconftest", "--import-mode=importlib"]
        timer = ["-p", "pytest_benchmark.plugin", "-p", "no:cacheprovider", "--benchmark-json", str(written)]
        chosen = [f"{__file__}::test_case[{name}]" for name in turns.counts]
        code = pytest.main(["-q", *apart, *timer, *chosen], plugins=[turns])
        if code:
            raise SystemExit(int(code))
        benchmarks = json.loads(written.read_text(encoding="utf-8"))["benchmarks"]
    return {one["params"]["name"]: one["stats"]["median"] for one in benchmarks}


def main(descriptor: int, counts: Mapping[str, int]) -> None:
    """Print what was timed."""
    require_tree(Path.cwd())
    ingest_sample(Path(os.environ["RUSTYBT_ROOT"]))
    with socket.socket(fileno=descriptor) as connection:
        print(json.dumps(timed(Turns(connection, counts))))


if __name__ == "__main__":
    main(int(sys.argv[1]), json.loads(sys.argv[2]))
