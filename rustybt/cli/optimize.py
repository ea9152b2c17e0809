"""How does a strategy's parameter space run from the command line?"""

from datetime import datetime
from pathlib import Path
from typing import Any

import click

from rustybt.cli.boundary import Invocation
from rustybt.cli.options import bundle_option, end_option, file_option, start_option
from rustybt.cli.profile import profile_option, run_profiled
from rustybt.cli.searching import DEFAULT_TRIALS, NAMES, in_windows, search_of
from rustybt.cli.trials import print_result, run_and_keep
from rustybt.data.bundles import load
from rustybt.data.store import BundleData
from rustybt.optimization.optimizer import Optimizer
from rustybt.profiling import Profile


@click.command()
@file_option
@bundle_option
@start_option
@end_option
@click.option("--capital-base", type=float, help="Cash at the start.  [default: 10,000,000]")
@click.option("--search", type=click.Choice(NAMES), help="What proposes.  [default: the strategy's own, else grid]")
@click.option("--trials", type=int, help=f"How many a search other than grid runs.  [default: {DEFAULT_TRIALS}]")
@click.option("--seed", type=int, help="Of a search other than grid: same seed, same trials.  [default: 0]")
@click.option("--condition", "conditions", multiple=True, metavar="EXPR", help='Such as "fast < slow"; repeatable.')
@click.option(
    "--objective",
    "objectives",
    multiple=True,
    metavar="NAME",
    help='A metric of docs/metrics.md, or "minimize NAME"; repeatable, the first decides.  [default: sharpe]',
)
@click.option(
    "--constraint", "constraints", multiple=True, metavar="EXPR", help='Such as "max_drawdown < 0.3"; repeatable.'
)
@click.option("--in-sample", metavar="LENGTH", help='Walk forward: sessions, or "2 years", of every search.')
@click.option("--out-of-sample", metavar="LENGTH", help='Walk forward: sessions, or "6 months", after every search.')
@click.option("--anchored", is_flag=True, help="Walk forward: every search begins at the start.")
@click.option("--embargo", metavar="LENGTH", help="Walk forward: left out between the two.")
@click.option("--stop-early", is_flag=True, help="Give a backtest up after a drawdown over 50% and the like.")
@click.option("--fast", is_flag=True, help="For development: half of the data; the results say so.")
@click.option("--workers", type=int, help="Processes; the result does not depend on it.  [default: one a core]")
@click.option("--trial-timeout", type=float, metavar="SECONDS", help="Limit of one backtest's time.")
@click.option(
    "--worker-memory", type=float, metavar="MB", help="Limit of one worker's own memory, in units of 2**20 bytes."
)
@click.option(
    "--storage",
    type=click.Path(),
    metavar="DIR",
    help="Folder of a journal, from which --resume goes on after the process was killed.",
)
@click.option("--resume", is_flag=True, help="Go on with the run that --storage holds.")
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path),
    metavar="DIR",
    help="Folder for the trials, report.html and the best run's perf.parquet.  [default: results/ and the file's name]",
)
@profile_option("in the -o folder")
@click.pass_obj
def optimize(
    invocation: Invocation,
    /,
    file: Path,
    bundle: str | None,
    start: datetime | None,
    end: datetime | None,
    capital_base: float | None,
    output: Path | None,
    profile: str | None,
    resume: bool,
    **options: Any,
) -> None:
    """Backtest a strategy file over its parameter space, and print the best trials.

    A class derived from rustybt.Strategy names its parameters as attributes: fast = Integer(5, 50, step=5). A script of
    functions names them in a global, parameters = {"fast": Integer(5, 50, step=5)}, and reads context.params["fast"].
    """
    if resume and options["storage"] is None:
        raise click.UsageError("--resume belongs to --storage DIR: name the folder of the run that is to go on.")
    invocation.script = file
    folder = Path("results") / file.stem if output is None else output

    def work(own_profile: Profile | None) -> None:
        optimizer = Optimizer(
            script=file,
            bundle=bundle,
            start=start,
            end=end,
            capital_base=capital_base,
            profile=own_profile,
            **settings_of(**options),
        )
        data = optimizer.bundle if isinstance(optimizer.bundle, BundleData) else load(optimizer.bundle)
        result = run_and_keep(optimizer, folder, resume=resume)
        print_result(result, data, folder)

    run_profiled(profile, folder, f"rustybt optimize {file}", work)


def settings_of(
    *,
    search: str | None,
    trials: int | None,
    seed: int | None,
    conditions: tuple[str, ...],
    objectives: tuple[str, ...],
    constraints: tuple[str, ...],
    in_sample: str | None,
    out_of_sample: str | None,
    anchored: bool,
    embargo: str | None,
    stop_early: bool,
    fast: bool,
    workers: int | None,
    trial_timeout: float | None,
    worker_memory: float | None,
    storage: str | None,
) -> dict[str, Any]:
    """Give what the options say as the optimizer takes it."""
    plain = search_of(search, trials, seed)
    return {
        "search": in_windows(plain, in_sample, out_of_sample, anchored=anchored, embargo=embargo),
        "conditions": conditions,
        "objective": list(objectives) if len(objectives) > 1 else next(iter(objectives), None),
        "constraints": constraints,
        "stop_rules": stop_early or None,
        "fast": fast,
        "num_workers": "auto" if workers is None else workers,
        "trial_timeout_s": trial_timeout,
        "worker_memory_mb": worker_memory,
        "storage": storage,
    }
