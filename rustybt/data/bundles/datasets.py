"""What does a bundle know of its assets beside prices, and since when? Point-in-time tables of the user's own.

A row says something of one asset: `asof_date` is the day that it is about, `timestamp` the moment from which on it was
known. A table lies in the version's folder as `datasets/<name>.parquet`, sorted by sid, timestamp and asof_date.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TypeAlias

import numpy as np
import pandas as pd

from rustybt.constants import NAT
from rustybt.data.bundles.asset_writer import times_ns
from rustybt.data.bundles.columns import plain
from rustybt.data.manifest import DATASETS
from rustybt.data.sql import TABLES
from rustybt.errors import BadData, InvalidParameter, did_you_mean

if TYPE_CHECKING:
    import pyarrow as pa

    from rustybt.assets import AssetFinder, SymbolOwner

Given: TypeAlias = "str | os.PathLike[str] | pd.DataFrame"

KEYS: Final = ("sid", "timestamp", "asof_date")
"""Columns by which a table is sorted; no two rows are equal in all of them."""
_ASOF: Final = ("asof_date", "asof", "as_of", "period_end", "fiscal_date", "date")
_TIMESTAMP: Final = ("timestamp", "known", "known_at", "published", "filed", "available")
_SYMBOL: Final = ("symbol", "ticker")
_NAME: Final = re.compile(r"[a-z_][a-z0-9_]{0,62}")


def checked_datasets(datasets: Mapping[str, Given]) -> dict[str, Given]:
    """Refuse a name that no table can have in a query.

    Examples
    --------
    >>> checked_datasets({"fundamentals": "path.parquet"})
    {'fundamentals': 'path.parquet'}
    """
    for name in datasets:
        if not _NAME.fullmatch(name) or name in TABLES:
            raise InvalidParameter(
                f"dataset {name!r} cannot be the name of a table: use small letters, digits and '_', and none of "
                f"{', '.join(TABLES)}"
            )
    return dict(datasets)


def read_dataset(name: str, given: Given, finder: AssetFinder) -> tuple[pa.Table, tuple[str, ...]]:
    """Read a table and put it into a bundle's terms.

    Parameters
    ----------
    name : str
        Of the dataset; for messages.
    given : path-like or DataFrame
        A Parquet or CSV file, or a frame, with a column symbol or sid, one of the day that a row is about (asof_date,
        or date), optionally one of the moment from which on it was known (timestamp, UTC where it has no timezone; by
        default the day that it is about), and values: numbers, truth values or text.
    finder : AssetFinder
        The bundle's assets.

    Returns
    -------
    table : pyarrow.Table
        Columns sid, timestamp, asof_date, then the values.
    notes : tuple of str
        What a user should know: that rows are left out, of assets that the bundle does not have, or that nothing says
        since when rows were known.

    Raises
    ------
    BadData
        If it cannot be read, lacks a column, has two rows of one asset, day and moment, or a row that was known before
        the day that it is about.
    """
    import pyarrow as pa

    frame, where = _frame_of(given), f"dataset {name!r}"
    asof = _times(frame, _column(frame, _ASOF, where), where)
    sids = _sids(frame, asof, where, finder)
    known = _named(frame, _TIMESTAMP)
    timestamp = asof if known is None else _times(frame, known, where)
    timestamp = np.where(timestamp == NAT, asof, timestamp)
    used = {column for names in (_ASOF, _TIMESTAMP, _SYMBOL, ("sid",)) if (column := _named(frame, names)) is not None}
    values = [column for column in frame.columns if column not in used]
    if not values:
        raise BadData(f"{where} has no column of values beside symbol and dates: what is to be known?")
    _check_times(where, asof, timestamp)
    keep = sids >= 0
    order = np.flatnonzero(keep)[np.lexsort((asof[keep], timestamp[keep], sids[keep]))]
    keys = {"sid": sids[order], "timestamp": timestamp[order], "asof_date": asof[order]}
    _check_once(where, keys)
    columns: dict[str, Any] = {"sid": pa.array(keys["sid"])}
    columns |= {key: pa.array(keys[key]).cast(pa.timestamp("ns")) for key in KEYS[1:]}
    for column in values:
        columns[str(column)] = _values(frame[column], order, f"{where}, column {column!r}")
    return pa.table(columns), tuple(_notes(where, frame, known, int((~keep).sum())))


def _notes(where: str, frame: pd.DataFrame, known: Any, strangers: int) -> Iterator[str]:
    if strangers:
        yield f"{strangers:,} rows of {where} are of assets that the bundle does not have, and left out"
    if known is None:
        near = did_you_mean(_TIMESTAMP[0], [str(column) for column in frame.columns])
        yield (
            f"{where} has no column {_TIMESTAMP[0]!r}{near}: its rows are taken as known on the day that they are about"
        )


def path_of(given: Given) -> str | None:
    """Give the absolute path of a dataset in a file, which can be read again; None for one in memory."""
    return None if isinstance(given, pd.DataFrame) else str(Path(given).expanduser().absolute())


def _frame_of(given: Given) -> pd.DataFrame:
    if isinstance(given, pd.DataFrame):
        return given.reset_index() if given.index.names != [None] else given
    path = Path(given)
    try:
        return pd.read_parquet(path) if path.suffix == ".parquet" else _csv(path)
    except (OSError, ValueError, pd.errors.ParserError) as error:  # Arrow's and pandas' errors are ValueErrors
        raise BadData(f"dataset file {path} cannot be read ({' '.join(str(error).split())})") from error


def _csv(path: Path) -> pd.DataFrame:
    """Read a CSV file, symbols as they are written: 005930 is no number, and NA not missing."""
    frame = pd.read_csv(path)
    symbol = _named(frame, _SYMBOL)
    if symbol is not None:
        frame[symbol] = pd.read_csv(path, usecols=[symbol], dtype=str, keep_default_na=False)[symbol]
    return frame


def _named(frame: pd.DataFrame, names: tuple[str, ...]) -> Any:
    found = {plain(str(column)): column for column in reversed(list(frame.columns))}
    return next((found[name] for name in names if name in found), None)


def _column(frame: pd.DataFrame, names: tuple[str, ...], where: str) -> Any:
    column = _named(frame, names)
    if column is None:
        near = did_you_mean(names[0], [str(one) for one in frame.columns])
        raise BadData(f"{where} has no column {names[0]!r}{near}: name it {' or '.join(names)}")
    return column


def _sids(frame: pd.DataFrame, asof: Any, where: str, finder: AssetFinder) -> Any:
    """Give the sid of each row, -1 for assets that the bundle does not have.

    A symbol that passed from one asset to another means the one that had it on the day that a row is about.
    """
    column = _named(frame, ("sid",))
    if column is not None and _named(frame, _SYMBOL) is None:
        numbers = pd.to_numeric(frame[column], errors="coerce").to_numpy(dtype=np.float64, na_value=np.nan)
        return np.where(np.isin(numbers, finder.sids), numbers, -1.0).astype(np.int64)
    known = {equity.symbol: equity.sid for equity in finder.equities if equity.symbol}
    given = frame[_column(frame, _SYMBOL, where)]
    symbols = given.astype(str).where(given.notna(), "").str.strip().str.upper()
    sids = np.array(symbols.map(known).fillna(-1), dtype=np.int64)
    for symbol, owners in _passed_on(finder).items():
        for row in np.flatnonzero(symbols == symbol).tolist():
            sids[row] = _owner_on(int(asof[row]), owners)
    return sids


def _passed_on(finder: AssetFinder) -> dict[str, list[SymbolOwner]]:
    """Give the owners, in their order, of the symbols that several assets have had."""
    owners: dict[str, list[SymbolOwner]] = {}
    for owner in sorted(finder.owners):
        owners.setdefault(owner.symbol, []).append(owner)
    return {symbol: of for symbol, of in owners.items() if symbol and len({owner.sid for owner in of}) > 1}


def _owner_on(day_ns: int, owners: list[SymbolOwner]) -> int:
    """Give the last that had a symbol by then; it was to be the first's where nobody had it yet."""
    return next((owner.sid for owner in reversed(owners) if owner.start_ns <= day_ns), owners[0].sid)


