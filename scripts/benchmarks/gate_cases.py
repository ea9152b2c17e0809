"""What does the gate time? Small pieces of work, of whichever tree is on the import path.

usage: python gate_cases.py CASE
"""

import json
import os
import sys
import tempfile
import time
from collections.abc import Callable

REPEATS = 5


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
    """Run a quarter of a strategy with history frames, as Zipline scripts have them."""
    from rustybt import run_algorithm
    from rustybt.api import symbols

    def initialize(context: object) -> None:
        context.stocks = symbols("AAPL", "MSFT", "NVDA")  # type: ignore[attr-defined]

    def handle_data(context: object, data: object) -> None:
        data.history(context.stocks, ["open", "close"], 20, "1d")  # type: ignore[attr-defined]

    span = {"bundle": "mag-7", "start": "2023-01-03", "end": "2023-12-29"}
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
        Idle, search=RandomSearch(60, seed=1), objective="ending_value", result_cache=False, **span
    ).run()


def loading() -> Callable[[], object]:
    """Import the package in a new interpreter."""
    import subprocess

    return lambda: subprocess.run([sys.executable, "-c", "from rustybt import run_algorithm"], check=True)


CASES = {"event": event, "frames": frames, "search": search, "import": loading}


def main(name: str) -> None:
    """Print the seconds of the fastest of some runs."""
    with tempfile.TemporaryDirectory(prefix="gate-") as root:
        os.environ["RUSTYBT_ROOT"] = root
        from rustybt.data.bundles import ingest

        ingest("mag-7", show_progress=False)
        run, seconds = CASES[name](), []
        run()
        for _ in range(REPEATS):
            began = time.perf_counter()
            run()
            seconds.append(time.perf_counter() - began)
    print(json.dumps(min(seconds)))


if __name__ == "__main__":
    main(sys.argv[1])
