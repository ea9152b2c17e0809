"""Do two bundle versions hold the same data? A digest of content, blind to how and when it was stored.

The fingerprint is a tree of SHA-256 digests: bars by asset and year, then each asset with its metadata and its
corporate actions, then all assets in the order of their digests with calendar, price quantum and schema. Sids, file
paths, ingest times, compression and the order of rows do not enter. A negative zero counts as zero, every NaN as one.
Corporate actions of one asset and day enter in the order of the source: it decides the last bits of adjusted prices.
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
from rustybt.data.tables import ASSET_TEXT, ASSET_TIMES

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
    years = days.astype("datetime64[D]").astype("datetime64[Y]").astype(np.int64) + 1970
    canonical = values + 0.0
    canonical[np.isnan(canonical)] = np.nan
    out = {}
    for year in np.unique(years).tolist():
        rows = slice(int(np.searchsorted(years, year)), int(np.searchsorted(years, year, side="right")))
        digest = hashlib.sha256(np.ascontiguousarray(days[rows], dtype="<i8").tobytes())
        digest.update(np.ascontiguousarray(canonical[:, rows], dtype="<f8").tobytes())
        out[year] = digest.hexdigest()
    return out


def version_digests(
    records: Mapping[str, Records],
    bars: Mapping[int, Mapping[int, str]],
    calendar: str,
    price_quantum: float | None,
    first_trading_session_ns: int,
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

    Returns
    -------
    Digests
    """
    nodes = _asset_nodes(records, bars)
    content = {
        "schema": SCHEMA_VERSION,
        "calendar": calendar,
        "sessions": hashlib.sha256(np.ascontiguousarray(records["sessions"]).tobytes()).hexdigest(),
        "first_trading_session_ns": first_trading_session_ns,
        "price_quantum": None if price_quantum is None else price_quantum.hex(),
        "assets": sorted(nodes.values()),
    }
    return Digests(_digest(content), _digest(sorted(nodes.items())))


def _asset_nodes(records: Mapping[str, Records], bars: Mapping[int, Mapping[int, str]]) -> dict[int, str]:
    names = (*ASSET_TEXT, *ASSET_TIMES)
    identity = {row[0]: list(row[1:]) for row in records["assets"][["sid", *names]].tolist()}
    content: dict[int, dict[str, Any]] = {
        sid: {"asset": row, "bars": sorted(bars.get(sid, {}).items())} for sid, row in identity.items()
    }
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
