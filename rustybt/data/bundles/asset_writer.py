"""Which assets does an ingest function describe? Frames of equities and exchanges to an asset finder."""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping, Sequence
from typing import Any, Final

import numpy as np
import pandas as pd

from rustybt.assets import AssetFinder, Equity, SymbolOwner
from rustybt.assets.finder import symbol_key
from rustybt.constants import DEFAULT_TICK_SIZE, NAT
from rustybt.errors import BadData, did_you_mean

_FOREVER_NS: Final = 2**63 - 1
_TEXT: Final = ("symbol", "asset_name", "exchange")
_TIMES: Final = {"start_date": 0, "end_date": _FOREVER_NS, "first_traded": NAT, "auto_close_date": NAT}
"""Columns of dates, and what a missing column means (nanoseconds since 1970)."""
_SYNONYMS: Final = {"company_name": "asset_name", "file_name": "symbol"}


class AssetWriter:
    """Collects the assets of a bundle version that is being ingested.

    Parameters
    ----------
    previous : AssetFinder, optional
        The assets of the version that this one goes on from.
    restate : bool
        Let a sid stand for an asset that never had the symbol that it had in that version.
    """

    def __init__(self, previous: AssetFinder | None = None, restate: bool = False) -> None:
        self._previous = previous
        self._restate = restate
        self._known_sids = {} if previous is None else {equity.symbol: equity.sid for equity in previous.equities}
        self._equities: list[pd.DataFrame] = []
        self._exchanges: dict[str, tuple[str, str]] = {}

    def write(
        self,
        equities: pd.DataFrame | None = None,
        futures: pd.DataFrame | None = None,
        exchanges: pd.DataFrame | None = None,
        root_symbols: pd.DataFrame | None = None,
        equity_supplementary_mappings: pd.DataFrame | None = None,
    ) -> None:
        """Describe assets.

        Parameters
        ----------
        equities : DataFrame, optional
            The index, or a column "sid", holds the sids. Columns: symbol, asset_name, exchange (required), start_date
            (default 1970), end_date (default never), first_traded, auto_close_date, tick_size (default 0.01). A sid
            with several rows had several symbols, each from its start to its end.
        futures, root_symbols, equity_supplementary_mappings : DataFrame, optional
            Must be empty: only equities are supported.
        exchanges : DataFrame, optional
            Columns exchange (or the index), canonical_name (default the exchange) and country_code (default "??"). By
            default those that the equities name.

        Raises
        ------
        BadData
            If a frame is refused, or equities lack what they need.
        """
        refused = {
            "futures": futures,
            "root_symbols": root_symbols,
            "equity_supplementary_mappings": equity_supplementary_mappings,
        }
        for name, frame in refused.items():
            if frame is not None and len(frame):
                raise BadData(f"{name} has {len(frame)} rows, but only equities are supported: leave {name} out")
        if exchanges is not None:
            self._add_exchanges(exchanges)
        if equities is not None and len(equities):
            self._equities.append(_checked(equities))

    def sids_of(self, symbols: Sequence[str]) -> dict[str, int]:
        """Give symbols their sids: those that they had in the version before, and the next free ones.

        Parameters
        ----------
        symbols : sequence of str
            In the order that new ones are numbered in.

        Returns
        -------
        dict of str to int

        Raises
        ------
        BadData
            If two assets of the version before have one symbol.
        """
        if self._previous is not None and len(self._known_sids) < len(self._previous.equities):
            first = {equity.symbol: equity for equity in reversed(self._previous.equities)}
            again = next(equity for equity in self._previous.equities if first[equity.symbol] is not equity)
            raise BadData(
                f"symbol {again.symbol!r} is that of sid {first[again.symbol].sid} and of sid {again.sid} in the "
                "version before, and new data does not say of which it is: ingest without append"
            )
        free = itertools.count(max(self._known_sids.values(), default=-1) + 1)
        return {symbol: self._known_sids.get(symbol, -1) for symbol in symbols} | {
            symbol: next(free) for symbol in symbols if symbol not in self._known_sids
        }

    def check_keys(self, symbols: Mapping[str, str]) -> None:
        """Refuse to go on from a version where keys of assets are not their symbols: their sids could not be found.

        Parameters
        ----------
        symbols : mapping of str to str
            Symbols by key.

        Raises
        ------
        BadData
            If there is a version before, and one of them is another.
        """
        other = next((key for key, symbol in symbols.items() if key != symbol), None)
        if self._previous is not None and other is not None:
            raise BadData(
                f"asset {other}: another asset has had the symbol {symbols[other]} too, and the version before does "
                "not say which is which: ingest without append"
            )

    @property
    def known_spans(self) -> dict[str, tuple[int, int]]:
        """First and last session of the assets of the version before, nanoseconds, by symbol."""
        equities = () if self._previous is None else self._previous.equities
        return {equity.symbol: (equity.start_ns, equity.end_ns) for equity in equities}

    @property
    def known_assets(self) -> dict[str, dict[str, Any]]:
        """What was said of the assets of the version before, by symbol, in the words of `raw_bars.Facts`."""
        return {
            equity.symbol: {
                **{"asset_name": equity.asset_name, "tick_size": equity.tick_size, "first_traded": equity.first_traded},
                **{"exchange": equity.exchange_full, "canonical_name": equity.exchange},
                "country_code": equity.country_code,
            }
            for equity in (() if self._previous is None else self._previous.equities)
        }

    def finder(self) -> AssetFinder:
        """Give everything written so far, and the assets of the version before that nobody described, as a finder.

        Returns
        -------
        AssetFinder

        Raises
        ------
        BadData
            If no asset was written, a symbol has two owners in one country at one time, or a sid was another asset's in
            the version before.
        """
        if not self._equities:
            raise BadData("the ingest function wrote no assets: call asset_db_writer.write(equities=...)")
        rows = pd.concat([_rows(frame) for frame in self._equities], ignore_index=True)
        rows = rows.sort_values(["sid", "end_date"], kind="stable")
        equities = [self._equity(group) for _, group in rows.groupby("sid", sort=True)]
        described = {equity.sid for equity in equities}
        owners = [
            SymbolOwner(int(start), int(end), int(sid), symbol)
            for sid, symbol, start, end in rows[["sid", "symbol", "start_date", "end_date"]].to_numpy(dtype=object)
        ]
        if self._previous is not None:
            self._check_sids(owners)
            equities += [equity for equity in self._previous.equities if equity.sid not in described]
            owners += [owner for owner in self._previous.owners if owner.sid not in described]
            equities.sort()
        _check_owners(owners, {equity.sid: equity.country_code for equity in equities})
        return AssetFinder(equities, owners)

    def _check_sids(self, owners: Sequence[SymbolOwner]) -> None:
        """Refuse a sid of another asset: its bars would be joined with those of the asset that had the sid before."""
        symbols: dict[int, set[str]] = {}
        for owner in owners:
            symbols.setdefault(owner.sid, set()).add(owner.symbol)
        for equity in () if self._previous is None or self._restate else self._previous.equities:
            now = symbols.get(equity.sid, {equity.symbol})
            if equity.symbol and equity.symbol not in now:
                raise BadData(
                    f"sid {equity.sid} was {equity.symbol} in the version before, and is {', '.join(sorted(now))} now: "
                    "give each asset the sid that it had and new ones new sids; if it was renamed, write a row of each "
                    "symbol, or ingest with restate"
                )

    def _add_exchanges(self, exchanges: pd.DataFrame) -> None:
        frame = exchanges if "exchange" in exchanges.columns else exchanges.rename_axis("exchange").reset_index()
        for row in frame.to_dict("records"):
            name = _text(row["exchange"])
            canonical, country = _text(row.get("canonical_name")), _text(row.get("country_code"))
            self._exchanges[name] = (canonical or name, country or "??")

    def _equity(self, rows: pd.DataFrame) -> Equity:
        latest = rows.iloc[-1]
        sid = int(latest["sid"])
        exchange = latest["exchange"]
        if self._exchanges and exchange not in self._exchanges:
            near = did_you_mean(exchange, self._exchanges)
            raise BadData(f"equity {sid} trades on {exchange!r}, which the exchanges frame lacks{near}: add it there")
        canonical, country = self._exchanges.get(exchange, (exchange, "??"))
        return Equity(
            *(sid, latest["symbol"], latest["asset_name"], canonical, exchange, country),
            *(_date(int(rows["start_date"].min())), _date(int(rows["end_date"].max()))),
            *(_date(int(latest["first_traded"])), _date(int(latest["auto_close_date"]))),
            tick_size=_tick_size(latest["tick_size"], sid),
        )


