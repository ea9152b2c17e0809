"""What is an asset? An immutable record that behaves like its id."""

from __future__ import annotations

import operator
from dataclasses import dataclass, field
from typing import Any

import pandas as pd

from rustybt.constants import DEFAULT_TICK_SIZE, NAT


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Asset:
    """What a strategy can own. Compares, sorts and hashes as its sid, also with plain integers.

    Parameters
    ----------
    sid : int
        Id within the bundle.
    symbol : str
        The latest ticker.
    asset_name : str
        Full name, "" when unknown.
    exchange, exchange_full : str
        Canonical short name, and full name, of the exchange.
    country_code : str
        ISO 3166 alpha-2 code, "??" when unknown.
    start_date, end_date : pd.Timestamp, optional
        First and last session, tz-naive midnights.
    first_traded : pd.Timestamp, optional
        First session with a trade.
    auto_close_date : pd.Timestamp, optional
        Positions are liquidated in the first session at or after it.
    tick_size : float
        Smallest price step, in currency.
    price_multiplier : float
        Units of the underlying in one share or contract.
    column : int
        Position in the bundle's dense arrays, -1 for an asset outside a bundle.

    Attributes
    ----------
    start_ns, end_ns, auto_close_ns : int
        The dates in nanoseconds since 1970; `constants.NAT` when missing.

    Examples
    --------
    >>> asset = Equity(3, "AAPL")
    >>> asset, int(asset), asset == 3
    (Equity(3 [AAPL]), 3, True)
    """

    sid: int
    symbol: str = ""
    asset_name: str = ""
    exchange: str = ""
    exchange_full: str = ""
    country_code: str = "??"
    start_date: pd.Timestamp | None = None
    end_date: pd.Timestamp | None = None
    first_traded: pd.Timestamp | None = None
    auto_close_date: pd.Timestamp | None = None
    tick_size: float = DEFAULT_TICK_SIZE
    price_multiplier: float = 1.0
    column: int = -1
    start_ns: int = field(init=False, default=NAT)
    end_ns: int = field(init=False, default=NAT)
    auto_close_ns: int = field(init=False, default=NAT)

    def __post_init__(self) -> None:
        for name, date in (
            ("start_ns", self.start_date),
            ("end_ns", self.end_date),
            ("auto_close_ns", self.auto_close_date),
        ):
            object.__setattr__(self, name, NAT if date is None else int(date.as_unit("ns").value))

    def __int__(self) -> int:
        return self.sid

    def __index__(self) -> int:
        return self.sid

    def __hash__(self) -> int:
        return self.sid

    def __eq__(self, other: object) -> bool:
        if isinstance(other, Asset):
            return self.sid == other.sid
        try:
            return self.sid == operator.index(other)  # type: ignore[arg-type]
        except TypeError:
            return NotImplemented

    def __lt__(self, other: Any) -> bool:
        return self.sid < operator.index(other)

    def __le__(self, other: Any) -> bool:
        return self.sid <= operator.index(other)

    def __gt__(self, other: Any) -> bool:
        return self.sid > operator.index(other)

    def __ge__(self, other: Any) -> bool:
        return self.sid >= operator.index(other)

    def __repr__(self) -> str:
        ticker = f" [{self.symbol}]" if self.symbol else ""
        return f"{type(self).__name__}({self.sid}{ticker})"

    def is_alive_for_session(self, session_label: pd.Timestamp) -> bool:
        """Say whether a session lies within the asset's life, both ends included.

        Parameters
        ----------
        session_label : pd.Timestamp
            Midnight of the session, with or without timezone.

        Returns
        -------
        bool
            False for an asset whose life is not known.
        """
        if self.start_date is None or self.end_date is None:
            return False
        return self.start_ns <= int(session_label.as_unit("ns").value) <= self.end_ns

    def to_dict(self) -> dict[str, Any]:
        """Give every descriptive attribute by name (the multiplier as "multiplier", as Zipline calls it there).

        Returns
        -------
        dict
            Input of `from_dict`. The column is the bundle's business and not in it.
        """
        return {key: getattr(self, _ATTRIBUTE.get(key, key)) for key in _DESCRIPTIVE}

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> Asset:
        """Make an asset of a dict such as `to_dict` gives; unknown keys are ignored.

        Parameters
        ----------
        values : dict
            At least "sid".

        Returns
        -------
        Asset
            Of the class it is called on.
        """
        return cls(**{_ATTRIBUTE.get(key, key): values[key] for key in _DESCRIPTIVE if key in values})


_ATTRIBUTE = {"multiplier": "price_multiplier"}
_DESCRIPTIVE = (
    *("sid", "symbol", "asset_name", "start_date", "end_date", "first_traded", "auto_close_date"),
    *("exchange", "exchange_full", "country_code", "tick_size", "multiplier"),
)


class Equity(Asset):
    """Partial ownership of a company, trust or partnership."""

    __slots__ = ()
