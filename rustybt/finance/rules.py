"""By which rules does a run differ from Zipline's: corrections of its defects, and extras that it does not have?"""

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final

from rustybt.errors import InvalidParameter, did_you_mean

CORRECTIONS: Final = (
    "no_lookahead_before_trading_start",
    "limit_price_recheck",
    "limit_price_zero_rejected",
    "eod_cancel_all",
    "fill_open_amount_only",
    "order_target_counts_open_orders",
    "dividend_paid_next_session",
    "full_precision_prices",
)
"""Names of the corrections; docs/guides/differences-from-zipline.md shows what each one changes."""

FILL_AT: Final = ("close", "open")
CASH: Final = ("allow_negative", "reject", "scale")


@dataclass(frozen=True, slots=True)
class Rules:
    """The corrections and extras of a run; `Rules()` are Zipline's rules, which know none of them.

    Make one with `rules_of`, which checks the values.

    Attributes
    ----------
    no_lookahead_before_trading_start : bool
        In a daily run, before_trading_start sees the session before, adjusted over the night.
    limit_price_recheck : bool
        No fill at a price worse than the order's limit.
    limit_price_zero_rejected : bool
        A limit price of 0 is an error.
    eod_cancel_all : bool
        In a daily run, EODCancel cancels every order that had a session to fill in.
    fill_open_amount_only : bool
        A fill takes no more shares than the order has open.
    order_target_counts_open_orders : bool
        The order_target functions count shares that are on order as held.
    dividend_paid_next_session : bool
        A dividend whose pay date is no session is paid on the next one.
    full_precision_prices : bool
        Prices are as they were ingested, and windows are not rounded.
    fill_at : {"close", "open"}
        Which price of the next bar an order fills at.
    cash : {"allow_negative", "reject", "scale"}
        What becomes of a buy that cash does not pay.
    fractional_shares : bool
        Shares are not truncated to whole ones.
    borrow_rate, margin_rate : float
        Cost of short positions and of negative cash, a year: 0.03 is 3%.
    """

    no_lookahead_before_trading_start: bool = False
    limit_price_recheck: bool = False
    limit_price_zero_rejected: bool = False
    eod_cancel_all: bool = False
    fill_open_amount_only: bool = False
    order_target_counts_open_orders: bool = False
    dividend_paid_next_session: bool = False
    full_precision_prices: bool = False
    fill_at: str = "close"
    cash: str = "allow_negative"
    fractional_shares: bool = False
    borrow_rate: float = 0.0
    margin_rate: float = 0.0

    @property
    def of_fills(self) -> tuple[bool, bool, bool]:
        """The fill kernel's last arguments: recheck_limit, open_only, fractional."""
        return self.limit_price_recheck, self.fill_open_amount_only, self.fractional_shares

    @property
    def limits_cash(self) -> bool:
        """Whether a buy may fail for want of cash."""
        return self.cash != "allow_negative"

    @property
    def charges_financing(self) -> bool:
        """Whether short positions or negative cash cost anything."""
        return self.borrow_rate > 0 or self.margin_rate > 0


ZIPLINE: Final = Rules()
"""The rules of a run that asks for nothing else."""


def rules_of(
    corrections: str | Iterable[str] = (),
    *,
    fill_at: str = "close",
    cash: str = "allow_negative",
    fractional_shares: bool = False,
    borrow_rate: float = 0.0,
    margin_rate: float = 0.0,
) -> Rules:
    """Check corrections and extras, and put them together.

    Parameters
    ----------
    corrections : "all" or iterable of str
        Names among CORRECTIONS.
    fill_at, cash, fractional_shares, borrow_rate, margin_rate
        See `Rules`.

    Returns
    -------
    Rules

    Raises
    ------
    InvalidParameter
        If a name or value is unknown, or a rate is negative or not finite.

    Examples
    --------
    >>> rules_of({"eod_cancel_all"}, cash="reject").eod_cancel_all
    True
    >>> rules_of({"eod_cancel_al"})
    Traceback (most recent call last):
    rustybt.errors.InvalidParameter: correction 'eod_cancel_al' is unknown (did you mean 'eod_cancel_all'?): ...
    """
    return Rules(
        **dict.fromkeys(_names(corrections), True),
        fill_at=_choice("fill_at", fill_at, FILL_AT),
        cash=_choice("cash", cash, CASH),
        fractional_shares=_flag("fractional_shares", fractional_shares),
        borrow_rate=_rate("borrow_rate", borrow_rate),
        margin_rate=_rate("margin_rate", margin_rate),
    )


def _names(corrections: Any) -> Iterable[str]:
    if isinstance(corrections, str):
        corrections = CORRECTIONS if corrections == "all" else (corrections,)
    if not isinstance(corrections, Iterable):
        raise InvalidParameter(f'corrections {corrections!r} are no names: pass a set of them, or "all"')
    names = list(corrections)
    for name in names:
        if name not in CORRECTIONS:
            near = did_you_mean(str(name), (*CORRECTIONS, "all"))
            raise InvalidParameter(f"correction {name!r} is unknown{near}: choose among {', '.join(CORRECTIONS)}")
    return names


def _choice(parameter: str, value: Any, known: tuple[str, ...]) -> str:
    if value not in known:
        near = did_you_mean(str(value), known)
        raise InvalidParameter(f"{parameter} {value!r} is unknown{near}: choose among {', '.join(known)}")
    return str(value)


def _flag(parameter: str, value: Any) -> bool:
    if not isinstance(value, bool):
        raise InvalidParameter(f"{parameter} {value!r} is neither True nor False")
    return value


def _rate(parameter: str, value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise InvalidParameter(f"{parameter} {value!r} is no number: 0.03 is 3% a year")
    if not 0 <= value < math.inf:
        raise InvalidParameter(f"{parameter} {value} must be finite and at least 0: 0.03 is 3% a year")
    return float(value)
