"""What does the whole product look like, on a bundle that is embedded?"""

import time
from pathlib import Path
from typing import Any

import click

from rustybt.cli import crossover
from rustybt.cli.event_crossover import EventCrossover
from rustybt.cli.progress import progress_bar
from rustybt.cli.trials import SHOWN, print_result, run_and_keep
from rustybt.data.bundles import ingest, load
from rustybt.data.store import BundleData
from rustybt.engine.strategy import hooks_of
from rustybt.errors import UnknownBundle
from rustybt.optimization.optimizer import Optimizer
from rustybt.optimization.result import OptimizationResult
from rustybt.run import simulate
from rustybt.testing import difference

BUNDLE = "mag-7"
START = "2001-01-03"
"""The bundle begins a year earlier, so that every average has all its closes from the first session on."""


@click.command()
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    default=Path("results/demo"),
    show_default=True,
    metavar="DIR",
    help="Folder for trials.parquet and perf.parquet.",
)
@click.option("--workers", type=int, help="Processes.  [default: one a core]")
def demo(out: Path, workers: int | None) -> None:
    """Optimize a two-moving-average crossover on eight stocks over 24 years, and show the ten best.

    400 combinations run in the vector tier; the ten best then run again bar by bar, and both must agree. The stocks'
    prices are synthetic: they have the names of real companies, and nothing else of them.
    """
    data = sample()
    optimizer = Optimizer(
        strategy_class=crossover.Crossover,
        bundle=data,
        start=START,
        objective="sharpe",
        num_workers="auto" if workers is None else workers,
    )
    result = run_and_keep(optimizer, out)
    print_result(result, data, out)
    compare_tiers(result, data)
    params = " ".join(f"-p {name}={value}" for name, value in result.best.params.items())
    click.echo(f"Run the best alone: rustybt run -f {crossover.__file__} -b {BUNDLE} -s {START} {params}")


def compare_tiers(result: OptimizationResult, data: BundleData) -> None:
    """Run the best trials again in both tiers, and say whether their perf frames agree.

    Raises
    ------
    click.ClickException
        If one does not.
    """
    best = result.top(SHOWN)
    names, seconds = list(result.best.params), 0.0
    with progress_bar("event tier", "backtests", len(best)) as advance:
        for done, trial in enumerate(best[names].to_dict("records"), start=1):
            params: Any = trial
            by_vector = simulate(hooks_of(crossover.Crossover(**params)), data, START, None)
            began = time.perf_counter()
            by_event = simulate(hooks_of(EventCrossover(**params)), data, START, None)
            seconds += time.perf_counter() - began
            found = difference(by_event.perf, by_vector.perf)
            if found:
                raise click.ClickException(f"the tiers disagree for {params}: {found}")
            advance(done)
    each = f"{seconds / len(best):.2f} s a backtest"
    click.echo(f"The best {len(best)}, run bar by bar, give the same perf frames to 1e-9 ({each})")


def sample() -> BundleData:
    """Open the embedded bundle, ingesting it where that was not done yet."""
    try:
        return load(BUNDLE)
    except UnknownBundle:
        click.echo(f"ingesting the sample bundle {BUNDLE} ...", err=True)
        ingest(BUNDLE, show_progress=True)
        return load(BUNDLE)
