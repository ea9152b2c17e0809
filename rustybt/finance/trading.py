"""Over which sessions, with how much cash and at which frequency does a simulation run?"""

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Union

import pandas as pd

from rustybt.calendars import SessionTable, get_calendar, naive_day, session_table
from rustybt.errors import InvalidParameter, InvalidSpan

if TYPE_CHECKING:
    from exchange_calendars import ExchangeCalendar

FREQUENCIES = ("daily", "minute")
DEFAULT_CAPITAL_BASE = 100_000.0


@dataclass(frozen=True)
class SimulationParameters:
    """Sessions, cash and frequency of a simulation.

    Parameters
    ----------
    start_session, end_session : date-like
        First and last day; one that is no session moves inwards to the next that is.
    trading_calendar : ExchangeCalendar or str
        The market's calendar, or its name.
    capital_base : float
        Cash at the start.
    emission_rate : {"daily"}
        How often a row of the perf frame is made.
    data_frequency : {"daily", "minute"}
        Of the bars.
    arena : str
        What `get_environment("arena")` gives.

    Attributes
    ----------
    start_session, end_session : pd.Timestamp
        Labels of the first and last session, tz-naive midnights.

    Raises
    ------
    InvalidSpan
        If a date is none, or no session lies between them.
    InvalidParameter
        If a rate or frequency is unknown.

    Examples
    --------
    >>> params = SimulationParameters("2020-01-01", "2020-01-05", "XNYS", capital_base=1e6)
    >>> str(params.start_session.date()), str(params.last_close)
    ('2020-01-02', '2020-01-03 21:00:00+00:00')
    """

    start_session: pd.Timestamp
    end_session: pd.Timestamp
    trading_calendar: Union["ExchangeCalendar", str]
    capital_base: float = DEFAULT_CAPITAL_BASE
    emission_rate: str = "daily"
    data_frequency: str = "daily"
    arena: str = "backtest"

    def __post_init__(self) -> None:
        if self.emission_rate != "daily":
            raise InvalidParameter(
                f"emission_rate {self.emission_rate!r} is not offered: a perf frame has a row a session, pass 'daily'"
            )
        if self.data_frequency not in FREQUENCIES:
            raise InvalidParameter(
                f"data_frequency {self.data_frequency!r} is unknown: choose one of {', '.join(FREQUENCIES)}"
            )
        if isinstance(self.trading_calendar, str):
            object.__setattr__(self, "trading_calendar", get_calendar(self.trading_calendar))
        first, last = naive_day(self.start_session, "start_session"), naive_day(self.end_session, "end_session")
        sessions = session_table(self.calendar_name, first, last).session_ns
        if not len(sessions):
            raise InvalidSpan(
                f"there are no trading days between start_session {first.date()} and end_session {last.date()} "
                f"({self.calendar_name} calendar): choose a longer span"
            )
        object.__setattr__(self, "start_session", pd.Timestamp(sessions[0]))
        object.__setattr__(self, "end_session", pd.Timestamp(sessions[-1]))

    @property
    def calendar_name(self) -> str:
        """The calendar's name."""
        return str(self.trading_calendar.name)  # type: ignore[union-attr] # __post_init__ looked a name up

    @cached_property
    def _table(self) -> SessionTable:
        return session_table(self.calendar_name, self.start_session, self.end_session)

    @property
    def sessions(self) -> pd.DatetimeIndex:
        """Labels of all sessions, tz-naive."""
        return pd.DatetimeIndex(self._table.session_ns.view("M8[ns]"))

    @property
    def first_open(self) -> pd.Timestamp:
        """The first minute of the first session, UTC."""
        return pd.Timestamp(self._table.open_ns[0], tz="UTC")

    @property
    def last_close(self) -> pd.Timestamp:
        """The last minute of the last session, UTC."""
        return pd.Timestamp(self._table.close_ns[-1], tz="UTC")

    def create_new(
        self, start_session: pd.Timestamp, end_session: pd.Timestamp, data_frequency: str | None = None
    ) -> "SimulationParameters":
        """Give the same parameters for other sessions, and perhaps another frequency."""
        return SimulationParameters(
            start_session,
            end_session,
            self.trading_calendar,
            self.capital_base,
            self.emission_rate,
            data_frequency or self.data_frequency,
            self.arena,
        )
