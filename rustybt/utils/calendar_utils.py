"""When is a market open? Calendars under the names that Zipline's users know; see `rustybt.calendars`."""

from exchange_calendars import ExchangeCalendar as TradingCalendar
from exchange_calendars import get_calendar_names, register_calendar_alias, register_calendar_type
from exchange_calendars.utils.pandas_utils import days_at_time

from rustybt.calendars import get_calendar

__all__ = [
    "TradingCalendar",
    "days_at_time",
    "get_calendar",
    "get_calendar_names",
    "register_calendar_alias",
    "register_calendar_type",
]
