"""On which sessions, and over which country's assets, is a pipeline computed?"""

from __future__ import annotations

from collections.abc import Iterable
from functools import cached_property
from typing import Any, Final

import numpy as np
import pandas as pd

from rustybt.calendars import get_calendar
from rustybt.errors import InvalidParameter, RustyBTError

MINUTES_BEFORE_OPEN: Final = 45
"""What is known this long before a session's open is known to its pipelines."""


OFFSET: Final = -np.timedelta64(MINUTES_BEFORE_OPEN, "m")


class Domain:
    """Sessions, which label a pipeline's rows, and a country, whose assets are its columns."""

    @property
    def country_code(self) -> str:
        """ISO 3166 alpha-2 code."""
        raise NotImplementedError(f"{self!r} has no country")

    def sessions(self) -> pd.DatetimeIndex:
        """Give all sessions, tz-naive midnights."""
        raise NotImplementedError(f"{self!r} has no sessions")

    def data_query_cutoff_for_sessions(self, sessions: pd.DatetimeIndex) -> pd.DatetimeIndex:
        """Give the moment, UTC, up to which something must have been known to be seen on each session."""
        raise NotImplementedError(f"{self!r} has no sessions")

    def roll_forward(self, dt: Any) -> pd.Timestamp:
        """Give the first session at or after a date.

        Raises
        ------
        ValueError
            If there is none.
        """
        day, sessions = pd.Timestamp(dt), self.sessions()
        place = int(sessions.searchsorted(day))
        if place == len(sessions):
            raise ValueError(
                f"date {day.date()} is past the last session of {self!r} ({sessions[-1].date()}): choose an earlier one"
            )
        return pd.Timestamp(sessions[place])


class GenericDomain(Domain):
    """Of terms that fit every domain: the one of the pipeline's bundle is used."""

    def __repr__(self) -> str:
        return "GENERIC"

    def __reduce__(self) -> str:
        return "GENERIC"


GENERIC: Final = GenericDomain()


class EquityCalendarDomain(Domain):
    """A country's equities, on the sessions of a calendar.

    Parameters
    ----------
    country_code : str
        ISO 3166 alpha-2 code.
    calendar_name : str
        Of `exchange_calendars`.
    data_query_offset : np.timedelta64
        From a session's open back to when something must have been known to be seen on it; below 0.

    Examples
    --------
    >>> US_EQUITIES.country_code, US_EQUITIES.roll_forward("2020-01-01")
    ('US', Timestamp('2020-01-02 00:00:00'))
    """

    def __init__(
        self,
        country_code: str,
        calendar_name: str,
        data_query_offset: Any = OFFSET,
    ) -> None:
        offset = pd.Timedelta(data_query_offset)
        if offset >= pd.Timedelta(0):
            raise InvalidParameter(f"data_query_offset {offset} is not before the open: give a negative one")
        self._country_code = country_code
        self.data_query_offset = offset.as_unit("ns")
        self.calendar_name = calendar_name

    @property
    def country_code(self) -> str:
        """ISO 3166 alpha-2 code."""
        return self._country_code

    @cached_property
    def calendar(self) -> Any:
        """The ExchangeCalendar."""
        return get_calendar(self.calendar_name)

    def sessions(self) -> pd.DatetimeIndex:
        """Give all sessions, tz-naive midnights."""
        return pd.DatetimeIndex(self.calendar.sessions)

    def data_query_cutoff_for_sessions(self, sessions: pd.DatetimeIndex) -> pd.DatetimeIndex:
        """Give the moment, UTC, up to which something must have been known to be seen on each session."""
        opens = pd.DatetimeIndex(self.calendar.opens.reindex(sessions))
        missing = sessions[opens.isna()]
        if len(missing):
            raise ValueError(f"{missing[0].date()} is no session of calendar {self.calendar_name!r}")
        return opens + self.data_query_offset

    def __reduce__(self) -> Any:
        own = _BY_CALENDAR.get(self.calendar_name)
        return (domain_of_calendar, (self.calendar_name,)) if own is self else super().__reduce__()

    def __repr__(self) -> str:
        return f"EquityCalendarDomain({self._country_code!r}, {self.calendar_name!r})"


