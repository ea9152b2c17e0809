"""How does an optimization lie on the disk, and come back as it was?

A folder holds `trials.parquet` (a row a trial), `returns.parquet` (see `returns_file`) and `result.json`, which names
the other two with size and digest, and holds everything else. Nothing of it is a pickle.
"""

from collections.abc import Iterable, Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Final, NamedTuple

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from rustybt import __version__
from rustybt._typing import PathLike
from rustybt.data.files import replacing, sha256_of
from rustybt.errors import InvalidParameter, NoSavedResult, ResultCorrupt
from rustybt.optimization.json_values import from_json, to_json
from rustybt.optimization.returns_file import Float32Array, ReturnsFile, write_returns
from rustybt.optimization.returns_store import ReturnsStore

TRIALS: Final = "trials.parquet"
RETURNS: Final = "returns.parquet"
DESCRIPTION: Final = "result.json"
KIND: Final = "rustybt optimization"
SCHEMA_VERSION: Final = 1


class Saved(NamedTuple):
    """What a folder holds.

    Attributes
    ----------
    trials : pd.DataFrame
        The trials.
    returns : ReturnsStore
        Of the trials; read from the folder when they are asked for.
    sessions : pd.DatetimeIndex
        Labels of a whole backtest's sessions.
    header : dict
        Everything else.
    """

    trials: pd.DataFrame
    returns: ReturnsStore
    sessions: pd.DatetimeIndex
    header: dict[str, Any]


def save_result(
    folder: PathLike,
    trials: pd.DataFrame,
    returns: Iterable[tuple[int, Float32Array]],
    sessions: pd.DatetimeIndex,
    header: Mapping[str, Any],
) -> Path:
    """Write an optimization into a folder.

    Parameters
    ----------
    folder : path-like
        Made if missing. Files of other names in it are not touched.
    trials : pd.DataFrame
        Columns named by words. A cell of a column of objects may be of any kind that `json_values` knows.
    returns : iterable of (int, float32 array of shape (n_bars,))
        Daily returns by trial, numbers rising, as `ReturnsStore.items` yields them; never in memory all at once.
    sessions : pd.DatetimeIndex
        Labels of a whole backtest's sessions.
    header : mapping of str to value
        Of any kind that `json_values` knows: objectives, settings, bundle and so on.

    Returns
    -------
    Path
        The folder. An optimization that it held is replaced when the files are whole.

    Raises
    ------
    InvalidParameter
        If the folder is a file, or holds files of the same names that are something else.
    """
    target = Path(folder)
    require_ours(target)
    target.mkdir(parents=True, exist_ok=True)
    frame, json_columns = storable(trials)
    with ExitStack() as stack:  # left from the last to the first: the description takes its place last
        about = stack.enter_context(replacing(target / DESCRIPTION))
        paths = {name: stack.enter_context(replacing(target / name)) for name in (TRIALS, RETURNS)}
        write_frame(paths[TRIALS], frame)
        write_returns(paths[RETURNS], returns, {"sessions": to_json(plain_index(sessions))})
        files = {name: {"bytes": path.stat().st_size, "sha256": sha256_of(path)} for name, path in paths.items()}
        description = {"kind": KIND, "schema_version": SCHEMA_VERSION, "rustybt": __version__, "files": files}
        about.write_text(
            to_json({**description, "json_columns": json_columns, "header": dict(header)}, indent=1) + "\n",
            encoding="utf-8",
        )
    return target


def load_result(folder: PathLike) -> Saved:
    """Read what `save_result` wrote.

    Parameters
    ----------
    folder : path-like
        Of an optimization.

    Returns
    -------
    Saved
        With the same frame, dtypes and None included. The folder must stay for as long as returns are asked for.

    Raises
    ------
    NoSavedResult
        If there is no folder, or it holds no optimization.
    ResultCorrupt
        If a file is missing or not as it was written, or a later version wrote it.
    """
    target = Path(folder)
    described = described_in(target)
    if described is None:
        raise NoSavedResult(f"{str(target)!r} holds no saved optimization: there is no {DESCRIPTION} of one in it")
    if described["schema_version"] != SCHEMA_VERSION:
        raise ResultCorrupt(
            f"{target / DESCRIPTION} is of schema {described['schema_version']} and this version of rustybt reads "
            f"{SCHEMA_VERSION}: read it with rustybt {described.get('rustybt')}"
        )
    try:
        files, json_columns, header = described["files"], described["json_columns"], described["header"]
        for name in (TRIALS, RETURNS):
            require_whole(target / name, files[name]["bytes"], files[name]["sha256"])
    except (LookupError, TypeError) as error:
        raise ResultCorrupt(f"{target / DESCRIPTION} is not as it was written: {error!r}") from error
    file = ReturnsFile(target / RETURNS, stays_open=True)  # saving again must not change what was loaded
    sessions = index_of(from_json(file.metadata.get("sessions", "null")), file.path)
    return Saved(read_frame(target / TRIALS, json_columns), ReturnsStore.of_file(file), sessions, header)