def _times(frame: pd.DataFrame, column: Any, where: str) -> Any:
    """Read a column of dates, or of text that is written like them, in nanoseconds UTC."""
    who, cells = f"{where}, column {column!r}", frame[column]
    if any(isinstance(cell, str) for cell in cells):
        parsed = pd.to_datetime(cells.astype("string"), format="ISO8601", errors="coerce", utc=True)
        if (unread := parsed.isna() & cells.notna()).any():
            raise BadData(f"{who} holds {cells[unread].iloc[0]!r}: write dates like 2020-01-31 or 2020-01-31 21:00")
        cells = parsed
    return times_ns(cells, who)


def _check_times(where: str, asof: Any, timestamp: Any) -> None:
    if (missing := asof == NAT).any():
        raise BadData(f"{where} row {int(np.argmax(missing)) + 1}: the day that it is about is missing")
    if (early := timestamp < asof).any():
        row = int(np.argmax(early))
        raise BadData(
            f"{where} row {row + 1}: it was known on {pd.Timestamp(int(timestamp[row]))}, before the day that it is "
            f"about, {pd.Timestamp(int(asof[row]))}: exchange both columns"
        )


def _check_once(where: str, keys: Mapping[str, Any]) -> None:
    again = np.ones(max(0, len(keys["sid"]) - 1), dtype=bool)
    for key in KEYS:
        again &= keys[key][1:] == keys[key][:-1]
    if again.any():
        row = int(np.argmax(again))
        raise BadData(
            f"{where} has two rows of sid {keys['sid'][row]}, about {pd.Timestamp(int(keys['asof_date'][row])).date()} "
            f"and known since {pd.Timestamp(int(keys['timestamp'][row]))}: keep one, or say when each was known"
        )


