"""How does one backtest run from the command line?"""

import itertools
import time
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from types import ModuleType
from typing import Any

import click
import numpy as np
import pandas as pd

from rustybt.api import set_benchmark, symbol
from rustybt.cli.boundary import Invocation
from rustybt.cli.options import bundle_option, end_option, file_option, start_option
from rustybt.cli.parameters import parse_param
from rustybt.cli.progress import progress_bar
from rustybt.cli.tables import echo_description, print_metrics
from rustybt.data.bundles import load
from rustybt.data.store import BundleData
from rustybt.engine.script import execute_script, hooks_with, strategy_class_of
from rustybt.engine.strategy import Hooks
from rustybt.errors import InvalidParameter, did_you_mean
from rustybt.optimization.parameter_space import space_of
from rustybt.optimization.source import space_from
from rustybt.results.export import require_writable, write_perf
from rustybt.results.result import RunResult
from rustybt.run import simulate

DEFAULT_CAPITAL = 10_000_000.0


@click.command()
@file_option
@bundle_option
@start_option
@end_option
@click.option("--capital-base", type=float, help="Cash at the start.  [default: 10,000,000]")
@click.option("-p", "--param", "params", multiple=True, metavar="NAME=VALUE", help="A parameter's value; repeatable.")
@click.option("--benchmark-symbol", metavar="SYMBOL", help="The asset to compare with; zero returns if omitted.")
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Write the perf frame: .parquet or .csv (records as JSON text), or .pickle (as it is).",
)
@click.pass_obj
def run(
    invocation: Invocation,
    file: Path,
    bundle: str | None,
    start: datetime | None,
    end: datetime | None,
    capital_base: float | None,
    params: tuple[str, ...],
    benchmark_symbol: str | None,
    output: Path | None,
) -> None:
    """Run one backtest of a strategy file, and print its main metrics.

    The file defines a class derived from rustybt.Strategy, or Zipline's functions initialize and handle_data. A class
    may carry bundle, start, end and capital_base; an option goes before it.
    """
    if output is not None:
        require_writable(output)
    module = open_script(invocation, file)
    hooks = hooks_with(module, checked(module, dict(map(parse_param, params))))
    data = load(setting(module, "bundle", bundle, required="-b"))
    if benchmark_symbol is not None:
        hooks = with_benchmark(hooks, benchmark_symbol)
    began = time.perf_counter()
    result = simulate_with_bar(
        hooks,
        data,
        setting(module, "start", start),
        setting(module, "end", end),
        setting(module, "capital_base", capital_base, default=DEFAULT_CAPITAL),
    )
    report(result, data, time.perf_counter() - began, output)


def open_script(invocation: Invocation, file: Path) -> ModuleType:
    """Execute a strategy file, and let errors name its lines from now on."""
    invocation.script = file
    return execute_script(file)


def checked(module: ModuleType, params: dict[str, Any]) -> dict[str, Any]:
    """Give the params back if they are those that the script declares; a script that declares none takes any.

    Raises
    ------
    InvalidParameter
        If a declared one is missing, or one is given that is not declared. Values outside of a declared range are run.
    """
    strategy_class = strategy_class_of(module)
    declared = space_of(strategy_class) if strategy_class else space_from(getattr(module, "parameters", {}))
    for name in declared.names:
        if name not in params:
            raise InvalidParameter(f"parameter {name!r} has no value: pass -p {name}=VALUE")
    for name in params:
        if strategy_class is None and declared.names and name not in declared.names:
            near = did_you_mean(name, declared.names)
            raise InvalidParameter(f"unknown parameter {name!r}{near}: the script has {', '.join(declared.names)}")
    return params


def setting(module: ModuleType, name: str, given: Any, default: Any = None, required: str = "") -> Any:
    """Give an option's value, else the one that the script's class carries, else the default.

    Raises
    ------
    click.UsageError
        If there is neither and `required` names the option.
    """
    value = getattr(strategy_class_of(module), name, default) if given is None else given
    if value is None and required:
        raise click.UsageError(f"Missing option '{required}': the script does not carry a {name} either.")
    return value


def with_benchmark(hooks: Hooks, ticker: str) -> Hooks:
    """Set the benchmark before the script's own initialize."""

    def initialize(context: Any) -> None:
        set_benchmark(symbol(ticker))
        if hooks.initialize is not None:
            hooks.initialize(context)

    return hooks._replace(initialize=initialize)


def simulate_with_bar(hooks: Hooks, data: BundleData, start: Any, end: Any, capital: float) -> RunResult:
    """Run, counting sessions on a bar."""
    with progress_bar("backtest", "sessions", sessions_between(data, start, end)) as advance:
        return simulate(counted(hooks, advance), data, start, end, capital, analyze=True)


def sessions_between(data: BundleData, start: Any, end: Any) -> int:
    """Count the sessions of a span, for the bar only: the run itself checks the dates."""
    labels = data.sessions.session_ns
    first = 0 if start is None else int(np.searchsorted(labels, pd.Timestamp(start).value))
    last = len(labels) if end is None else int(np.searchsorted(labels, pd.Timestamp(end).value, side="right"))
    return max(last - first, 0)


def counted(hooks: Hooks, advance: Callable[[int], None]) -> Hooks:
    """Give the same hooks, with each bar counted after the script's own work."""
    inner, done = hooks.handle_data, itertools.count(1)

    def handle_data(context: Any, data: Any) -> None:
        if inner is not None:
            inner(context, data)
        advance(next(done))

    return hooks._replace(handle_data=handle_data)


def report(result: RunResult, data: BundleData, seconds: float, output: Path | None) -> None:
    """Print what came out, and write the perf frame."""
    n = len(result.returns)
    if not result.benchmark_returns.any():
        click.echo("Benchmark: none was set, its returns are zero (--benchmark-symbol SYMBOL sets one).", err=True)
    first, last = pd.DatetimeIndex(result.sessions.session_ns[[0, -1]]).strftime("%Y-%m-%d")
    echo_description(data)
    click.echo(f"{n:,} sessions of {data.name}, {first} to {last}, in {seconds:.2f} s")
    print_metrics(result.metrics)
    if output is not None:
        write_perf(result.perf, output)
        click.echo(f"perf frame: {output}")
