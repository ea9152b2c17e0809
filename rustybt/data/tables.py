"""How do the small tables of a version (assets, owners, adjustments, sessions) pass between memory and files?

Parquet keeps them for everyone; one `.npz` in the cache lets a worker open a bundle with NumPy alone.
"""

from __future__ import annotations

import io
import struct
import zipfile
import zlib
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import numpy as np
import pandas as pd

from rustybt._typing import Records
from rustybt.assets import AssetFinder, Equity, SymbolOwner
from rustybt.calendars import BREAK, SessionTable
from rustybt.constants import DEFAULT_TICK_SIZE, NAT
from rustybt.data.adjustments import TABLES, Adjustments
from rustybt.data.files import replacing

if TYPE_CHECKING:
    import pyarrow as pa

ASSET_TEXT: Final = ("symbol", "asset_name", "exchange", "exchange_full", "country_code")
ASSET_TIMES: Final = ("start_ns", "end_ns", "first_traded_ns", "auto_close_ns")
ASSET_NUMBERS: Final = {"tick_size": DEFAULT_TICK_SIZE}
"""Columns that a version may lack, and what assets then have."""
_ASSET: Final = [
    *(("sid", "i8"), *((name, "U1") for name in ASSET_TEXT), *((name, "i8") for name in ASSET_TIMES)),
    *((name, "f8") for name in ASSET_NUMBERS),
]
_OWNER: Final = [("sid", "i8"), ("symbol", "U1"), ("start_ns", "i8"), ("end_ns", "i8")]
_SESSION: Final = np.dtype([("session_ns", "i8"), ("open_ns", "i8"), ("close_ns", "i8")])
_DTYPES: Final[dict[str, Any]] = {"sessions": _SESSION, "assets": _ASSET, "owners": _OWNER, **TABLES}
_CHECKSUM: Final = struct.Struct("<I")
_STORED: Final[dict[str, Any]] = {**_DTYPES, "breaks": BREAK}


class VersionTables(NamedTuple):
    """The small tables of a bundle version.

    Attributes
    ----------
    sessions : SessionTable
        From the first to the last session that has a bar.
    finder : AssetFinder
        Its assets.
    adjustments : Adjustments
        Its corporate actions.
    """

    sessions: SessionTable
    finder: AssetFinder
    adjustments: Adjustments


def to_records(tables: VersionTables) -> dict[str, Records]:
    """Give the tables as structured arrays by file stem: sessions, assets, owners, splits, ..."""
    times = tables.sessions
    sessions = np.empty(len(times.session_ns), _SESSION)
    sessions["session_ns"], sessions["open_ns"], sessions["close_ns"] = times.session_ns, times.open_ns, times.close_ns
    assets = [
        (
            *(e.sid, *(getattr(e, name) for name in ASSET_TEXT)),
            *(e.start_ns, e.end_ns, _ns(e.first_traded), e.auto_close_ns),
            *(getattr(e, name) for name in ASSET_NUMBERS),
        )
        for e in tables.finder.equities
    ]
    owners = [(o.sid, o.symbol, o.start_ns, o.end_ns) for o in sorted(tables.finder.owners, key=lambda o: (o.sid, o))]
    return {
        "sessions": sessions,
        "assets": _records(assets, _ASSET),
        "owners": _records(owners, _OWNER),
        **tables.adjustments.tables(),
    }


def from_records(records: dict[str, Records], calendar: str) -> VersionTables:
    """Undo `to_records`.

    Parameters
    ----------
    records : dict of structured array
        By file stem.
    calendar : str
        Name of the session table's calendar.

    Returns
    -------
    VersionTables
    """
    columns = (np.ascontiguousarray(records["sessions"][name]) for name in _SESSION.names or ())
    stamps = _Stamps()  # most assets share their dates with others
    equities = [_equity(row, stamps) for row in records["assets"].tolist()]
    owners = [SymbolOwner(start, end, sid, symbol) for sid, symbol, start, end in records["owners"].tolist()]
    return VersionTables(
        SessionTable(calendar, *columns),
        AssetFinder(equities, owners),
        Adjustments.of(**{name: records[name] for name in TABLES}),
    )