def _values(column: pd.Series, order: Any, where: str) -> pa.Array:
    """Give a column's cells as numbers, truth values or text."""
    import pyarrow as pa

    cells = column.iloc[order]
    if pd.api.types.is_bool_dtype(cells.dtype):
        return pa.array(cells.to_numpy(dtype=bool))
    if pd.api.types.is_numeric_dtype(cells.dtype):
        return pa.array(cells.to_numpy(dtype=np.float64, na_value=np.nan))
    if pd.api.types.is_datetime64_any_dtype(cells.dtype):
        whole = np.asarray(times_ns(cells, where))
        return pa.array(whole, mask=whole == NAT).cast(pa.timestamp("ns"))
    texts = [None if pd.isna(cell) else cell for cell in cells]
    wrong = next((cell for cell in texts if cell is not None and not isinstance(cell, str)), None)
    if wrong is not None:
        raise BadData(f"{where} holds {wrong!r}: values are numbers, truth values, dates or text")
    return pa.array(texts, type=pa.string())


def merged_dataset(name: str, old: pa.Table, new: pa.Table, restate: bool) -> pa.Table:
    """Join what a dataset held with what comes now.

    Parameters
    ----------
    name : str
        Of the dataset; for messages.
    old, new : pyarrow.Table
        As `read_dataset` gives them.
    restate : bool
        Let new rows change old ones.

    Returns
    -------
    pyarrow.Table

    Raises
    ------
    BadData
        If columns differ, or a row is another now and must not be.
    """
    import pyarrow as pa

    if set(old.column_names) != set(new.column_names):
        lost = sorted(set(old.column_names) ^ set(new.column_names))
        raise BadData(f"dataset {name!r} had other columns before ({', '.join(lost)}): ingest without append")
    old, new = _of_one_type(name, old, new.select(old.column_names))
    before, now = old.to_pandas(), new.to_pandas()
    both = pd.concat([before.assign(_is_new=False), now.assign(_is_new=True)], ignore_index=True)
    values = [column for column in old.column_names if column not in KEYS]
    known = both[~both.duplicated(subset=[*KEYS, *values], keep="first")]
    changed = known[known.duplicated(subset=list(KEYS), keep="first")]
    if len(changed) and not restate:
        row = changed.iloc[0]
        raise BadData(
            f"dataset {name!r}: what sid {row['sid']} had about {row['asof_date'].date()}, known since "
            f"{row['timestamp']}, is another now ({len(changed)} such rows): ingest with restate to change the past"
        )
    kept = known.drop_duplicates(subset=list(KEYS), keep="last").sort_values(list(KEYS))
    return pa.Table.from_pandas(kept[old.column_names], schema=old.schema, preserve_index=False)


