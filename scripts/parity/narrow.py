"""Which parts of a differing algorithm does the difference need?"""

from datetime import date, timedelta

from scripts.parity.compare import differences
from scripts.parity.generate import Case, generate
from scripts.parity.packages import Package
from scripts.parity.plan import plan_of


def differs(case: Case, zipline: Package, project: Package) -> list[str]:
    """Run a case under both packages, and give the differences."""
    return differences(zipline.answer(case), project.answer(case))


def first_days(seed: int) -> list[date]:
    """Give ever later ends of a seed's run, to be tried in order."""
    plan = plan_of(seed)
    days = (plan.end - plan.start).days
    ends = (plan.start + timedelta(days=max(2, days * share // 64)) for share in (1, 2, 4, 8, 16, 24, 32, 48))
    return sorted({end for end in ends if end < plan.end})


def narrowed(case: Case, zipline: Package, project: Package) -> tuple[Case, list[str]]:
    """Leave out one part after the other, then the run's end, as long as the packages differ.

    Parameters
    ----------
    case : Case
        One that differs.
    zipline, project : Package
        Where to run it.

    Returns
    -------
    tuple of Case and list of str
        The smallest case found, and its differences.
    """
    without: list[str] = []
    smallest, lines = case, differs(case, zipline, project)
    for part in case.parts:
        if part == "minute":
            continue
        trial = generate(case.seed, [*without, part])
        found = differs(trial, zipline, project)
        if found:
            without.append(part)
            smallest, lines = trial, found
    for end in first_days(case.seed):
        trial = generate(case.seed, without, end)
        found = differs(trial, zipline, project)
        if found:
            return trial, found
    return smallest, lines
