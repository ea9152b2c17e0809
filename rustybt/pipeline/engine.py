"""How are a pipeline's terms computed over some sessions?

Each term is computed once, after all that it is computed of, for all sessions and assets at a time; what nobody needs
any more is let go. Longer spans are computed in parts where all at once would take too much memory.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

import pandas as pd

from rustybt._typing import BoolArray
from rustybt.data.portal import Portal
from rustybt.errors import InvalidSpan
from rustybt.pipeline.adjusted import AdjustedArray, Windows
from rustybt.pipeline.cache import shared_terms
from rustybt.pipeline.data.dataset import BoundColumn
from rustybt.pipeline.domain import Domain, domain_of_calendar
from rustybt.pipeline.labels import LabelArray
from rustybt.pipeline.loaders.base import Loaders
from rustybt.pipeline.loaders.point_in_time import TableLoader
from rustybt.pipeline.loaders.pricing import PricingLoader
from rustybt.pipeline.output import Output
from rustybt.pipeline.pipeline import Pipeline
from rustybt.pipeline.plan import Plan, in_domain, peak_bytes, plan_of
from rustybt.pipeline.term import AssetExists, InputDates, Term
from rustybt.pipeline.universe import Span, Universe

MOST_BYTES: Final = 512 * 2**20
"""What a part of a span may take, by the plan's estimate."""

LEAST_SESSIONS: Final = 21
"""Shorter parts would spend most of their time on the rows before them."""


class PipelineEngine:
    """Computes pipelines over a bundle.

    Parameters
    ----------
    portal : Portal
        Of the bundle.
    custom_loader : object with get(column), optional
        Loaders of the user's columns, such as a dict.
    domain : Domain, optional
        Of pipelines that name none; the bundle's, if omitted.
    and_next : bool
        Whether the session after the bundle's last bar can be asked for.
    """

    def __init__(
        self, portal: Portal, custom_loader: Any = None, domain: Domain | None = None, and_next: bool = False
    ) -> None:
        self._portal = portal
        self._custom = custom_loader
        self._domain = domain or domain_of_calendar(portal.session_table.name)
        self._and_next = and_next
        self._universes: dict[Domain, Universe] = {}

    def universe(self, pipeline: Pipeline) -> Universe:
        """Give the sessions and assets on which a pipeline is computed."""
        domain = pipeline.domain(self._domain)
        if domain not in self._universes:
            self._universes[domain] = Universe(self._portal, domain, self._and_next)
        return self._universes[domain]

    def run(self, pipeline: Pipeline, start: pd.Timestamp, end: pd.Timestamp) -> Output:
        """Compute a pipeline over some sessions, all at once.

        Parameters
        ----------
        pipeline : Pipeline
            Which.
        start, end : pd.Timestamp
            The first and the last session, tz-naive.

        Returns
        -------
        Output

        Raises
        ------
        InvalidSpan
            If one is no session, or the last is before the first.
        NoFurtherDataError
            If a term reaches back before the bundle's first session.
        """
        universe = self.universe(pipeline)
        first, last = universe.row_of(start, "start"), universe.row_of(end, "end")
        if last < first:
            raise InvalidSpan(
                f"start date {start.date()} must be before or equal to end date {end.date()}: exchange them"
            )
        terms = pipeline.terms()
        plan = plan_of(terms, universe.domain, universe.sessions, start, end)
        span = universe.span(first - plan.extra_rows[AssetExists()], last)
        computed = _Computation(plan, span, Loaders(PricingLoader(universe), TableLoader(universe), self._custom)).run()
        *names, screen = terms
        columns = {name: terms[name].postprocess for name in names}
        return Output(universe.sessions[first : last + 1], span.equities, computed, columns, computed.pop(screen))

    def parts(self, pipeline: Pipeline, start: pd.Timestamp, end: pd.Timestamp) -> Iterator[Output]:
        """Compute a pipeline over some sessions, in as many parts as memory asks for; see `run`."""
        universe = self.universe(pipeline)
        row, last = universe.row_of(start, "start"), universe.row_of(end, "end")
        if last < row:
            yield self.run(pipeline, start, end)
        count = sessions_at_once(pipeline, universe, start, end)
        while row <= last:
            stop = min(row + count - 1, last)
            yield self.run(pipeline, universe.sessions[row], universe.sessions[stop])
            row = stop + 1


