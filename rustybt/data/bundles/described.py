"""What do writers need to know of the assets and corporate actions of a source? Frames by sid."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import numpy as np
import pandas as pd

from rustybt._typing import IntArray
from rustybt.constants import NAT, NS_PER_DAY
from rustybt.data.bundles.asset_writer import times_ns
from rustybt.data.bundles.raw_bars import Facts
from rustybt.errors import BadData

COUNTRIES: Final = {
    **{"XNYS": "US", "XNAS": "US", "XTSE": "CA", "XLON": "GB", "XTKS": "JP", "XHKG": "HK", "XASX": "AU"},
    **{"XETR": "DE", "XFRA": "DE", "XPAR": "FR", "XAMS": "NL", "XSWX": "CH", "XMIL": "IT", "XMAD": "ES"},
}
"""Countries of calendars' exchanges, for assets whose country nobody says."""

UNKNOWN_COUNTRY: Final = "??"
_DATES: Final = ("declared_date", "record_date", "pay_date")
_DAY: Final = pd.Timedelta(days=1)


def asset_frames(
    spans: Mapping[str, tuple[int, int]], sids: Mapping[str, int], facts: Facts, exchange: str, calendar: str
) -> dict[str, pd.DataFrame]:
    """Describe the assets that have bars.

    Parameters
    ----------
    spans : mapping of str to (int, int)
        First and last session by symbol, nanoseconds.
    sids : mapping of str to int
        By symbol.
    facts : Facts
        What the source says of some.
    exchange : str
        Of those of which nobody says one.
    calendar : str
        Whose exchange's country is theirs.

    Returns
    -------
    dict of str to DataFrame
        "equities" and "exchanges", as `AssetWriter.write` takes them. An asset lives from its first to its last row,
        and is closed a day later, unless the source says otherwise.

    Raises
    ------
    BadData
        If one exchange is in two countries.
    """
    rows, countries, canonical = [], dict[str, str](), dict[str, str]()
    default = COUNTRIES.get(calendar, UNKNOWN_COUNTRY)
    for symbol, (first, last) in sorted(spans.items()):
        said = {name: value for name, value in facts.assets.get(symbol, {}).items() if not is_missing(value)}
        where = str(said.get("exchange", exchange))
        country = str(said.get("country_code", default)).upper()
        if countries.setdefault(where, country) != country:
            raise BadData(
                f"asset {symbol}: exchange {where!r} is in country {country!r}, and in {countries[where]!r} for "
                "another asset: give each exchange one country"
            )
        canonical.setdefault(where, str(said.get("canonical_name", where)))
        start, end = said.get("start_date", pd.Timestamp(first)), said.get("end_date", pd.Timestamp(last))
        row = {
            "sid": sids[symbol],
            "asset_name": str(said.get("asset_name", "")),
            "first_traded": said.get("first_traded", pd.NaT),
            "auto_close_date": said.get("auto_close_date", pd.NaT if said.get("never_closed") else end + _DAY),
            "exchange": where,
            "tick_size": float(said.get("tick_size", np.nan)),
        }
        for name, begin, until in said.get("symbols", [(said.get("symbol", symbol), start, end)]):
            rows.append({**row, "symbol": name, "start_date": begin or start, "end_date": until or end})
    known = [
        {"exchange": name, "canonical_name": canonical[name], "country_code": code} for name, code in countries.items()
    ]
    return {"equities": pd.DataFrame(rows), "exchanges": pd.DataFrame(known)}


def split_frame(
    by_symbol: Mapping[str, Mapping[int, float]], given: pd.DataFrame | None, sids: Mapping[str, int]
) -> pd.DataFrame:
    """Join the splits of rows with those of a table, which count where both have one.

    Parameters
    ----------
    by_symbol : mapping of str to mapping of int to float
        Session (ns) to shares after for one before.
    given : DataFrame or None
        As `Facts.splits`.
    sids : mapping of str to int
        By symbol.

    Returns
    -------
    DataFrame
        As `AdjustmentWriter.write` takes it: the ratio is that of prices.
    """
    told = _factors(given, "splits", sids)
    known = {(sid, ns) for sid, ns, _ in told}
    told += [
        (sids[symbol], ns, 1.0 / ratio)
        for symbol, of in by_symbol.items()
        for ns, ratio in of.items()
        if (sids[symbol], ns) not in known
    ]
    return _factor_frame(told)


def split_days(given: pd.DataFrame | None) -> dict[str, list[int]]:
    """Give the days (ns) of a table's splits by symbol.

    Parameters
    ----------
    given : DataFrame or None
        As `Facts.splits`.

    Returns
    -------
    dict of str to list of int
    """
    out: dict[str, list[int]] = {}
    if given is not None and len(given):
        days = times_ns(given["effective_date"], "splits column 'effective_date'").tolist()
        for symbol, day in zip(given["symbol"], days, strict=True):
            out.setdefault(symbol, []).append(day)
    return out


def merger_frame(given: pd.DataFrame | None, sids: Mapping[str, int]) -> pd.DataFrame:
    """Give mergers as `AdjustmentWriter.write` takes them.

    Parameters
    ----------
    given : DataFrame or None
        As `Facts.mergers`.
    sids : mapping of str to int
        By symbol.

    Returns
    -------
    DataFrame
    """
    return _factor_frame(_factors(given, "mergers", sids))


