"""How does what the command line asks for become a backtest?"""

import itertools
import os
from collections.abc import Callable
from datetime import datetime
from functools import partial
from pathlib import Path
from types import ModuleType
from typing import Any, NamedTuple

import click
import numpy as np
import pandas as pd

from rustybt.api import set_benchmark, sid, symbol
from rustybt.assets import Equity
from rustybt.cli.boundary import Invocation
from rustybt.cli.parameters import parse_param
from rustybt.cli.progress import progress_bar
from rustybt.data.benchmarks import get_benchmark_returns_from_file
from rustybt.data.bundles import load
from rustybt.data.store import BundleData
from rustybt.engine.script import (
    ALGOTEXT,
    evaluate_definition,
    execute_script,
    execute_text,
    hooks_with,
    name_of_definition,
    read_source,
    strategy_class_of,
)
from rustybt.engine.setup import setup_of
from rustybt.engine.strategy import Hooks, require_declared
from rustybt.errors import InvalidParameter, did_you_mean
from rustybt.optimization.parameter_space import space_of
from rustybt.optimization.source import space_from
from rustybt.results.export import require_writable
from rustybt.results.result import RunResult
from rustybt.run import require_calendar, simulate

DEFAULT_CAPITAL = 10_000_000.0
TO_STDOUT = Path("-")
UNITS = {"daily": "sessions", "minute": "minutes"}


class Request(NamedTuple):
    """The options of `rustybt run`; None where one was not given.

    Attributes
    ----------
    file, algotext : Path, str
        The strategy; one of them.
    benchmark_file, benchmark_symbol, benchmark_sid, no_benchmark
        What to compare with; at most one of them.
    """

    file: Path | None
    algotext: str | None
    define: tuple[str, ...]
    data_frequency: str
    capital_base: float | None
    bundle: str | None
    bundle_timestamp: str | None
    benchmark_file: Path | None
    benchmark_symbol: str | None
    benchmark_sid: int | None
    no_benchmark: bool
    start: datetime | None
    end: datetime | None
    output: Path | None
    trading_calendar: str | None
    print_algo: bool
    metrics_set: str
    blotter: str
    params: tuple[str, ...]
    profile: str | None

    @property
    def title(self) -> str:
        """What a page about the run is called."""
        return f"rustybt run {self.file or ALGOTEXT}"

    @property
    def folder(self) -> Path:
        """Where a page about the run goes: to the perf frame's folder, or the current one."""
        return self.perf_file.parent if self.perf_file else Path()

    @property
    def perf_file(self) -> Path | None:
        """The file that the perf frame goes to, None where it goes elsewhere or nowhere."""
        return None if self.output in (None, TO_STDOUT, Path(os.devnull)) else self.output

    def check(self) -> None:
        """Raise if options exclude one another, or the perf frame cannot be written, before anything runs.

        Raises
        ------
        click.UsageError, InvalidParameter
            If so.
        """
        if self.file is None and self.algotext is None:
            raise click.UsageError("Missing option '-f' (a file) or '-t' (the strategy's text).")
        if self.file is not None and self.algotext is not None:
            raise click.UsageError("Options '-f' and '-t' exclude one another.")
        if self.define and self.algotext is None:
            raise InvalidParameter("-D defines names for a strategy given as text: pass it with -t")
        benchmarks = {
            "--benchmark-file": self.benchmark_file is not None,
            "--benchmark-symbol": self.benchmark_symbol is not None,
            "--benchmark-sid": self.benchmark_sid is not None,
            "--no-benchmark": self.no_benchmark,
        }
        given = [name for name, is_given in benchmarks.items() if is_given]
        if len(given) > 1:
            raise InvalidParameter(f"{' and '.join(given)} exclude one another: pass one")
        if self.perf_file is not None:
            require_writable(self.perf_file)


class Backtest(NamedTuple):
    """A finished run with its data."""

    result: RunResult
    bundle: BundleData


def backtest(invocation: Invocation, request: Request, notebook: dict[str, Any] | None = None) -> Backtest:
    """Run what is asked for.

    Parameters
    ----------
    invocation : Invocation
        Learns which file errors may name.
    request : Request
        The options.
    notebook : dict, optional
        A notebook's names, among which the strategy's text is executed.

    Returns
    -------
    Backtest
    """
    request.check()
    module = open_strategy(invocation, request, notebook)
    hooks = hooks_with(module, checked(module, dict(map(parse_param, request.params))))
    setup = setup_of(request.metrics_set, request.blotter)
    bundle = load(setting(module, "bundle", request.bundle, required="-b"), timestamp=request.bundle_timestamp)
    require_calendar(request.trading_calendar, bundle)
    start, end = setting(module, "start", request.start), setting(module, "end", request.end)
    file = request.benchmark_file
    bars = bars_between(bundle, start, end, request.data_frequency)
    with progress_bar("backtest", UNITS[request.data_frequency], bars) as advance:
        result = simulate(
            counted(with_benchmark(hooks, request), advance),
            bundle,
            start,
            end,
            setting(module, "capital_base", request.capital_base, default=DEFAULT_CAPITAL),
            data_frequency=request.data_frequency,
            benchmark_returns=None if file is None else get_benchmark_returns_from_file(file),
            analyze=True,
            setup=setup,
        )
    return Backtest(result, bundle)


