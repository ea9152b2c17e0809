"""Which splits and dividends take effect on which session?"""

from functools import partial

import numpy as np
import pandas as pd

from rustybt._typing import IntArray
from rustybt.assets import Equity
from rustybt.constants import NAT
from rustybt.data.portal import Portal
from rustybt.finance.dividends import CashDividend, StockDividend

BEFORE_TRADING_START = pd.Timedelta(hours=8, minutes=45)


class CorporateActions:
    """A bundle's splits and dividends by the session on which they take effect.

    Parameters
    ----------
    portal : Portal
        Of the bundle. An action dated on no session of the calendar never takes effect, as in Zipline.
    pays_next_session : bool
        A dividend whose pay date is no session is paid on the session after it, instead of never.

    Attributes
    ----------
    sessions : frozenset of int
        Labels of the sessions on which anything takes effect.
    """

    def __init__(self, portal: Portal, pays_next_session: bool = False) -> None:
        tables = portal.bundle.adjustments
        equities = {equity.sid: equity for equity in portal.finder.equities}
        paid_on = partial(_session_from, portal.session_ns) if pays_next_session else int
        self.splits: dict[int, list[tuple[Equity, float]]] = {}
        self.dividends: dict[int, list[CashDividend]] = {}
        self.stock_dividends: dict[int, list[StockDividend]] = {}
        for row in tables.splits.tolist():
            sid, effective_ns, ratio = row
            if sid in equities:
                self.splits.setdefault(effective_ns, []).append((equities[sid], ratio))
        for dividend in tables.dividends:
            sid = int(dividend["sid"])
            if sid in equities:
                earned = CashDividend(equities[sid], float(dividend["amount"]), paid_on(int(dividend["pay_ns"])))
                self.dividends.setdefault(int(dividend["ex_ns"]), []).append(earned)
        for stock in tables.stock_dividends:
            sid, payment = int(stock["sid"]), int(stock["payment_sid"])
            if sid in equities and payment in equities:
                pay_ns = paid_on(int(stock["pay_ns"]))
                grant = StockDividend(equities[sid], equities[payment], float(stock["ratio"]), pay_ns)
                self.stock_dividends.setdefault(int(stock["ex_ns"]), []).append(grant)
        self.sessions = frozenset((*self.splits, *self.dividends, *self.stock_dividends))


def _session_from(session_ns: IntArray, date_ns: int) -> int:
    """Give the first session at or after a date; the date itself where there is none, or it is not known."""
    row = int(np.searchsorted(session_ns, date_ns))
    return date_ns if date_ns == NAT or row == len(session_ns) else int(session_ns[row])


def before_trading_start(sessions: pd.DatetimeIndex) -> list[pd.Timestamp]:
    """Give the minutes at which before_trading_start runs: 08:45 in New York, whatever the calendar.

    Examples
    --------
    >>> [str(minute) for minute in before_trading_start(pd.DatetimeIndex(["2020-07-01"]))]
    ['2020-07-01 12:45:00+00:00']
    """
    return (sessions + BEFORE_TRADING_START).tz_localize("America/New_York").tz_convert("UTC").tolist()
