"""In which order are a pipeline's terms computed, over how many rows each, and what does that take?"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from graphlib import CycleError, TopologicalSorter
from typing import Any

import pandas as pd

from rustybt.errors import InvalidParameter, NoFurtherDataError
from rustybt.pipeline.data.dataset import BoundColumn
from rustybt.pipeline.domain import Domain
from rustybt.pipeline.term import AssetExists, InputDates, Term


@dataclass(frozen=True, slots=True)
class Plan:
    """What is computed for a pipeline, and in which order.

    Attributes
    ----------
    outputs : dict of str to Term
        What is asked for.
    order : tuple of Term
        All terms, each after those that it is computed of; columns are those of the domain.
    dependencies : dict of Term to (dict of Term to int)
        By term, what it is computed of and how many rows before its own first that takes.
    extra_rows : dict of Term to int
        Rows of each term before the first session that is asked for.
    """

    outputs: dict[str, Term]
    order: tuple[Term, ...]
    dependencies: dict[Term, dict[Term, int]]
    extra_rows: dict[Term, int]

    @property
    def columns(self) -> list[BoundColumn]:
        """What is read, in order."""
        return [term for term in self.order if isinstance(term, BoundColumn)]

    def users(self, computed: Iterable[Term]) -> dict[Term, int]:
        """Count, for each term, the outputs and those of some computed terms that need it."""
        counts = dict.fromkeys(self.order, 0)
        for needing in computed:
            for term in self.dependencies[needing]:
                counts[term] += 1
        for term in self.outputs.values():
            counts[term] += 1
        return counts


def plan_of(
    outputs: Mapping[str, Any], domain: Domain, sessions: pd.DatetimeIndex, start: pd.Timestamp, end: pd.Timestamp
) -> Plan:
    """Plan the computation of some terms.

    Parameters
    ----------
    outputs : mapping of str to Term
        What is asked for.
    domain : Domain
        Where.
    sessions : pd.DatetimeIndex
        All sessions that there are data for.
    start, end : pd.Timestamp
        The first and the last session that are asked for.

    Returns
    -------
    Plan

    Raises
    ------
    InvalidParameter
        If a term is computed of itself.
    NoFurtherDataError
        If a term reaches back before the first session.
    """
    dependencies: dict[Term, dict[Term, int]] = {}
    left = [in_domain(term, domain) for term in outputs.values()]
    left.append(AssetExists())
    while left:
        term = left.pop()
        if term not in dependencies:
            dependencies[term] = {in_domain(needed, domain): rows for needed, rows in term.dependencies.items()}
            left += dependencies[term]
    try:
        order = tuple(TopologicalSorter(dependencies).static_order())
    except CycleError as error:
        raise InvalidParameter(f"a term is computed of itself: {error.args[1]}; take it out of its inputs") from error
    extra = _extra_rows(order, dependencies, sessions, start, end)
    named = {name: in_domain(term, domain) for name, term in outputs.items()}
    return Plan(named, order, dependencies, extra)


def in_domain(term: Term, domain: Domain) -> Term:
    """Give a column of a domain; other terms as they are."""
    return term.specialize(domain) if isinstance(term, BoundColumn) else term


def _extra_rows(
    order: tuple[Term, ...],
    dependencies: dict[Term, dict[Term, int]],
    sessions: pd.DatetimeIndex,
    start: pd.Timestamp,
    end: pd.Timestamp,
) -> dict[Term, int]:
    extra = dict.fromkeys(order, 0)
    available = int(sessions.searchsorted(start))
    for term in reversed(order):
        if extra[term] <= available:
            extra[term] = term.compute_extra_rows(sessions, start, end, extra[term])
        if extra[term] > available:
            raise NoFurtherDataError(
                f"Insufficient data to compute Pipeline: {term!r} needs {extra[term]} sessions before {start.date()}, "
                f"and the first there is is {sessions[0].date()}: start later, or take shorter windows"
            )
        for needed, before in dependencies[term].items():
            extra[needed] = max(extra[needed], extra[term] + before)
    return extra


def bytes_of(term: Term, n_rows: int, n_assets: int) -> int:
    """Estimate the memory that a term's values take."""
    if isinstance(term, InputDates):
        return 8 * n_rows
    outputs = getattr(term, "outputs", None)
    width = term.dtype.itemsize * (len(outputs) if isinstance(outputs, tuple) else 1)
    copies = 2 if isinstance(term, BoundColumn) else 1  # by session, and by asset
    return int(width * copies * n_rows * (n_assets if term.ndim == 2 else 1))


def peak_bytes(plan: Plan, n_sessions: int, n_assets: int) -> int:
    """Estimate the most memory that a plan's values take at one time.

    Parameters
    ----------
    plan : Plan
        To run.
    n_sessions, n_assets : int
        What it is run for.
    """
    users, sizes = plan.users(plan.order), {}
    held = peak = 0
    for term in plan.order:
        sizes[term] = bytes_of(term, n_sessions + plan.extra_rows[term], n_assets)
        held += sizes[term]
        peak = max(peak, held)
        for needed in plan.dependencies[term]:
            users[needed] -= 1
            if users[needed] == 0:
                held -= sizes[needed]
    return peak
