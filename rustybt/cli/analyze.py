"""What is known of a planned run before it runs?"""

import sys
from datetime import datetime
from pathlib import Path
from typing import Any

import click
from rich.table import Table

from rustybt.cli.boundary import Invocation
from rustybt.cli.options import bundle_option, end_option, start_option
from rustybt.cli.searching import DEFAULT_TRIALS, NAMES, in_windows, search_of
from rustybt.cli.tables import console_for
from rustybt.optimization.optimizer import Optimizer
from rustybt.optimization.redundancy import (
    PlannedSimulations,
    Redundancy,
    Simulations,
    prefixes,
    redundancy_of,
    simulations_of,
)

POSITIVE = click.IntRange(min=1)


def lengths_of(_: click.Context, __: click.Parameter, text: str | None) -> tuple[int, int] | None:
    """Give the two numbers of sessions in 131:200."""
    if text is None:
        return None
    shortest, colon, longest = text.partition(":")
    if not (colon and shortest.isdecimal() and longest.isdecimal()):
        raise click.BadParameter(f"{text!r} is not of the form FIRST:LAST, such as 131:200.")
    return int(shortest), int(longest)


@click.group()
def analyze() -> None:
    """Say what a planned run will come to, before it runs."""


@analyze.command()
@click.option(
    "--prefixes",
    "lengths",
    callback=lengths_of,
    metavar="FIRST:LAST",
    help="One simulation of each length, in sessions.",
)
@click.option("--sims", type=POSITIVE, metavar="N", help="So many simulations of the same --sessions.")
@click.option("--sessions", type=POSITIVE, metavar="M", help="Of each of --sims.")
@click.option("-f", "--file", type=click.Path(path_type=Path), metavar="FILE", help="An optimization of this strategy.")
@bundle_option
@start_option
@end_option
@click.option("--search", type=click.Choice(NAMES), help="What proposes.  [default: the strategy's own, else grid]")
@click.option("--trials", type=int, help=f"How many a search other than grid runs.  [default: {DEFAULT_TRIALS}]")
@click.option("--condition", "conditions", multiple=True, metavar="EXPR", help='Such as "fast < slow"; repeatable.')
@click.option("--in-sample", metavar="LENGTH", help='Walk forward: sessions, or "2 years", of every search.')
@click.option("--out-of-sample", metavar="LENGTH", help='Walk forward: sessions, or "6 months", after every search.')
@click.option("--anchored", is_flag=True, help="Walk forward: every search begins at the start.")
@click.option("--embargo", metavar="LENGTH", help="Walk forward: left out between the two.")
@click.option("--outputs", type=POSITIVE, default=1, show_default=True, help="Predictions that a session asks for.")
@click.option("--workers", type=POSITIVE, default=1, show_default=True, help="Processes, each with its own cache.")
@click.option(
    "--seconds-per-call", type=click.FloatRange(min=0), metavar="S", help="What one prediction costs the model."
)
@click.pass_obj
def caching(
    invocation: Invocation,
    /,
    lengths: tuple[int, int] | None,
    sims: int | None,
    sessions: int | None,
    file: Path | None,
    outputs: int,
    workers: int,
    seconds_per_call: float | None,
    **options: Any,
) -> None:
    """Show how many predictions of a planned run will be found in the cache.

    Say what is planned in one of three ways: --prefixes 131:200 for simulations that all begin on the same day, --sims
    and --sessions for simulations of the same days, or -f FILE with the options of rustybt optimize. Features are taken
    to depend on the day and not on a trial's parameters.
    """
    if (lengths is not None) + (sims is not None or sessions is not None) + (file is not None) != 1:
        raise click.UsageError("Say what is planned by one of --prefixes, --sims with --sessions, and -f.")
    if file is None and any(options.values()):
        given = ", ".join(sorted(f"--{name.replace('_', '-')}" for name, value in options.items() if value))
        raise click.UsageError(f"{given}: only with -f FILE.")
    if file is not None:
        invocation.script = file
        planned = optimization_of(file, **options)
    elif lengths is not None:
        planned = PlannedSimulations(prefixes(*lengths), is_exact=True)
    else:
        if sims is None or sessions is None:
            raise click.UsageError("--sims and --sessions belong together.")
        planned = PlannedSimulations([Simulations(0, sessions - 1, sims)], is_exact=True)
    report(redundancy_of(planned.simulations, outputs, workers), planned.is_exact, seconds_per_call)


def optimization_of(
    file: Path,
    *,
    bundle: str | None,
    start: datetime | None,
    end: datetime | None,
    search: str | None,
    trials: int | None,
    conditions: tuple[str, ...],
    in_sample: str | None,
    out_of_sample: str | None,
    anchored: bool,
    embargo: str | None,
) -> PlannedSimulations:
    """Give what an optimization of a strategy file will simulate."""
    proposes = in_windows(search_of(search, trials, None), in_sample, out_of_sample, anchored=anchored, embargo=embargo)
    optimizer = Optimizer(
        script=file, bundle=bundle, start=start, end=end, search=proposes, conditions=conditions, progress=False
    )
    return simulations_of(optimizer.plan.prepare())


def report(found: Redundancy, is_exact: bool, seconds_per_call: float | None) -> None:
    """Print a planned run's numbers, one a line."""
    console = console_for(sys.stdout)
    console.print(table_of(found, is_exact, seconds_per_call))
    if not is_exact:
        console.print("At most: the search may stop, shorten or share backtests.")
    if found.processes > 1:
        console.print(f"Each of the {found.processes} processes computes a prediction once, at most.")


def table_of(found: Redundancy, is_exact: bool, seconds_per_call: float | None) -> Table:
    """Give the lines of a report."""
    bound = "" if is_exact else "≤ "
    table = Table(
        title="Predictions of the planned run", title_justify="left", show_header=False, box=None, pad_edge=False
    )
    table.add_column(style="dim")
    table.add_column(justify="right")
    table.add_row("simulations", f"{bound}{found.simulations:,}")
    table.add_row("sessions simulated", f"{bound}{found.sessions:,}")
    table.add_row("distinct sessions", f"{found.distinct_sessions:,}")
    table.add_row("predictions", f"{bound}{found.calls:,}")
    table.add_row("unique predictions", f"{bound}{found.unique:,}")
    table.add_row("hit rate", f"{found.hit_rate:.1%}")
    if seconds_per_call is not None:
        without, cached = found.seconds(seconds_per_call)
        table.add_row("seconds in models without the cache", f"{bound}{without:,.2f}")
        table.add_row("seconds in models with it", f"{bound}{cached:,.2f}")
        table.add_row("seconds saved", f"{bound}{without - cached:,.2f}")
        if cached:
            table.add_row("times less in models", f"{without / cached:.1f}")
    return table
