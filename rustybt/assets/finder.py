"""Which asset is meant? Look-up by sid, and by symbol as of a date."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from rustybt._typing import IntArray
from rustybt.assets.equity import Equity
from rustybt.errors import (
    MultipleSymbolsFound,
    SameSymbolUsedAcrossCountries,
    SidsNotFound,
    SymbolNotFound,
    did_you_mean,
)

_FOREVER_NS = 2**63 - 1
_SHARE_CLASS_MARK = re.compile(r"[./\-_]")


class SymbolOwner(NamedTuple):
    """That an asset traded under a symbol for a while.

    Attributes
    ----------
    start_ns, end_ns : int
        First and last day, nanoseconds since 1970.
    sid : int
        The asset.
    symbol : str
        Ticker in capitals.
    """

    start_ns: int
    end_ns: int
    sid: int
    symbol: str


def symbol_key(symbol: str) -> tuple[str, str]:
    """Split a ticker into company and share class, so that BRK.A, BRK-A and brk_a are one.

    Examples
    --------
    >>> symbol_key("brk.a")
    ('BRK', 'A')
    """
    company, *share_class = _SHARE_CLASS_MARK.split(symbol.upper(), maxsplit=1)
    return company, share_class[0] if share_class else ""


class AssetFinder:
    """The assets of one bundle version.

    Parameters
    ----------
    equities : sequence of Equity
        In any order; `column` is set to their order by sid.
    owners : iterable of SymbolOwner, optional
        Who traded under which symbol when; by default each asset under its own from its start to its end.

    Attributes
    ----------
    equities : tuple of Equity
        Sorted by sid, which is the order of the dense arrays' columns.
    sids : int64 array, shape (n_assets,)
        Ascending.

    Examples
    --------
    >>> day = pd.Timestamp("2020-01-02")
    >>> finder = AssetFinder([Equity(0, "AAPL", start_date=day, end_date=day)])
    >>> finder.lookup_symbol("aapl", day)
    Equity(0 [AAPL])
    """

    def __init__(self, equities: Sequence[Equity], owners: Iterable[SymbolOwner] | None = None) -> None:
        self.equities: tuple[Equity, ...] = tuple(sorted(equities, key=int))
        for column, equity in enumerate(self.equities):
            object.__setattr__(equity, "column", column)
        self.sids: IntArray = np.array([equity.sid for equity in self.equities], dtype=np.int64)
        self._by_sid = {equity.sid: equity for equity in self.equities}
        self._owners = tuple(
            (SymbolOwner(e.start_ns, e.end_ns, e.sid, e.symbol) for e in self.equities) if owners is None else owners
        )

    def __repr__(self) -> str:
        return f"{type(self).__name__}({len(self.equities)} equities)"

    @property
    def owners(self) -> tuple[SymbolOwner, ...]:
        """Who traded under which symbol when."""
        return self._owners

    def retrieve_asset(self, sid: int) -> Equity:
        """Give the asset with an id.

        Parameters
        ----------
        sid : int
            The id.

        Returns
        -------
        Equity

        Raises
        ------
        SidsNotFound
            If the bundle has no such asset.
        """
        return self.retrieve_all((sid,))[0]

    def retrieve_all(self, sids: Iterable[int]) -> list[Equity]:
        """Give the assets with these ids, in their order.

        Parameters
        ----------
        sids : iterable of int
            The ids.

        Returns
        -------
        list of Equity

        Raises
        ------
        SidsNotFound
            If the bundle lacks one of them.
        """
        wanted = [int(sid) for sid in sids]
        missing = [sid for sid in wanted if sid not in self._by_sid]
        if missing:
            raise SidsNotFound(f"no asset has sid {', '.join(map(str, missing))}: this bundle has {self._span()}")
        return [self._by_sid[sid] for sid in wanted]

    def lookup_symbol(self, symbol: str, as_of_date: Any, country_code: str | None = None) -> Equity:
        """Give the asset that traded under a symbol on a day.

        Parameters
        ----------
        symbol : str
            Ticker, in any case; `.`, `-`, `_` and `/` before a share class mean the same.
        as_of_date : date-like or None
            The day; None only resolves a symbol that a single asset ever had. A symbol stays with its last owner after
            the owner's end.
        country_code : str, optional
            Look only among assets of this country.

        Returns
        -------
        Equity

        Raises
        ------
        SymbolNotFound
            If nobody had the symbol then.
        MultipleSymbolsFound
            If several had it and as_of_date is None.
        SameSymbolUsedAcrossCountries
            If several had it on that day, in different countries.
        """
        if not isinstance(symbol, str):
            raise TypeError(f"symbol must be a string, got {symbol!r}")
        periods = self._periods.get(country_code, {}).get(symbol_key(symbol))
        if periods is None:
            known = sorted({owner.symbol for owner in self._owners})
            where = "" if country_code is None else f" in country {country_code!r}"
            raise SymbolNotFound(
                f"symbol {symbol!r} was not found{where}{did_you_mean(symbol, known)}: this bundle has {_some(known)}"
            )
        if as_of_date is None:
            return self._only_owner(symbol, periods)
        return self._owner_on(symbol, periods, pd.Timestamp(as_of_date))

    def lookup_symbols(self, symbols: Iterable[str], as_of_date: Any, country_code: str | None = None) -> list[Equity]:
        """Give the assets that traded under these symbols on a day; see `lookup_symbol`.

        Parameters
        ----------
        symbols : iterable of str
            Tickers.
        as_of_date : date-like or None
            The day.
        country_code : str, optional
            Look only among assets of this country.

        Returns
        -------
        list of Equity
        """
        return [self.lookup_symbol(symbol, as_of_date, country_code) for symbol in symbols]

    @cached_property
    def _periods(self) -> dict[str | None, dict[tuple[str, str], list[SymbolOwner]]]:
        """Ownership by country (None: all) and symbol; each period reaches to the next owner's start."""
        grouped: dict[str | None, dict[tuple[str, str], list[SymbolOwner]]] = {None: {}}
        for owner in sorted(self._owners):
            if owner.symbol:
                country = self._by_sid[owner.sid].country_code
                for scope in (None, country):
                    grouped.setdefault(scope, {}).setdefault(symbol_key(owner.symbol), []).append(owner)
        return {
            scope: {key: self._closed_gaps(owners) for key, owners in symbols.items()}
            for scope, symbols in grouped.items()
        }

    def _closed_gaps(self, owners: list[SymbolOwner]) -> list[SymbolOwner]:
        """Let each owner of one symbol keep it until the next in the same country takes it over."""
        out = []
        for i, owner in enumerate(owners):
            country = self._by_sid[owner.sid].country_code
            later = (o.start_ns for o in owners[i + 1 :] if self._by_sid[o.sid].country_code == country)
            out.append(owner._replace(end_ns=next(later, _FOREVER_NS)))
        return out

    def _only_owner(self, symbol: str, periods: list[SymbolOwner]) -> Equity:
        sids = sorted({owner.sid for owner in periods})
        if len(sids) > 1:
            raise MultipleSymbolsFound(
                f"symbol {symbol!r} belonged to several assets ({self._described(sids)}): pass as_of_date"
            )
        return self._by_sid[sids[0]]

    def _owner_on(self, symbol: str, periods: list[SymbolOwner], day: pd.Timestamp) -> Equity:
        day_ns = int(day.as_unit("ns").value)
        sids = sorted({owner.sid for owner in periods if owner.start_ns <= day_ns < owner.end_ns})
        if not sids:
            first = pd.Timestamp(periods[0].start_ns)
            raise SymbolNotFound(
                f"symbol {symbol!r} did not trade on {day.date()}: in this bundle it starts on {first.date()}"
            )
        if len(sids) > 1:
            raise SameSymbolUsedAcrossCountries(
                f"symbol {symbol!r} belongs to several assets ({self._described(sids)}): pass country_code"
            )
        return self._by_sid[sids[0]]

    def _described(self, sids: Iterable[int]) -> str:
        return ", ".join(f"{self._by_sid[sid]!r} in {self._by_sid[sid].country_code}" for sid in sids)

    def _span(self) -> str:
        if not self.equities:
            return "no assets"
        return f"{len(self.equities)} assets, sids {self.sids[0]} to {self.sids[-1]}"


def _some(symbols: list[str], limit: int = 8) -> str:
    shown = ", ".join(symbols[:limit]) or "no symbols"
    return shown if len(symbols) <= limit else f"{shown} and {len(symbols) - limit} more"
