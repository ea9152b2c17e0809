"""Which fixed numbers and names does the whole package share?"""

from typing import Final

OHLC: Final = ("open", "high", "low", "close")
OHLCV: Final = (*OHLC, "volume")

SESSIONS_PER_YEAR: Final = 252
"""Annualisation of daily statistics, the convention that Zipline and empyrical use."""

NAT: Final = -(2**63)
"""The int64 that pandas and NumPy read as NaT: a date that is not known."""

NS_PER_DAY: Final = 86_400_000_000_000
NS_PER_MINUTE: Final = 60_000_000_000

DEFAULT_CALENDAR: Final = "XNYS"
DEFAULT_PRICE_QUANTUM: Final = 0.001
"""Zipline's stores keep prices as whole thousandths."""

DEFAULT_TICK_SIZE: Final = 0.01
"""The smallest step of a price, in currency, of an asset for which nobody says one."""

SCHEMA_VERSION: Final = 1
"""Of a bundle version's tables and manifest; a change rebuilds nothing silently, it refuses."""
