"""Which layers of the Optimizer pay, at micro and at production scale, over grids and walk-forwards?

usage: python scripts/benchmarks/run_full_audit.py [BUNDLE] [--num-runs N] [--zipline-python PATH] [--quick]
           [--output FOLDER]

micro          25 backtests in one process, and 5 windows of 5 trials: layers may not cost more than 3%
production     400 backtests of a year on two workers, and 10 windows of 39 trials over a year each, of a
               crossover whose windows few backtests have in common; and 400 backtests that ask a fitted model
layers         60 backtests that ask the model, without each layer in turn

With --zipline-python, an interpreter in which zipline-reloaded is installed, Zipline runs two backtests of the
crossover in each round, and their time is scaled to all of them.

The exit code is 0 only where all criteria hold. --quick shows within two minutes that it works: its verdicts mean
nothing, and its exit code says only that all sides found the same.
"""

import sys
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import NamedTuple

import pandas as pd

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from scripts.benchmarks.audit.audits import (
    Audit,
    Criterion,
    factor_criterion,
    micro_criteria,
    production_criteria,
    run_audit,
)
from scripts.benchmarks.audit.command import data_of, parser_of, report, tell
from scripts.benchmarks.audit.on_zipline import zipline_side, zipline_words
from scripts.benchmarks.audit.paired import LEAST_PAIRS, PairedTest
from scripts.benchmarks.audit.sides import Sides
from scripts.benchmarks.audit.workload import CROSSOVER, FOREST, Scale

MICRO, PRODUCTION, FACTOR, LAYERS = "micro", "production", "factor", "layers"


class Planned(NamedTuple):
    """One audit of the whole.

    Attributes
    ----------
    name : str
        In the report.
    role : str
        What it is held to: "micro", "production", "factor" for production and a factor of four, "layers" for nothing.
    backtests, windows, workers : int
        How much is run; no windows for a grid.
    workload : str
        See `strategies`.
    beside_zipline : bool
        Whether Zipline takes part, where it is there.
    years_before : int
        Before the first day, over which the windows go too: those of production scale see a year each.
    """

    name: str
    role: str
    backtests: int
    windows: int
    workers: int
    workload: str = CROSSOVER
    beside_zipline: bool = False
    years_before: int = 0

    def first_day(self, day: str) -> str:
        """Give the first day of the whole."""
        return str((pd.Timestamp(day) - pd.DateOffset(years=self.years_before)).date())

    def criteria(self, gain: PairedTest) -> list[Criterion]:
        """Hold what was found to the criteria of the role."""
        if self.role == MICRO:
            return micro_criteria(gain)
        if self.role == LAYERS:
            return []
        return [*production_criteria(gain), *([factor_criterion(gain)] if self.role == FACTOR else [])]


WHOLE = (
    Planned("grid, micro", MICRO, 25, 0, 1),
    Planned("walk-forward, micro", MICRO, 5, 5, 1),
    Planned("grid, production", PRODUCTION, 400, 0, 2, beside_zipline=True),
    Planned("walk-forward, production", PRODUCTION, 39, 10, 2, years_before=3),
    Planned("grid with a model, production", FACTOR, 400, 0, 2, FOREST),
    Planned("grid with a model, layers", LAYERS, 60, 0, 2, FOREST),
)
QUICK = (
    Planned("grid, micro", MICRO, 4, 0, 1),
    Planned("grid, production", PRODUCTION, 8, 0, 2, beside_zipline=True),
    Planned("grid with a model, layers", LAYERS, 4, 0, 2, FOREST),
)


def main(given: Sequence[str] | None = None) -> int:
    """Run all audits."""
    parser = parser_of("run_full_audit.py", __doc__)
    parser.add_argument("--zipline-python", type=Path, metavar="PATH", help="an interpreter that has zipline-reloaded")
    options = parser.parse_args(given)
    if options.zipline_python is not None and not options.zipline_python.is_file():
        parser.error(f"--zipline-python {options.zipline_python}: there is no such file")
    audits: list[Audit] = []
    with data_of(options.bundle, options.num_assets) as fingerprint:
        for planned in QUICK if options.quick else WHOLE:
            scale = Scale(
                *(options.bundle, planned.first_day(options.start_date), options.end_date, options.num_assets),
                *(planned.backtests, planned.windows, planned.workload),
            )
            with ExitStack() as stack:
                others: Sides = {}
                if planned.beside_zipline and options.zipline_python is not None:
                    side = stack.enter_context(zipline_side(scale, options.zipline_python))
                    others[zipline_words(scale)] = side
                audit = run_audit(
                    planned.name,
                    scale,
                    workers=planned.workers,
                    runs=LEAST_PAIRS if options.quick else options.num_runs,
                    leaves_out=planned.role == LAYERS,
                    others=others,
                    takes_turns=planned.role == MICRO,
                    seed=options.seed,
                    told=lambda text, name=planned.name: tell(f"{name}: {text}"),  # type: ignore[misc]
                )
            audit.criteria = [] if options.quick else planned.criteria(audit.gain)
            audits.append(audit)
        return report(options.output, audits, fingerprint)


if __name__ == "__main__":
    sys.exit(main())
