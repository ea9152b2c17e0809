"""How is an optimization shown, and where is it kept?"""

import sys
from pathlib import Path

import click

from rustybt.cli.tables import (
    TRIAL_METRICS,
    console_for,
    echo_description,
    metric_text,
    print_trials,
    print_windows,
)
from rustybt.data.store import BundleData
from rustybt.errors import AllTrialsFailed, NoBestTrial
from rustybt.optimization.optimizer import Optimizer
from rustybt.optimization.result import OptimizationInterrupted, OptimizationResult
from rustybt.optimization.result_files import TRIALS
from rustybt.optimization.trial import TrialStatus
from rustybt.results.export import write_perf

PERF_FILE = "perf.parquet"
REPORT_FILE = "report.html"
PARTIAL_FOLDER = "partial"
SHOWN = 10


def run_and_keep(optimizer: Optimizer, folder: Path, resume: bool = False) -> OptimizationResult:
    """Run an optimization, and write the trials that were finished whatever ends it.

    Parameters
    ----------
    optimizer : Optimizer
        Ready to run.
    folder : Path
        Gets trials.parquet and what else a result is kept in, report.html, and the best run's perf.parquet; made if
        missing. What a run leaves that was interrupted or failed goes to a folder "partial" in it where an earlier
        run's trials are.
    resume : bool
        Go on with the run in the optimizer's storage.

    Returns
    -------
    OptimizationResult

    Raises
    ------
    KeyboardInterrupt, AllTrialsFailed, NoBestTrial
        After the trials that came back were written.
    """
    folder.mkdir(parents=True, exist_ok=True)  # before hours of work, not after
    ended, advice = False, ""
    try:
        result = optimizer.resume() if resume else optimizer.run()
        ended = True
    except AllTrialsFailed as failure:
        ended = True
        if isinstance(failure.result, OptimizationResult):
            click.echo(f"Their tracebacks are in {keep_beside(failure.result, folder)}", err=True)
        raise
    except OptimizationInterrupted:
        if optimizer.storage is not None:
            advice = f"go on with the same command{'' if resume else ' and --resume'}"
        raise
    finally:
        if not ended and optimizer.partial:
            count = len(optimizer.partial)
            click.echo(f"{count} finished trials are in {keep_beside(optimizer.partial, folder)}", err=True)
        if advice:
            click.echo(advice, err=True)
    kept = result.save(folder) / TRIALS
    report_failures(result)
    try:
        best = result.best
    except NoBestTrial:
        print_walk_forward(result)
        result.report(folder / REPORT_FILE)
        click.echo(f"All {len(result)} trials are in {kept}", err=True)
        raise
    write_perf(best.perf, folder / PERF_FILE)
    result.report(folder / REPORT_FILE)
    return result


def keep_beside(result: OptimizationResult, folder: Path) -> Path:
    """Write the trials of a run that did not come to its end, beside those of an earlier run that did."""
    return result.save(folder / PARTIAL_FOLDER if (folder / TRIALS).exists() else folder) / TRIALS


def report_failures(result: OptimizationResult) -> None:
    """Say how many trials have no result, and why the first has none."""
    failed = [t for t in result.records if t.status not in (TrialStatus.COMPLETE, TrialStatus.STOPPED)]
    if failed:
        first = failed[0]
        share = f"{len(failed)} of {len(result)} trials"
        click.echo(f"{share} have no result; trial {first.number} {first.status}: {first.reason}", err=True)


def print_result(result: OptimizationResult, bundle: BundleData, folder: Path) -> None:
    """Print the best trials, the speed, what failed, and where the files are."""
    echo_description(bundle)
    print_walk_forward(result)
    by_number = {trial.number: trial for trial in result.records}
    best = [by_number[number] for number in result.top(SHOWN)["trial"].tolist()]
    pareto = set(result.pareto["trial"]) if len(result.objectives) > 1 else None
    among, scope = f"{len(result)} trials", ""
    if result.walk_forward is not None:
        among, scope = f"the last window's {len(result._compared)} trials", ", in sample"
    print_trials(
        f"The best {len(best)} of {among}, {result.objective}{scope}",
        list(best[0].params),
        list(dict.fromkeys((*(objective.metric for objective in result.objectives), *TRIAL_METRICS))),
        [(trial.params, trial.metrics) for trial in best],
        None if pareto is None else [trial.number in pareto for trial in best],
    )
    if pareto is not None:
        goal = ", ".join(map(str, result.objectives))
        eligible = sum(trial.may_be_best for trial in result._compared)
        console_for(sys.stdout).print(
            f"{len(pareto)} of {eligible} eligible trials {'is' if len(pareto) == 1 else 'are'} Pareto-optimal (*): no "
            f"other is as good in every objective and better in one ({goal}); the first decides what is best"
        )
    rate = len(result) / result.seconds if result.seconds else 0.0
    console = console_for(sys.stdout)
    console.print(
        f"{len(result)} backtests on {bundle.name} in {result.seconds:.1f} s: {rate:.1f} backtests per second"
    )
    for note in notes_of(result):
        console.print(note)
    of = " of the last window, in sample" if result.walk_forward is not None else ""
    console.print(
        f"Written to {folder}: {REPORT_FILE} (open it in a browser), {TRIALS} (every trial), {PERF_FILE} (the best "
        f"run{of}, day by day)"
    )


def notes_of(result: OptimizationResult) -> list[str]:
    """Give what a reader of the table must know: constraints, stopped trials, half of the data, models."""
    notes = list(result.info.notes)
    if result.info.is_fast:
        notes.insert(0, "FAST: half of the data was used; for development, not for decisions")
    counts = result.counts
    if counts.get("stopped"):
        notes.append(f"{counts['stopped']} trials were stopped early by a rule; they have no score")
    if known := sum(trial.is_cached for trial in result.records):
        notes.append(f"{known} trials were known and cost no simulation")
    failing = sum(bool(trial.failed_constraints) for trial in result.records)
    if failing:
        notes.append(f"{failing} trials do not meet the constraints")
    if result.info.predictions.calls:
        notes.append(f"model: {result.info.predictions}")
    return notes


def print_walk_forward(result: OptimizationResult) -> None:
    """Print a walk-forward's windows, and what they come to out of sample; nothing of any other run."""
    walk, metric = result.walk_forward, result.objective.metric
    if walk is None:
        return
    print_windows(walk.windows, walk.params, metric)
    names = [name for name in dict.fromkeys((metric, *TRIAL_METRICS[:4])) if name in walk.metrics]
    shown = ", ".join(f"{name} {metric_text(name, walk.metrics[name])}" for name in names)
    console_for(sys.stdout).print(f"Out of sample, {len(walk.windows)} windows as one: {shown}\n")
