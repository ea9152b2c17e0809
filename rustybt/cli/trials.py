"""How is an optimization shown, and where is it kept?"""

import sys
from pathlib import Path
from typing import Any

import click

from rustybt.cli.tables import TRIAL_METRICS, console_for, print_trials
from rustybt.errors import AllTrialsFailed
from rustybt.optimization.optimizer import Optimizer
from rustybt.optimization.result import OptimizationInterrupted, OptimizationResult
from rustybt.optimization.trial import TrialStatus
from rustybt.results.export import write_perf

PERF_FILE = "perf.parquet"
SHOWN = 10


def run_and_keep(optimizer: Optimizer, folder: Path) -> OptimizationResult:
    """Run an optimization, and write the trials that were finished whatever ends it.

    Parameters
    ----------
    optimizer : Optimizer
        Ready to run.
    folder : Path
        Gets trials.parquet and the best run's perf.parquet; made if missing.

    Returns
    -------
    OptimizationResult

    Raises
    ------
    KeyboardInterrupt, AllTrialsFailed
        After the trials that came back were written.
    """
    folder.mkdir(parents=True, exist_ok=True)  # before hours of work, not after
    try:
        result = optimizer.run()
    except OptimizationInterrupted as stop:
        if len(stop.result):
            click.echo(f"{len(stop.result)} finished trials are in {stop.result.save(folder)}", err=True)
        raise
    except AllTrialsFailed as failure:
        if isinstance(failure.result, OptimizationResult):
            click.echo(f"their tracebacks are in {failure.result.save(folder)}", err=True)
        raise
    result.save(folder)
    write_perf(result.best.perf, folder / PERF_FILE)
    return result


def print_result(result: OptimizationResult, bundle: str, folder: Path) -> None:
    """Print the best trials, the speed, what failed, and where the files are."""
    rows, parameters, metrics = best_rows(result)
    print_trials(f"The {len(rows)} best of {len(result)} trials, {result.objective}", parameters, metrics, rows)
    failed = [trial for trial in result.records if trial.status is not TrialStatus.COMPLETE]
    if failed:
        first = failed[0]
        click.echo(
            f"{len(failed)} trials have no result; trial {first.number} {first.status}: {first.reason}", err=True
        )
    rate = len(result) / result.seconds if result.seconds else 0.0
    console = console_for(sys.stdout)
    console.print(f"{len(result)} backtests on {bundle} in {result.seconds:.1f} s: {rate:.1f} backtests per second")
    console.print(f"Written to {folder}: trials.parquet (every trial), {PERF_FILE} (the best run, day by day)")


def best_rows(result: OptimizationResult) -> tuple[list[dict[str, Any]], list[str], list[str]]:
    """Give the best trials as rows, with the names of their parameters and of the metrics worth a column."""
    by_number = {trial.number: trial for trial in result.records}
    best = [by_number[number] for number in result.top(SHOWN)["trial"].tolist()]
    metrics = list(dict.fromkeys((result.objective.metric, *TRIAL_METRICS)))
    rows = [{**trial.metrics, **{f"param {name}": value for name, value in trial.params.items()}} for trial in best]
    return rows, [f"param {name}" for name in best[0].params], metrics