def open_strategy(invocation: Invocation, request: Request, notebook: dict[str, Any] | None) -> ModuleType:
    """Print the strategy if that is asked for, and execute it; from now on errors name its lines."""
    if request.file is None:
        names: dict[str, Any] = {} if notebook is None else notebook
        for definition in request.define:
            invocation.script = Path(f"-D {name_of_definition(definition)}")
            evaluate_definition(definition, str(invocation.script), names)
        invocation.script = Path(ALGOTEXT)
        text = request.algotext or ""
        if request.print_algo:
            click.echo(text)
        return execute_text(text, names, apart=notebook is None)
    invocation.script = request.file
    if request.print_algo:
        click.echo(read_source(request.file, "strategy file").decode(errors="replace"))
    return execute_script(request.file)


def checked(module: ModuleType, params: dict[str, Any]) -> dict[str, Any]:
    """Give the params in normal form if they are those that the script declares; a script that declares none takes any.

    Raises
    ------
    InvalidParameter
        If one is given that is not declared, a declared one is missing where it is active, or its value is none of its
        own or against a condition.
    """
    strategy_class = strategy_class_of(module)
    declared = space_of(strategy_class) if strategy_class else space_from(getattr(module, "parameters", {}))
    if strategy_class is not None:
        require_declared(strategy_class, params)
    for name in params:
        if strategy_class is None and declared.names and name not in declared.names:
            near = did_you_mean(name, declared.names)
            raise InvalidParameter(f"unknown parameter {name!r}{near}: the script has {', '.join(declared.names)}")
    own = {name: value for name, value in params.items() if name in declared.parameters}
    own = {name: value if value is None else declared.check_value(name, value) for name, value in own.items()}
    missing = declared.missing(own)
    if missing:
        raise InvalidParameter(f"parameter {missing!r} has no value: pass -p {missing}=VALUE")
    return {**params, **declared.check(own)}


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


def with_benchmark(hooks: Hooks, request: Request) -> Hooks:
    """Set the benchmark asset, if one is asked for, before the script's own initialize."""
    given = request.benchmark_sid if request.benchmark_symbol is None else request.benchmark_symbol
    if hooks.vector is not None and given is not None:
        hooks.vector.benchmark = given  # type: ignore[attr-defined] # a vector strategy has it
        return hooks
    find: Callable[[], Equity]
    if request.benchmark_symbol is not None:
        find = partial(symbol, request.benchmark_symbol)
    elif request.benchmark_sid is not None:
        find = partial(sid, request.benchmark_sid)
    else:
        return hooks

    def initialize(context: Any) -> None:
        set_benchmark(find())
        if hooks.initialize is not None:
            hooks.initialize(context)

    return hooks._replace(initialize=initialize)


def bars_between(bundle: BundleData, start: Any, end: Any, data_frequency: str) -> int | None:
    """Count the bars of a span, for the progress bar only: the run itself checks dates and data."""
    if data_frequency == "daily":
        labels = bundle.sessions.session_ns
    elif bundle.has_minutes:
        labels = np.asarray(bundle.minute_table.label_ns)
    else:
        return None
    first = 0 if start is None else int(np.searchsorted(labels, _day(start).value))
    after = len(labels) if end is None else int(np.searchsorted(labels, (_day(end) + pd.Timedelta(days=1)).value))
    return max(after - first, 0)


def _day(when: Any) -> pd.Timestamp:
    return pd.Timestamp(when).tz_localize(None).as_unit("ns").normalize()


def counted(hooks: Hooks, advance: Callable[[int], None]) -> Hooks:
    """Give the same hooks, with each bar counted after the script's own work; a vector strategy's come at once."""
    if hooks.vector is not None:
        return hooks
    inner, done = hooks.handle_data, itertools.count(1)

    def handle_data(context: Any, data: Any) -> None:
        if inner is not None:
            inner(context, data)
        advance(next(done))

    return hooks._replace(handle_data=handle_data)