def sessions_at_once(pipeline: Pipeline, universe: Universe, start: pd.Timestamp, end: pd.Timestamp) -> int:
    """Give how many sessions of a span are computed together, so that their values fit."""
    plan = plan_of(pipeline.terms(), universe.domain, universe.sessions, start, end)
    count = universe.row_of(end, "end") - universe.row_of(start, "start") + 1
    n_assets = len(universe.equities)
    while count > LEAST_SESSIONS and peak_bytes(plan, count, n_assets) > MOST_BYTES:
        count = max(count // 2, LEAST_SESSIONS)
    return count


class _Computation:
    """One pass through a plan."""

    def __init__(self, plan: Plan, span: Span, loaders: Loaders) -> None:
        self._plan = plan
        self._span = span
        self._loaders = loaders
        self._sids = span.sids
        self._values: dict[Term, Any] = {}
        self._keys = {term: shared_terms().key(span.key(self._rows(term)), term) for term in plan.order}

    def run(self) -> dict[str, Any]:
        """Give the outputs by name, one row a session that was asked for."""
        plan = self._plan
        needed = self._needed()
        users = plan.users(needed)
        for term in plan.order:
            if term in needed:
                self._values[term] = self._compute(term)
                for used in plan.dependencies[term]:
                    users[used] -= 1
                    if not users[used]:
                        del self._values[used]
        return {name: self._values[term][plan.extra_rows[term] :] for name, term in plan.outputs.items()}

    def _needed(self) -> set[Term]:
        """Give the terms that must be computed, and take those from the cache that were."""
        needed: set[Term] = set()
        wanted = set(self._plan.outputs.values())
        for term in reversed(self._plan.order):
            if term in wanted:
                found = shared_terms().find(self._keys[term])
                if found is None:
                    needed.add(term)
                    wanted.update(self._plan.dependencies[term])
                else:
                    self._values[term] = found
        return needed

    def _compute(self, term: Any) -> Any:
        plan, span = self._plan, self._span
        dates = span.sessions[len(span.sessions) - self._rows(term) :]
        if isinstance(term, AssetExists):
            return span.alive
        if isinstance(term, InputDates):
            return dates.to_numpy()[:, None]
        mask: BoolArray = self._values[term.mask][plan.extra_rows[term.mask] - plan.extra_rows[term] :]
        if isinstance(term, BoundColumn):
            return self._loaders.load(term, span.universe.domain, dates, self._sids, mask)
        inputs = [self._input(term, used) for used in term.inputs]
        computed = term._compute(inputs, dates, self._sids, mask)
        return shared_terms().keep(None if isinstance(computed, LabelArray) else self._keys[term], computed)

    def _rows(self, term: Term) -> int:
        most = self._plan.extra_rows[AssetExists()]
        return len(self._span.sessions) - most + self._plan.extra_rows[term]

    def _input(self, term: Any, used: Term) -> Any:
        """Give what a term gets of one that it is computed of: windows, or values."""
        used = in_domain(used, self._span.universe.domain)
        values = self._values[used]
        offset = self._plan.extra_rows[used] - self._plan.extra_rows[term] - max(term.window_length - 1, 0)
        if term.windowed:
            adjusted = values if isinstance(values, AdjustedArray) else AdjustedArray(values, (), used.missing_value)
            return Windows(adjusted, term.window_length, offset)
        return (values.data if isinstance(values, AdjustedArray) else values)[offset:]