def stock_dividend_frame(given: pd.DataFrame | None, sids: Mapping[str, int]) -> pd.DataFrame:
    """Give dividends paid in shares as `AdjustmentWriter.write` takes them.

    Parameters
    ----------
    given : DataFrame or None
        As `Facts.stock_dividends`.
    sids : mapping of str to int
        By symbol.

    Returns
    -------
    DataFrame
        Of assets that both have a sid.
    """
    if given is None:
        return pd.DataFrame()
    known = given[given["symbol"].isin(list(sids)) & given["payment_symbol"].isin(list(sids))]
    columns = {"symbol": "sid", "payment_symbol": "payment_sid"}
    out = known.rename(columns=columns)
    for column in columns.values():
        out[column] = np.array([sids[symbol] for symbol in out[column]], dtype=np.int64)
    return out


def _factors(given: pd.DataFrame | None, name: str, sids: Mapping[str, int]) -> list[tuple[int, int, float]]:
    """Give sid, day (ns) and factor of prices of each row of a table."""
    if given is None or not len(given):
        return []
    days = times_ns(given["effective_date"], f"{name} column 'effective_date'").tolist()
    as_factors = "factor" in given.columns
    values = given["factor" if as_factors else "ratio"].tolist()
    rows = [
        (sids[symbol], day, float(value))
        for symbol, day, value in zip(given["symbol"], days, values, strict=True)
        if symbol in sids
    ]
    if as_factors:
        return rows
    return [(sid, day, 1.0 / ratio) for (sid, day), ratio in {(sid, day): ratio for sid, day, ratio in rows}.items()]


def _factor_frame(rows: list[tuple[int, int, float]]) -> pd.DataFrame:
    rows = sorted(rows, key=lambda row: row[:2])
    return pd.DataFrame(
        {
            "sid": np.array([sid for sid, _, _ in rows], dtype=np.int64),
            "effective_date": pd.DatetimeIndex(np.array([ns for _, ns, _ in rows], np.int64).view("datetime64[ns]")),
            "ratio": np.array([factor for _, _, factor in rows], dtype=np.float64),
        }
    )


def dividend_frame(
    by_symbol: Mapping[str, Mapping[int, float]],
    given: pd.DataFrame | None,
    sids: Mapping[str, int],
    pay_lag: int | None,
    session_ns: IntArray,
) -> pd.DataFrame:
    """Join the dividends of rows with those of a table, which count where both have some of one day.

    Parameters
    ----------
    by_symbol : mapping of str to mapping of int to float
        Ex-date (ns) to cash a share.
    given : DataFrame or None
        Columns symbol, ex_date, amount, and dates as far as they are known.
    sids : mapping of str to int
        By symbol.
    pay_lag : int or None
        Days after the ex-date, in the first session from then on, for dividends whose pay date is not known.
    session_ns : int64 array, shape (n,)
        Of the calendar.

    Returns
    -------
    DataFrame
        As `AdjustmentWriter.write` takes it.
    """
    rows: list[dict[str, Any]] = []
    told: set[tuple[int, int]] = set()
    if given is not None and len(given):
        dates = {name: _times(given, name) for name in ("ex_date", *_DATES)}
        for at, (symbol, amount) in enumerate(zip(given["symbol"], given["amount"].tolist(), strict=True)):
            if symbol in sids:
                row = {name: int(column[at]) for name, column in dates.items()}
                rows.append({"sid": sids[symbol], "amount": float(amount), **row})
                told.add((sids[symbol], row["ex_date"]))
    rows += [
        {"sid": sids[symbol], "amount": amount, "ex_date": ns, **dict.fromkeys(_DATES, NAT)}
        for symbol, of in by_symbol.items()
        for ns, amount in of.items()
        if (sids[symbol], ns) not in told
    ]
    if pay_lag is not None:
        for row in rows:
            if row["pay_date"] == NAT:
                row["pay_date"] = _session_from(row["ex_date"] + pay_lag * NS_PER_DAY, session_ns)
    rows.sort(key=lambda row: (row["sid"], row["ex_date"]))
    out: dict[str, Any] = {
        "sid": np.array([row["sid"] for row in rows], dtype=np.int64),
        "amount": np.array([row["amount"] for row in rows], dtype=np.float64),
    }
    for name in ("ex_date", *_DATES):
        out[name] = pd.DatetimeIndex(np.array([row[name] for row in rows], dtype=np.int64).view("datetime64[ns]"))
    return pd.DataFrame(out)


def _times(given: pd.DataFrame, name: str) -> IntArray:
    if name not in given.columns:
        return np.full(len(given), NAT)
    return np.asarray(times_ns(given[name], f"dividends column {name!r}"))


def _session_from(day_ns: int, session_ns: IntArray) -> int:
    row = int(np.searchsorted(session_ns, day_ns))
    return int(session_ns[row]) if row < len(session_ns) else day_ns


def is_missing(value: Any) -> bool:
    """Say whether a cell of a table of assets is empty."""
    return value is None or value == "" or (not isinstance(value, list) and bool(pd.isna(value)))