def described_in(folder: Path) -> dict[str, Any] | None:
    """Give the description of the optimization in a folder; None where it holds none."""
    try:
        text = (folder / DESCRIPTION).read_text(encoding="utf-8")
    except (FileNotFoundError, NotADirectoryError):
        return None
    except ValueError as error:
        raise ResultCorrupt(f"{folder / DESCRIPTION} is no text: {error}") from error
    try:
        read = from_json(text)
    except ResultCorrupt as error:
        raise ResultCorrupt(f"{folder / DESCRIPTION} is not as it was written: {error}") from error
    is_ours = isinstance(read, dict) and read.get("kind") == KIND and "schema_version" in read
    return read if is_ours else None


def require_ours(folder: Path) -> None:
    """Raise where saving would replace files that are no saved optimization."""
    if folder.exists() and not folder.is_dir():
        raise InvalidParameter(f"folder {str(folder)!r} is a file: name a folder")
    found = [name for name in (DESCRIPTION, TRIALS, RETURNS) if (folder / name).exists()]
    try:
        is_free = not found or described_in(folder) is not None
    except ResultCorrupt:
        is_free = False
    if not is_free:
        raise InvalidParameter(
            f"folder {str(folder)!r} holds a {found[0]} that is no part of a saved optimization: "
            "choose another folder, or move it away"
        )


def require_whole(path: Path, size: int, digest: str) -> None:
    """Raise where a file is missing or not as it was written."""
    if not path.is_file():
        raise ResultCorrupt(f"{path} is missing: restore it from a copy, or save the result again")
    if path.stat().st_size != size or sha256_of(path) != digest:
        raise ResultCorrupt(f"{path} is not as it was written: restore it from a copy, or save the result again")


def storable(trials: pd.DataFrame) -> tuple[pd.DataFrame, list[str]]:
    """Give the frame with JSON in its columns of objects, and the names of those."""
    if not trials.columns.is_unique or not all(isinstance(name, str) for name in trials.columns):
        raise InvalidParameter(f"trials has the columns {list(trials.columns)!r}: name each by a word of its own")
    names = [name for name in trials.columns if trials[name].dtype == object]
    texts = {name: pd.Series([to_json(cell) for cell in trials[name]], trials.index, dtype="str") for name in names}
    return trials.assign(**texts), names


def write_frame(path: Path, frame: pd.DataFrame) -> None:
    """Write a frame as Parquet, its index and dtypes included."""
    pq.write_table(pa.Table.from_pandas(frame), path, compression="zstd", write_page_checksum=True)


def read_frame(path: Path, json_columns: list[str]) -> pd.DataFrame:
    """Read a frame of `write_frame`, with objects in the columns that hold JSON."""
    try:
        frame: pd.DataFrame = pq.read_table(path, page_checksum_verification=True).to_pandas()
        objects = {name: [from_json(text) for text in frame[name]] for name in json_columns}
    except (pa.ArrowException, OSError, LookupError) as error:
        raise ResultCorrupt(f"{path} cannot be read: {error}") from error
    return frame.assign(**{name: series_of(cells, frame.index) for name, cells in objects.items()})


def series_of(cells: list[Any], index: pd.Index) -> "pd.Series[Any]":
    """Give a column of objects; a list of lists is no table here."""
    column = np.empty(len(cells), dtype=object)
    column[:] = [None] * len(cells)
    for row, cell in enumerate(cells):
        column[row] = cell
    return pd.Series(column, index, dtype=object)


def plain_index(sessions: pd.DatetimeIndex) -> dict[str, Any]:
    """Give session labels as plain values that lose nothing."""
    zone = None if sessions.tz is None else str(sessions.tz)
    days = sessions.tz_localize(None)
    return {"unit": sessions.unit, "zone": zone, "labels": [stamp.isoformat() for stamp in days], "name": sessions.name}


def index_of(saved: Any, path: Path) -> pd.DatetimeIndex:
    """Give the session labels of plain values."""
    try:
        labels = np.array(saved["labels"], dtype=f"datetime64[{saved['unit']}]")
        return pd.DatetimeIndex(labels, tz=None, name=saved["name"]).tz_localize(saved["zone"])
    except (LookupError, TypeError, ValueError) as error:
        raise ResultCorrupt(f"{path} has no labels of its sessions: {error}") from error