def write_parquet(path: Path, records: Records) -> None:
    """Write a structured array as Parquet; fields in `_ns` become timestamps named `_date`, NAT becomes null.

    Parameters
    ----------
    path : Path
        The new file.
    records : structured array
        Of int64, float64 and text fields.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    names = records.dtype.names or ()
    columns = {_public(name): _to_arrow(name, records[name]) for name in names}
    pq.write_table(pa.table(columns), path, compression="zstd")


def read_parquet(path: Path, stem: str) -> Records:
    """Read what `write_parquet` wrote.

    Parameters
    ----------
    path : Path
        The file.
    stem : str
        Which table it is: a key of `to_records`, or "breaks".

    Returns
    -------
    structured array
    """
    import pyarrow.parquet as pq

    fields = np.dtype(_STORED[stem])
    names = fields.names or ()
    table = pq.read_table(path, columns=[_public(name) for name in names])  # those that the file has
    for name in [name for name in ASSET_NUMBERS if name in names and name not in table.column_names]:
        table = table.append_column(name, [[ASSET_NUMBERS[name]] * table.num_rows])
    columns = [_from_arrow(name, table.column(_public(name))) for name in names]
    text = {name: np.array(column, dtype=str) for name, column in zip(names, columns, strict=True) if _is_text(name)}
    out = np.empty(table.num_rows, [(name, text[name].dtype if name in text else fields[name]) for name in names])
    for name, column in zip(names, columns, strict=True):
        out[name] = text.get(name, column)
    return out


def save_image(path: Path, records: dict[str, Records]) -> None:
    """Write all tables into one `.npz` with a checksum behind it, put into place when complete."""
    written = io.BytesIO()
    np.savez(written, allow_pickle=False, **records)
    with replacing(path) as beside, beside.open("wb") as file:
        file.write(written.getbuffer())
        file.write(_CHECKSUM.pack(zlib.crc32(written.getbuffer())))


def load_image(path: Path) -> dict[str, Records] | None:
    """Read what `save_image` wrote.

    Returns
    -------
    dict of structured array, or None
        None if the file is missing or damaged.
    """
    try:
        content = memoryview(path.read_bytes())
        image, checksum = content[: -_CHECKSUM.size], content[-_CHECKSUM.size :]
        if _CHECKSUM.unpack(checksum) != (zlib.crc32(image),):
            return None
        with np.load(io.BytesIO(image), allow_pickle=False) as archive:
            return {stem: archive[stem] for stem in _DTYPES}
    except (OSError, ValueError, KeyError, EOFError, struct.error, zipfile.BadZipFile):
        return None


def _records(rows: Sequence[tuple[Any, ...]], fields: list[tuple[str, str]]) -> Records:
    """Make a structured array whose text fields are as wide as the longest text."""
    dtype = []
    for position, (name, kind) in enumerate(fields):
        width = max((len(row[position]) for row in rows), default=0) if kind == "U1" else 0
        dtype.append((name, f"U{max(width, 1)}" if kind == "U1" else kind))
    return np.array(list(rows), dtype=dtype)


class _Stamps(dict[int, pd.Timestamp | None]):
    """Timestamps by nanoseconds, each made once; None for NAT."""

    def __missing__(self, ns: int) -> pd.Timestamp | None:
        made = self[ns] = None if ns == NAT else pd.Timestamp(ns)
        return made


def _equity(row: tuple[Any, ...], stamps: _Stamps) -> Equity:
    sid, symbol, asset_name, exchange, exchange_full, country_code, *times, tick_size = row
    start, end, first_traded, auto_close = (stamps[ns] for ns in times)
    return Equity(
        *(sid, symbol, asset_name, exchange, exchange_full, country_code),
        *(start, end, first_traded, auto_close, tick_size),
    )


def _ns(date: pd.Timestamp | None) -> int:
    return NAT if date is None else int(date.as_unit("ns").value)


def _is_text(name: str) -> bool:
    return name in ASSET_TEXT


def _public(name: str) -> str:
    return name.removesuffix("_ns") + "_date" if name.endswith("_ns") else name


def _to_arrow(name: str, values: Records) -> pa.Array:
    import pyarrow as pa

    if name.endswith("_ns"):
        whole = pa.array(np.ascontiguousarray(values), type=pa.int64(), mask=values == NAT)
        return whole.cast(pa.timestamp("ns"))
    return pa.array(values.tolist() if _is_text(name) else np.ascontiguousarray(values))


def _from_arrow(name: str, column: pa.ChunkedArray) -> Any:
    import pyarrow as pa

    if name.endswith("_ns"):
        return column.cast(pa.int64()).fill_null(NAT).to_numpy()
    return column.to_pylist() if _is_text(name) else column.to_numpy()
