"""How does a strategy's parameter space run from the command line?"""

from datetime import datetime
from pathlib import Path

import click

from rustybt.cli.boundary import Invocation
from rustybt.cli.options import bundle_option, end_option, file_option, start_option
from rustybt.cli.profile import profile_option, run_profiled
from rustybt.cli.trials import print_result, run_and_keep
from rustybt.data.bundles import load
from rustybt.data.store import BundleData
from rustybt.optimization.optimizer import Optimizer
from rustybt.optimization.search.base import Search
from rustybt.optimization.search.grid_search import GridSearch
from rustybt.optimization.search.random_search import RandomSearch
from rustybt.profiling import Profile

DEFAULT_TRIALS = 100


@click.command()
@file_option
@bundle_option
@start_option
@end_option
@click.option("--capital-base", type=float, help="Cash at the start.  [default: 10,000,000]")
@click.option(
    "--search",
    type=click.Choice(["grid", "random"]),
    help="Every combination, or some drawn at random.  [default: the strategy's own, else grid]",
)
@click.option("--trials", type=int, help=f"How many random search draws.  [default: {DEFAULT_TRIALS}]")
@click.option("--seed", type=int, help="Of random search: same seed, same trials.  [default: 0]")
@click.option("--condition", "conditions", multiple=True, metavar="EXPR", help='Such as "fast < slow"; repeatable.')
@click.option("--objective", metavar="NAME", help='A metric of docs/metrics.md, or "minimize NAME".  [default: sharpe]')
@click.option("--workers", type=int, help="Processes; the result does not depend on it.  [default: one a core]")
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path),
    metavar="DIR",
    help="Folder for trials.parquet and the best run's perf.parquet.  [default: results/ and the file's name]",
)
@profile_option("in the -o folder")
@click.pass_obj
def optimize(
    invocation: Invocation,
    file: Path,
    bundle: str | None,
    start: datetime | None,
    end: datetime | None,
    capital_base: float | None,
    search: str | None,
    trials: int | None,
    seed: int | None,
    conditions: tuple[str, ...],
    objective: str | None,
    workers: int | None,
    output: Path | None,
    profile: str | None,
) -> None:
    """Backtest a strategy file over its parameter space, and print the best trials.

    A class derived from rustybt.Strategy names its parameters as attributes: fast = Integer(5, 50, step=5). A script of
    functions names them in a global, parameters = {"fast": Integer(5, 50, step=5)}, and reads context.params["fast"].
    """
    invocation.script = file
    folder = Path("results") / file.stem if output is None else output

    def work(own_profile: Profile | None) -> None:
        optimizer = Optimizer(
            script=file,
            bundle=bundle,
            start=start,
            end=end,
            capital_base=capital_base,
            search=search_of(search, trials, seed),
            conditions=conditions,
            objective=objective,
            num_workers="auto" if workers is None else workers,
            profile=own_profile,
        )
        data = optimizer.bundle if isinstance(optimizer.bundle, BundleData) else load(optimizer.bundle)
        result = run_and_keep(optimizer, folder)
        print_result(result, data, folder)

    run_profiled(profile, folder, f"rustybt optimize {file}", work)


def search_of(name: str | None, trials: int | None, seed: int | None) -> Search | None:
    """Give the search that the options ask for, or None for the strategy's own.

    Raises
    ------
    click.UsageError
        If a grid is given trials or a seed.
    """
    drawn = trials is not None or seed is not None
    if name == "grid":
        if drawn:
            raise click.UsageError("--trials and --seed belong to --search random: a grid is every combination.")
        return GridSearch()
    if name is None and not drawn:
        return None
    return RandomSearch(DEFAULT_TRIALS if trials is None else trials, 0 if seed is None else seed)
