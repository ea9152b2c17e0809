"""Which cases does the bench have?"""

from collections.abc import Callable

from scripts.benchmarks.bench import Bench
from scripts.benchmarks.cases.batch import batch
from scripts.benchmarks.cases.crossover import crossover
from scripts.benchmarks.cases.engine_only import engine_only
from scripts.benchmarks.cases.minute import minute
from scripts.benchmarks.cases.one_asset import one_asset
from scripts.benchmarks.cases.peer_report import peer_report
from scripts.benchmarks.cases.scaling import scaling
from scripts.benchmarks.report import CaseReport

CASES: dict[str, Callable[[Bench], CaseReport]] = {
    "crossover": crossover,
    "one-asset": one_asset,
    "engine-only": engine_only,
    "minute": minute,
    "batch": batch,
    "peer-report": peer_report,
    "scaling": scaling,
}
