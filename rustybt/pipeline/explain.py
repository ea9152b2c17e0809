"""How would a pipeline be computed? Its plan, in words and numbers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final, Protocol

import pandas as pd

from rustybt.calendars import naive_day
from rustybt.data.bundles.catalog import load
from rustybt.data.portal import portal_of
from rustybt.errors import InvalidParameter
from rustybt.pipeline.domain import GENERIC, Domain, domain_of_calendar
from rustybt.pipeline.plan import Plan, bytes_of, peak_bytes, plan_of
from rustybt.pipeline.term import AssetExists
from rustybt.pipeline.universe import Universe

EXAMPLE_SESSIONS: Final = 252
EXAMPLE_ASSETS: Final = 1_000


class _Pipeline(Protocol):
    def terms(self) -> dict[str, Any]: ...

    def domain(self, default: Domain) -> Domain: ...


@dataclass(frozen=True, slots=True, repr=False)
class Explanation:
    """A plan as text.

    Attributes
    ----------
    plan : Plan
        What is computed, in which order.
    n_sessions, n_assets : int
        What it is computed for.
    peak_bytes : int
        Estimate of the most memory that its values take at one time.
    title : str
        Where it is computed.
    """

    plan: Plan
    n_sessions: int
    n_assets: int
    peak_bytes: int
    title: str

    def __str__(self) -> str:
        names: dict[Any, list[str]] = {}
        for name, term in self.plan.outputs.items():
            names.setdefault(term, []).append(name)
        lines = [
            f"{self.title}: {self.n_sessions:,} sessions x {self.n_assets:,} assets, at most "
            f"{_size(self.peak_bytes)} at a time"
        ]
        for place, term in enumerate(self.plan.order, 1):
            rows = self.n_sessions + self.plan.extra_rows[term]
            shown = f"  -> {', '.join(names[term])}" if term in names else ""
            size = _size(bytes_of(term, rows, self.n_assets))
            lines.append(f"{place:>4}. {_text(term)}  {rows:,} rows, {size}{shown}")
        return "\n".join(lines)

    __repr__ = __str__


def explain(pipeline: _Pipeline, start: Any = None, end: Any = None, bundle: Any = None) -> Explanation:
    """Explain a pipeline; see `Pipeline.explain`."""
    if bundle is None:
        if start is not None or end is not None:
            raise InvalidParameter("explain: start and end are a bundle's sessions: pass bundle= with them")
        domain = pipeline.domain(GENERIC)
        sessions = pd.date_range("1900-01-01", periods=100_000, freq="B")
        begin = len(sessions) // 2
        dates = sessions[begin], sessions[begin + EXAMPLE_SESSIONS - 1]
        return _explained(
            pipeline, domain, sessions, *dates, EXAMPLE_SESSIONS, EXAMPLE_ASSETS, f"Pipeline on {domain!r}"
        )
    data = load(bundle) if isinstance(bundle, str) else bundle
    portal = portal_of(data)
    universe = Universe(portal, pipeline.domain(domain_of_calendar(portal.session_table.name)))
    last = universe.sessions[-1] if end is None else naive_day(end, "end")
    first = last - pd.Timedelta(365, "D") if start is None else naive_day(start, "start")
    begin = int(universe.sessions.searchsorted(first))
    stop = int(universe.sessions.searchsorted(last, side="right"))
    if start is None and stop:
        day = universe.sessions[stop - 1]
        needed = plan_of(pipeline.terms(), universe.domain, universe.sessions, day, day).extra_rows
        begin = max(begin, needed[AssetExists()] + 1)  # a row shows the session before it
    if begin >= stop:
        raise InvalidParameter(f"explain: no session of bundle {data.name!r} from {first.date()} to {last.date()}")
    dates = universe.sessions[begin], universe.sessions[stop - 1]
    return _explained(
        pipeline, universe.domain, universe.sessions, *dates, stop - begin, len(universe.equities),
        f"Pipeline on bundle {data.name!r}",
    )  # fmt: skip


def _explained(
    pipeline: _Pipeline,
    domain: Domain,
    sessions: pd.DatetimeIndex,
    start: pd.Timestamp,
    end: pd.Timestamp,
    n_sessions: int,
    n_assets: int,
    title: str,
) -> Explanation:
    plan = plan_of(pipeline.terms(), domain, sessions, start, end)
    return Explanation(plan, n_sessions, n_assets, peak_bytes(plan, n_sessions, n_assets), title)


def _text(term: Any) -> str:
    return repr(term) if not isinstance(term, AssetExists) else "AssetExists (assets that exist each morning)"


def _size(count: float) -> str:
    for unit in ("B", "kB", "MB"):
        if count < 1000:
            return f"{count:.0f} {unit}" if unit == "B" or count >= 100 else f"{count:.1f} {unit}"
        count /= 1000
    return f"{count:.1f} GB"