def _checked(equities: pd.DataFrame) -> pd.DataFrame:
    frame = equities.copy()
    for synonym, name in _SYNONYMS.items():
        if synonym in frame.columns and name not in frame.columns:
            frame[name] = frame[synonym]
    if "sid" in frame.columns:
        frame = frame.set_index("sid")
    if "exchange" not in frame.columns:
        near = did_you_mean("exchange", [str(column) for column in frame.columns])
        raise BadData(f"equities have no column 'exchange'{near}: name the exchange of each, e.g. 'NYSE'")
    wrong = [sid for sid in frame.index.tolist() if not isinstance(sid, int) or sid < 0]
    if wrong:
        raise BadData(f"equities have sid {wrong[0]!r}: the index must hold whole numbers from 0 on")
    return frame


def _rows(frame: pd.DataFrame) -> pd.DataFrame:
    columns: dict[str, Any] = {"sid": frame.index.to_numpy(dtype=np.int64)}
    for name in _TEXT:
        columns[name] = [_text(cell) for cell in frame[name]] if name in frame.columns else [""] * len(frame)
    columns["symbol"] = [symbol.upper() for symbol in columns["symbol"]]
    for name, default in _TIMES.items():
        columns[name] = times_ns(frame[name], f"equities column {name!r}") if name in frame.columns else default
    columns["tick_size"] = frame["tick_size"].to_numpy() if "tick_size" in frame.columns else np.nan
    for name in ("start_date", "end_date"):
        columns[name] = np.where(columns[name] == NAT, _TIMES[name], columns[name])
    return pd.DataFrame(columns)


