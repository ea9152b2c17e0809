"""How is an optimization shown, and where is it kept?"""

import sys
from pathlib import Path

import click

from rustybt.cli.tables import TRIAL_METRICS, console_for, echo_description, print_trials
from rustybt.data.store import BundleData
from rustybt.errors import AllTrialsFailed, NoBestTrial
from rustybt.optimization.optimizer import Optimizer
from rustybt.optimization.result import TRIALS_FILE, OptimizationResult
from rustybt.optimization.trial import TrialStatus
from rustybt.results.export import write_perf

PERF_FILE = "perf.parquet"
PARTIAL_FILE = "trials.partial.parquet"
SHOWN = 10


def run_and_keep(optimizer: Optimizer, folder: Path) -> OptimizationResult:
    """Run an optimization, and write the trials that were finished whatever ends it.

    Parameters
    ----------
    optimizer : Optimizer
        Ready to run.
    folder : Path
        Gets trials.parquet and the best run's perf.parquet; made if missing. What a run leaves that was interrupted or
        failed goes to trials.partial.parquet where an earlier run's trials are.

    Returns
    -------
    OptimizationResult

    Raises
    ------
    KeyboardInterrupt, AllTrialsFailed, NoBestTrial
        After the trials that came back were written.
    """
    folder.mkdir(parents=True, exist_ok=True)  # before hours of work, not after
    ended = False
    try:
        result = optimizer.run()
        ended = True
    except AllTrialsFailed as failure:
        ended = True
        if isinstance(failure.result, OptimizationResult):
            click.echo(f"Their tracebacks are in {keep_beside(failure.result, folder)}", err=True)
        raise
    finally:
        if not ended and optimizer.partial:
            count = len(optimizer.partial)
            click.echo(f"{count} finished trials are in {keep_beside(optimizer.partial, folder)}", err=True)
    kept = result.save(folder)
    report_failures(result)
    try:
        best = result.best
    except NoBestTrial:
        click.echo(f"All {len(result)} trials are in {kept}", err=True)
        raise
    write_perf(best.perf, folder / PERF_FILE)
    return result


def keep_beside(result: OptimizationResult, folder: Path) -> Path:
    """Write the trials of a run that did not come to its end, beside those of an earlier run that did."""
    return result.save(folder, PARTIAL_FILE if (folder / TRIALS_FILE).exists() else TRIALS_FILE)


def report_failures(result: OptimizationResult) -> None:
    """Say how many trials have no result, and why the first has none."""
    failed = [trial for trial in result.records if trial.status is not TrialStatus.COMPLETE]
    if failed:
        first = failed[0]
        share = f"{len(failed)} of {len(result)} trials"
        click.echo(f"{share} have no result; trial {first.number} {first.status}: {first.reason}", err=True)


def print_result(result: OptimizationResult, bundle: BundleData, folder: Path) -> None:
    """Print the best trials, the speed, what failed, and where the files are."""
    echo_description(bundle)
    by_number = {trial.number: trial for trial in result.records}
    best = [by_number[number] for number in result.top(SHOWN)["trial"].tolist()]
    print_trials(
        f"The best {len(best)} of {len(result)} trials, {result.objective}",
        list(best[0].params),
        list(dict.fromkeys((result.objective.metric, *TRIAL_METRICS))),
        [(trial.params, trial.metrics) for trial in best],
    )
    rate = len(result) / result.seconds if result.seconds else 0.0
    console = console_for(sys.stdout)
    console.print(
        f"{len(result)} backtests on {bundle.name} in {result.seconds:.1f} s: {rate:.1f} backtests per second"
    )
    console.print(f"Written to {folder}: trials.parquet (every trial), {PERF_FILE} (the best run, day by day)")