def _of_one_type(name: str, old: pa.Table, new: pa.Table) -> tuple[pa.Table, pa.Table]:
    """Give tables whose columns have one type; one without any value, which reads as numbers, takes the other's."""
    import pyarrow as pa

    for at, (before, now) in enumerate(zip(old.schema, new.schema, strict=True)):
        if before.type == now.type:
            continue
        if _is_empty(new.column(at)):
            new = new.set_column(at, before, pa.nulls(new.num_rows, before.type))
        elif _is_empty(old.column(at)):
            old = old.set_column(at, now, pa.nulls(old.num_rows, now.type))
        else:
            raise BadData(
                f"dataset {name!r}, column {before.name!r}: its values were of type {before.type} and are of type "
                f"{now.type} now: ingest without append"
            )
    return old, new


def _is_empty(column: pa.ChunkedArray) -> bool:
    import pyarrow as pa

    return pa.types.is_floating(column.type) and bool(np.isnan(column.to_numpy()).all())


def write_datasets(folder: Path, tables: Mapping[str, pa.Table]) -> None:
    """Write tables into a version's folder."""
    import pyarrow.parquet as pq

    for name, table in tables.items():
        (folder / DATASETS).mkdir(exist_ok=True)
        pq.write_table(table, folder / DATASETS / f"{name}.parquet", compression="zstd")


def dataset_digest(table: pa.Table, identity: Mapping[int, Any]) -> str:
    """Digest what a dataset says of which asset, whatever the sids.

    Parameters
    ----------
    table : pyarrow.Table
        As `read_dataset` gives it.
    identity : mapping of int to object
        By sid, what the asset is in JSON.

    Returns
    -------
    str
        Hexadecimal.
    """
    names = sorted(column for column in table.column_names if column != "sid")
    sids = table.column("sid").to_numpy()
    columns = {name: _bytes_of(table.column(name)) for name in names}
    present, begin = np.unique(sids, return_index=True)
    ends = np.append(begin[1:], len(sids))
    nodes = []
    for sid, first, last in zip(present.tolist(), begin.tolist(), ends.tolist(), strict=True):
        digest = hashlib.sha256(json.dumps([identity[sid], names], sort_keys=True).encode())
        for name in names:
            digest.update(columns[name](first, last))
        nodes.append(digest.hexdigest())
    return hashlib.sha256(json.dumps(sorted(nodes)).encode()).hexdigest()


def _bytes_of(column: pa.ChunkedArray) -> Any:
    """Give a function that gives the bytes of some rows."""
    import pyarrow as pa

    if pa.types.is_string(column.type):
        texts = column.to_pylist()
        return lambda first, last: json.dumps(texts[first:last]).encode()
    if pa.types.is_timestamp(column.type):
        whole = column.cast(pa.int64()).fill_null(NAT).to_numpy()
        return lambda first, last: whole[first:last].astype("<i8").tobytes()
    numbers = np.asarray(column.to_numpy(), dtype=np.float64) + 0.0
    numbers[np.isnan(numbers)] = np.nan
    return lambda first, last: numbers[first:last].astype("<f8").tobytes()
