"""Do two bundle versions hold the same data? A digest of content, blind to how and when it was stored.

The fingerprint is a tree of SHA-256 digests: bars by asset and year, then each asset with its metadata and its
corporate actions, then all assets in the order of their digests with calendar, price quantum and schema. Sids, file
paths, ingest times, compression and the order of rows do not enter. A negative zero counts as zero, every NaN as one.
Corporate actions of one asset and day enter in the order of the source: it decides the last bits of adjusted prices.
Minute bars enter by asset and year too, and with them the breaks of sessions; without them nothing of it does. A tick
size enters where it is not the usual one.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np

from rustybt._typing import FloatArray, IntArray, Records
from rustybt.constants import SCHEMA_VERSION
from rustybt.data.adjustments import TABLES
from rustybt.data.tables import ASSET_NUMBERS, ASSET_TEXT, ASSET_TIMES

_DERIVED = ("dividend_ratios",)
"""Tables that follow from the others."""


class Digests(NamedTuple):
    """What a version is identified by.

    Attributes
    ----------
    fingerprint : str
        Hexadecimal digest of the content.
    sid_map : str
        Hexadecimal digest of which sid means which asset.
    """

    fingerprint: str
    sid_map: str


class MinuteDigests(NamedTuple):
    """What identifies the minute bars of a version.

    Attributes
    ----------
    bars : mapping of int to mapping
        For each sid with minute bars the result of `RowDigests.digests`.
    breaks : structured array of `calendars.BREAK`
        Of the version's sessions.
    """

    bars: Mapping[int, Mapping[int, str]]
    breaks: Records


def bars_digests(days: IntArray, values: FloatArray) -> dict[int, str]:
    """Digest the bars of one asset, a year at a time.

    Parameters
    ----------
    days : int64 array, shape (n,)
        Sessions in days since 1970, ascending.
    values : float64 array, shape (5, n)
        Open, high, low, close, volume.

    Returns
    -------
    dict of int to str
        Year to hexadecimal digest.

    Examples
    --------
    >>> sorted(bars_digests(np.array([0, 400]), np.ones((5, 2))))
    [1970, 1971]
    """
    years = years_of(days)
    canonical = _canonical_floats(values)
    out = {}
    for year in np.unique(years).tolist():
        rows = slice(int(np.searchsorted(years, year)), int(np.searchsorted(years, year, side="right")))
        digest = hashlib.sha256(np.ascontiguousarray(days[rows], dtype="<i8").tobytes())
        digest.update(np.ascontiguousarray(canonical[:, rows], dtype="<f8").tobytes())
        out[year] = digest.hexdigest()
    return out


class RowDigests:
    """Digests the minute bars of one asset, a year at a time, however they are cut into pieces."""

    def __init__(self) -> None:
        self._done: dict[int, str] = {}
        self._year: int | None = None
        self._digest = hashlib.sha256()

    def add(self, years: IntArray, label_ns: IntArray, values: FloatArray) -> None:
        """Digest the next bars.

        Parameters
        ----------
        years : int64 array, shape (n,)
            Year of each bar's session, ascending, and not before those of bars already digested.
        label_ns : int64 array, shape (n,)
            Labels, ascending.
        values : float64 array, shape (5, n)
            Open, high, low, close, volume.
        """
        rows = np.empty((len(label_ns), 1 + len(values)), dtype="<i8")
        rows[:, 0] = label_ns
        rows[:, 1:] = _canonical_floats(values).T.astype("<f8").view("<i8")
        for year in np.unique(years).tolist():
            if year != self._year:
                self._done, self._year, self._digest = self.digests(), year, hashlib.sha256()
            begin, end = np.searchsorted(years, [year, year + 1])
            self._digest.update(rows[begin:end].data)

    def digests(self) -> dict[int, str]:
        """Give the digests so far: year to hexadecimal digest."""
        return self._done if self._year is None else {**self._done, self._year: self._digest.hexdigest()}


def years_of(days: IntArray) -> IntArray:
    """Give the calendar year of days since 1970."""
    years: IntArray = days.astype("datetime64[D]").astype("datetime64[Y]").astype(np.int64) + 1970
    return years


def _canonical_floats(values: FloatArray) -> FloatArray:
    canonical = values + 0.0
    canonical[np.isnan(canonical)] = np.nan
    return canonical


def version_digests(
    records: Mapping[str, Records],
    bars: Mapping[int, Mapping[int, str]],
    calendar: str,
    price_quantum: float | None,
    first_trading_session_ns: int,
    minutes: MinuteDigests | None = None,
    datasets: Mapping[str, str] | None = None,
) -> Digests:
    """Digest a whole version.

    Parameters
    ----------
    records : mapping of str to structured array
        The small tables, see `tables.to_records`.
    bars : mapping of int to mapping
        For each sid the result of `bars_digests`; a sid without bars may be missing.
    calendar : str
        Canonical calendar name.
    price_quantum : float or None
        Of the version.
    first_trading_session_ns : int
        Of the version.
    minutes : MinuteDigests, optional
        Of a version that has minute bars.
    datasets : mapping of str to str, optional
        Digests of point-in-time tables by name.

    Returns
    -------
    Digests
    """
    nodes = _asset_nodes(records, bars, {} if minutes is None else minutes.bars)
    content: dict[str, Any] = {
        "schema": SCHEMA_VERSION,
        "calendar": calendar,
        "sessions": hashlib.sha256(np.ascontiguousarray(records["sessions"]).tobytes()).hexdigest(),
        "first_trading_session_ns": first_trading_session_ns,
        "price_quantum": None if price_quantum is None else price_quantum.hex(),
        "assets": sorted(nodes.values()),
    }
    if datasets:
        content["datasets"] = dict(datasets)
    if minutes is not None:
        content["breaks"] = [list(row) for row in minutes.breaks.tolist()]
    return Digests(_digest(content), _digest(sorted(nodes.items())))


def identities(records: Mapping[str, Records]) -> dict[int, list[Any]]:
    """Give what each asset is, whatever its sid, by sid."""
    names = (*ASSET_TEXT, *ASSET_TIMES)
    return {row[0]: list(row[1:]) for row in records["assets"][["sid", *names]].tolist()}


def _asset_nodes(
    records: Mapping[str, Records], bars: Mapping[int, Mapping[int, str]], minutes: Mapping[int, Mapping[int, str]]
) -> dict[int, str]:
    identity = identities(records)
    content: dict[int, dict[str, Any]] = {
        sid: {"asset": row, "bars": sorted(bars.get(sid, {}).items())} for sid, row in identity.items()
    }
    for name, usual in ASSET_NUMBERS.items():
        for sid, number in records["assets"][["sid", name]].tolist():
            if number != usual:
                content[sid][name] = _canonical(number)
    for sid, digests in minutes.items():
        content[sid]["minutes"] = sorted(digests.items())
    for stem in ("owners", *(name for name in TABLES if name not in _DERIVED)):
        table = records[stem]
        fields = [name for name in table.dtype.names or () if name != "sid"]
        for sid, *row in table[["sid", *fields]].tolist():
            cells = [
                identity[cell] if name == "payment_sid" else _canonical(cell)
                for name, cell in zip(fields, row, strict=True)
            ]
            content[sid].setdefault(stem, []).append(cells)
    return {sid: _digest(node) for sid, node in content.items()}


def _canonical(cell: Any) -> Any:
    return (cell + 0.0).hex() if isinstance(cell, float) else cell


def _digest(content: Any) -> str:
    text = json.dumps(content, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()
