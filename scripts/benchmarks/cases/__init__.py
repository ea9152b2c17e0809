"""Which cases does the bench have?"""

from collections.abc import Callable

from scripts.benchmarks.bench import Bench
from scripts.benchmarks.cases.crossover import crossover
from scripts.benchmarks.report import CaseReport

CASES: dict[str, Callable[[Bench], CaseReport]] = {"crossover": crossover}
