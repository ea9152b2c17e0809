"""How does one backtest run from the command line?"""

import time
from pathlib import Path
from typing import Any

import click
import pandas as pd

from rustybt.cli.backtest import TO_STDOUT, Backtest, Request, backtest
from rustybt.cli.boundary import Invocation
from rustybt.cli.options import bundle_option, end_option, start_option
from rustybt.cli.profile import profile_option, run_profiled
from rustybt.cli.tables import echo_description, print_metrics
from rustybt.data.predictions import take_statistics
from rustybt.results.export import write_perf


@click.command()
@click.option(
    "-f",
    "--algofile",
    "--file",
    "file",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="The strategy: a Python file.",
)
@click.option("-t", "--algotext", metavar="TEXT", help="The strategy's text, instead of a file.")
@click.option(
    "-D",
    "--define",
    multiple=True,
    metavar="NAME=EXPR",
    help="Bind a name before the text is executed, to a Python expression that may use earlier ones; repeatable.",
)
@click.option(
    "--data-frequency",
    type=click.Choice(["daily", "minute"]),
    default="daily",
    show_default=True,
    help="Of the bars.",
)
@click.option("--capital-base", type=float, help="Cash at the start.  [default: 10,000,000]")
@bundle_option
@click.option("--bundle-timestamp", metavar="TIME", help="The version that was current then (UTC), not the latest.")
@click.option(
    "-bf",
    "--benchmark-file",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="A CSV file of dates and returns to compare with.",
)
@click.option("--benchmark-symbol", metavar="SYMBOL", help="The asset to compare with; zero returns if omitted.")
@click.option("--benchmark-sid", type=int, metavar="SID", help="The asset to compare with, by its number.")
@click.option("--no-benchmark", is_flag=True, help="Compare with zero returns, and do not say so.")
@start_option
@end_option
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path, allow_dash=True),
    metavar="FILE",
    help="Write the perf frame: .parquet or .csv (records as JSON text), .pickle or .pkl (as it is); - prints it.",
)
@click.option("--trading-calendar", metavar="NAME", help="Check that the bundle's sessions are this calendar's.")
@click.option("--print-algo/--no-print-algo", default=False, help="Print the strategy first.")
@click.option(
    "--metrics-set",
    metavar="NAME",
    default="default",
    show_default=True,
    help="The perf frame's columns: default, none, or a set that an extension registered.",
)
@click.option(
    "--blotter",
    metavar="NAME",
    default="default",
    show_default=True,
    help="The order book: default, or one that an extension registered.",
)
@click.option("-p", "--param", "params", multiple=True, metavar="NAME=VALUE", help="A parameter's value; repeatable.")
@profile_option("beside the -o file, or in the current folder")
@click.pass_obj
def run(invocation: Invocation, /, **options: Any) -> None:
    """Run one backtest of a strategy, and print its main metrics.

    The file or text defines a class derived from rustybt.Strategy, or Zipline's functions initialize and handle_data. A
    class may carry bundle, start, end and capital_base; an option goes before it.
    """
    request = Request(**options)
    run_profiled(request.profile, request.folder, request.title, lambda _: run_and_report(invocation, request))


def run_and_report(invocation: Invocation, request: Request) -> None:
    """Run what is asked for, and print what came out."""
    take_statistics()
    began = time.perf_counter()
    done = backtest(invocation, request)
    report(done, request, time.perf_counter() - began)


def report(done: Backtest, request: Request, seconds: float) -> None:
    """Print what came out, and write the perf frame."""
    result, bundle = done
    note_missing_benchmark(done, request)
    first, last = pd.DatetimeIndex(result.sessions.session_ns[[0, -1]]).strftime("%Y-%m-%d")
    echo_description(bundle)
    click.echo(f"{len(result.returns):,} sessions of {bundle.name}, {first} to {last}, in {seconds:.2f} s")
    print_metrics(result.metrics)
    asked = take_statistics()
    if asked.calls:
        click.echo(f"model: {asked}")
    if request.output == TO_STDOUT:
        click.echo(str(result.perf))
    elif request.perf_file is not None:
        write_perf(result.perf, request.perf_file)
        click.echo(f"perf frame: {request.perf_file}")


def note_missing_benchmark(done: Backtest, request: Request) -> None:
    """Say on standard error that the benchmark's zeros are nobody's choice."""
    if not request.no_benchmark and not done.result.benchmark_returns.any():
        click.echo("Benchmark: none was set, its returns are zero (--benchmark-symbol SYMBOL sets one).", err=True)
