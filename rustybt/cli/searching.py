"""Which search do the options of the command line ask for?"""

from collections.abc import Callable

import click

from rustybt.optimization.search import (
    BayesianSearch,
    BOHBSearch,
    CMAESSearch,
    DirectSearch,
    GridSearch,
    NSGA2Search,
    RandomSearch,
    Search,
    SobolSearch,
    TPEHyperbandSearch,
)
from rustybt.optimization.walk_forward import WalkForward

DEFAULT_TRIALS = 100

COUNTED: dict[str, Callable[[int, int], Search]] = {
    "random": lambda trials, seed: RandomSearch(trials, seed),
    "sobol": lambda trials, seed: SobolSearch(trials, seed),
    "bayesian": lambda trials, seed: BayesianSearch(trials, seed),
    "cmaes": lambda trials, seed: CMAESSearch(trials, seed),
    "nsga2": lambda trials, seed: NSGA2Search(trials, seed),
    "tpe-hyperband": lambda trials, seed: TPEHyperbandSearch(trials, seed=seed),
    "direct": lambda trials, seed: DirectSearch(trials, seed),
}
"""Searches that stop after a number of trials."""

NAMES = ("grid", *COUNTED, "bohb")


def search_of(name: str | None, trials: int | None, seed: int | None) -> Search | None:
    """Give the search that the options ask for, or None for the strategy's own.

    Raises
    ------
    click.UsageError
        If a grid is given trials or a seed, or BOHB trials.
    """
    if name == "grid":
        if trials is not None or seed is not None:
            raise click.UsageError("--trials and --seed do not belong to --search grid: it is every combination.")
        return GridSearch()
    if name == "bohb":
        if trials is not None:
            raise click.UsageError("--trials does not belong to --search bohb: its brackets say how many there are.")
        return BOHBSearch(seed=seed or 0)
    if name is None and trials is None and seed is None:
        return None
    return COUNTED[name or "random"](DEFAULT_TRIALS if trials is None else trials, seed or 0)


def in_windows(
    search: Search | None,
    in_sample: str | None,
    out_of_sample: str | None,
    anchored: bool = False,
    embargo: str | None = None,
) -> Search | WalkForward | None:
    """Put a search into windows where the options ask for a walk-forward.

    Raises
    ------
    click.UsageError
        If only one of the two lengths is given, or an option of windows without them.
    """
    if in_sample is None and out_of_sample is None:
        if anchored or embargo is not None:
            raise click.UsageError("--anchored and --embargo belong to --in-sample and --out-of-sample.")
        return search
    if in_sample is None or out_of_sample is None:
        raise click.UsageError("--in-sample and --out-of-sample belong together.")
    return WalkForward(
        search or GridSearch(),
        length_of(in_sample),
        length_of(out_of_sample),
        anchored=anchored,
        embargo=0 if embargo is None else length_of(embargo),
    )


def length_of(text: str) -> int | str:
    """Give a number of sessions where the text is one, and a calendar unit as it stands.

    Examples
    --------
    >>> length_of("120"), length_of("2 years")
    (120, '2 years')
    """
    return int(text) if text.strip().isdecimal() else text
