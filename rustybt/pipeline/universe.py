"""On which sessions and assets of a bundle is a pipeline computed, and where do they lie in its arrays?

A pipeline's row is a session on whose morning something is known: the bundle's bars up to the session before. So a row
may be the session after the bundle's last bar.
"""

from __future__ import annotations

from collections.abc import Hashable
from functools import cached_property
from typing import Final, NamedTuple

import numpy as np
import pandas as pd

from rustybt._typing import BoolArray, IntArray
from rustybt.assets import Equity
from rustybt.calendars import get_calendar, session_table
from rustybt.constants import NAT
from rustybt.data.portal import Portal
from rustybt.errors import InvalidParameter, InvalidSpan
from rustybt.pipeline.domain import BUILT_IN_DOMAINS, GENERIC, UNKNOWN_COUNTRY, Domain, domain_of_calendar

CALENDARS_OF_DOMAINS: Final = {"24/7", *(domain.calendar_name for domain in BUILT_IN_DOMAINS)}


class Universe:
    """A bundle's sessions and assets, as a domain sees them.

    Parameters
    ----------
    portal : Portal
        Of the bundle.
    domain : Domain
        Which sessions and assets.
    and_next : bool
        Whether the session after the bundle's last bar is one of them.

    Attributes
    ----------
    sessions : pd.DatetimeIndex
        Rows: the bundle's sessions, those before its first bar included.
    before : int
        Rows before the bundle's first bar.

    Raises
    ------
    InvalidParameter
        If the domain has another calendar than the bundle, or the bundle no asset of the domain.
    """

    def __init__(self, portal: Portal, domain: Domain, and_next: bool = False) -> None:
        self.portal = portal
        self.domain = domain
        own = domain_of_calendar(portal.session_table.name)
        calendar = getattr(domain, "calendar_name", None)
        if calendar is not None and _calendar(calendar) != own.calendar_name:
            raise InvalidParameter(
                f"the pipeline is of {domain!r}, but bundle {portal.bundle.name!r} has calendar {own.calendar_name!r}: "
                "use EquityPricing, whose domain is the bundle's, or another bundle"
            )
        self.before = len(portal.sessions_before)
        sessions = portal.sessions_before.append(portal.sessions)
        self.sessions = pd.DatetimeIndex(sessions.append(_session_after(portal)) if and_next else sessions)
        country = UNKNOWN_COUNTRY if domain is GENERIC else domain.country_code
        known = (country, UNKNOWN_COUNTRY) if country == own.country_code else (country,)
        everyone = portal.finder.equities
        anywhere = own.country_code == UNKNOWN_COUNTRY
        self.equities = tuple(e for e in everyone if anywhere or e.country_code in known)
        if not self.equities:
            there = ", ".join(sorted({e.country_code for e in everyone})) or "none"
            raise InvalidParameter(
                f"bundle {portal.bundle.name!r} has no asset of country {country!r} (its countries: {there}): use "
                "columns of their domain, or give the assets' country when you ingest"
            )

    def row_of(self, session: pd.Timestamp, what: str) -> int:
        """Give the row of a session.

        Raises
        ------
        InvalidSpan
            If it is none.
        """
        row = int(self.sessions.searchsorted(session))
        if row == len(self.sessions) or self.sessions[row] != session:
            raise InvalidSpan(
                f"Pipeline {what} date {session.date()} is no session of bundle {self.portal.bundle.name!r} "
                f"({self.sessions[0].date()} to {self.sessions[-1].date()}): choose one"
            )
        return row

    def span(self, first: int, last: int) -> Span:
        """Give rows first..last, with the assets that exist on any of them."""
        labels = self.sessions[first : last + 1].as_unit("ns").asi8[:, None]
        starts, ends = self._lives
        alive = (starts < labels) & (labels <= ends)
        existed = np.flatnonzero(alive.any(axis=0))
        equities = tuple(self.equities[place] for place in existed.tolist())
        return Span(self, first, last, equities, np.ascontiguousarray(alive[:, existed]))

    @cached_property
    def _lives(self) -> tuple[IntArray, IntArray]:
        starts = np.array([equity.start_ns for equity in self.equities], dtype=np.int64)
        ends = np.array([equity.end_ns for equity in self.equities], dtype=np.int64)
        return starts, np.where(ends == NAT, np.iinfo(np.int64).max, ends)


class Span(NamedTuple):
    """Some rows of a universe.

    Attributes
    ----------
    universe : Universe
        Whose.
    first, last : int
        Rows, both included.
    equities : tuple of Equity
        The assets that exist on any of them, by sid.
    alive : bool array, shape (n_rows, n_assets)
        On which of them each exists.
    """

    universe: Universe
    first: int
    last: int
    equities: tuple[Equity, ...]
    alive: BoolArray

    @property
    def sessions(self) -> pd.DatetimeIndex:
        """The rows' labels."""
        return self.universe.sessions[self.first : self.last + 1]

    @property
    def sids(self) -> pd.Index:
        """The assets' ids."""
        return pd.Index([equity.sid for equity in self.equities], dtype=np.int64)

    def key(self, n_rows: int) -> Hashable:
        """Give what tells values of its last rows from those of other rows, assets and bundles."""
        sids = np.array([equity.sid for equity in self.equities], dtype=np.int64)
        return self.universe.portal.source, self.universe.domain, self.last, n_rows, sids.tobytes()


def _calendar(name: str) -> str:
    """Give a calendar's own name, of whichever alias."""
    return name if name in CALENDARS_OF_DOMAINS else str(get_calendar(name).name)


def _session_after(portal: Portal) -> pd.DatetimeIndex:
    last = portal.sessions[-1]
    later = session_table(portal.session_table.name, last + pd.Timedelta(1, "D"), last + pd.Timedelta(31, "D"))
    return pd.DatetimeIndex(later.session_ns[:1].view("datetime64[ns]"))