AR_EQUITIES = EquityCalendarDomain("AR", "XBUE")
AT_EQUITIES = EquityCalendarDomain("AT", "XWBO")
AU_EQUITIES = EquityCalendarDomain("AU", "XASX")
BE_EQUITIES = EquityCalendarDomain("BE", "XBRU")
BR_EQUITIES = EquityCalendarDomain("BR", "BVMF")
CA_EQUITIES = EquityCalendarDomain("CA", "XTSE")
CH_EQUITIES = EquityCalendarDomain("CH", "XSWX")
CL_EQUITIES = EquityCalendarDomain("CL", "XSGO")
CN_EQUITIES = EquityCalendarDomain("CN", "XSHG")
CO_EQUITIES = EquityCalendarDomain("CO", "XBOG")
CZ_EQUITIES = EquityCalendarDomain("CZ", "XPRA")
DE_EQUITIES = EquityCalendarDomain("DE", "XFRA")
DK_EQUITIES = EquityCalendarDomain("DK", "XCSE")
ES_EQUITIES = EquityCalendarDomain("ES", "XMAD")
FI_EQUITIES = EquityCalendarDomain("FI", "XHEL")
FR_EQUITIES = EquityCalendarDomain("FR", "XPAR")
GB_EQUITIES = EquityCalendarDomain("GB", "XLON")
GR_EQUITIES = EquityCalendarDomain("GR", "ASEX")
HK_EQUITIES = EquityCalendarDomain("HK", "XHKG")
HU_EQUITIES = EquityCalendarDomain("HU", "XBUD")
ID_EQUITIES = EquityCalendarDomain("ID", "XIDX")
IE_EQUITIES = EquityCalendarDomain("IE", "XDUB")
IN_EQUITIES = EquityCalendarDomain("IN", "XBOM")
IT_EQUITIES = EquityCalendarDomain("IT", "XMIL")
JP_EQUITIES = EquityCalendarDomain("JP", "XTKS")
KR_EQUITIES = EquityCalendarDomain("KR", "XKRX")
MX_EQUITIES = EquityCalendarDomain("MX", "XMEX")
MY_EQUITIES = EquityCalendarDomain("MY", "XKLS")
NL_EQUITIES = EquityCalendarDomain("NL", "XAMS")
NO_EQUITIES = EquityCalendarDomain("NO", "XOSL")
NZ_EQUITIES = EquityCalendarDomain("NZ", "XNZE")
PE_EQUITIES = EquityCalendarDomain("PE", "XLIM")
PH_EQUITIES = EquityCalendarDomain("PH", "XPHS")
PK_EQUITIES = EquityCalendarDomain("PK", "XKAR")
PL_EQUITIES = EquityCalendarDomain("PL", "XWAR")
PT_EQUITIES = EquityCalendarDomain("PT", "XLIS")
RU_EQUITIES = EquityCalendarDomain("RU", "XMOS")
SE_EQUITIES = EquityCalendarDomain("SE", "XSTO")
SG_EQUITIES = EquityCalendarDomain("SG", "XSES")
TH_EQUITIES = EquityCalendarDomain("TH", "XBKK")
TR_EQUITIES = EquityCalendarDomain("TR", "XIST")
TW_EQUITIES = EquityCalendarDomain("TW", "XTAI")
US_EQUITIES = EquityCalendarDomain("US", "XNYS")
ZA_EQUITIES = EquityCalendarDomain("ZA", "XJSE")

BUILT_IN_DOMAINS: Final[tuple[EquityCalendarDomain, ...]] = tuple(
    domain for name, domain in sorted(globals().items()) if name.endswith("_EQUITIES")
)
_BY_CALENDAR: Final = {domain.calendar_name: domain for domain in BUILT_IN_DOMAINS}

UNKNOWN_COUNTRY: Final = "??"
"""The country of assets of which none is known; they belong to the domain of their bundle's calendar."""


def domain_of_calendar(name: str) -> EquityCalendarDomain:
    """Give the domain of a calendar; one without a country where it is not a country's, as of crypto currencies.

    Parameters
    ----------
    name : str
        As `exchange_calendars` has it.

    Returns
    -------
    EquityCalendarDomain
        The same for the same calendar.

    Examples
    --------
    >>> domain_of_calendar("XNYS") is US_EQUITIES, domain_of_calendar("24/7").country_code
    (True, '??')
    """
    if name not in _BY_CALENDAR:
        _BY_CALENDAR[name] = EquityCalendarDomain(UNKNOWN_COUNTRY, name)
    return _BY_CALENDAR[name]


class AmbiguousDomain(RustyBTError, ValueError):
    """Terms of several domains in one pipeline."""


def infer_domain(terms: Iterable[Any]) -> Domain:
    """Give the one domain of some terms, GENERIC where none of them has one.

    Raises
    ------
    AmbiguousDomain
        If they have several.
    """
    domains = {term.domain for term in terms} - {GENERIC}
    if len(domains) > 1:
        raise AmbiguousDomain(
            f"terms of several domains in one pipeline or term: {', '.join(sorted(map(repr, domains)))}; use columns "
            "of one"
        )
    return next(iter(domains), GENERIC)