def times_ns(column: Any, who: str) -> Any:
    """Read a column of dates of any kind as int64 nanoseconds since 1970, UTC; NAT where missing.

    Parameters
    ----------
    column : Series, Index or sequence
        Dates; integers are nanoseconds.
    who : str
        Whose dates; for messages.

    Returns
    -------
    int64 array

    Raises
    ------
    BadData
        If they are no dates.
    """
    try:
        index = pd.DatetimeIndex(pd.to_datetime(pd.Series(column).to_numpy(), utc=True))
    except (ValueError, TypeError) as error:
        raise BadData(f"{who} holds something else than dates ({error}): convert it with pandas.to_datetime") from error
    return index.tz_localize(None).as_unit("ns").asi8


def _check_owners(owners: Sequence[SymbolOwner], country: dict[int, str]) -> None:
    """Refuse a symbol that two assets of one country hold on the same day: look-ups could not tell them apart."""
    held: dict[tuple[tuple[str, str], str], SymbolOwner] = {}
    for owner in sorted(owners):
        if owner.start_ns > owner.end_ns:
            raise BadData(
                f"equity {owner.sid} [{owner.symbol}] starts on {_date(owner.start_ns)} after its end "
                f"{_date(owner.end_ns)}: exchange start_date and end_date"
            )
        key = (symbol_key(owner.symbol), country[owner.sid])
        before = held.get(key)
        if owner.symbol and before is not None and before.sid != owner.sid and owner.start_ns <= before.end_ns:
            raise BadData(
                f"symbol {owner.symbol!r} in country {key[1]} belongs to sid {before.sid} until "
                f"{_date(before.end_ns)} and to sid {owner.sid} from {_date(owner.start_ns)}: end the first earlier"
            )
        if before is None or owner.end_ns >= before.end_ns:
            held[key] = owner


def _tick_size(cell: Any, sid: int) -> float:
    if pd.isna(cell):
        return DEFAULT_TICK_SIZE
    tick = float(cell)
    if not 0 < tick < math.inf:
        raise BadData(f"equity {sid} has tick_size {cell!r}: give the smallest step of its price, such as 0.01")
    return tick


def _text(cell: Any) -> str:
    """Give a text that every table keeps: an array would lose a NUL at the end, Parquet knows no half characters."""
    text = "" if cell is None or pd.isna(cell) else str(cell)
    if "\0" in text or any("\ud800" <= character <= "\udfff" for character in text):
        raise BadData(f"assets name {text[:40]!r}, which has a NUL or no valid Unicode: leave such characters out")
    return text


def _date(ns: int) -> pd.Timestamp | None:
    return None if ns == NAT else pd.Timestamp(ns)
