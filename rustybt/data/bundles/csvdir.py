"""How does a folder of tables become a bundle? One file a symbol, below `daily/`, `minute/` or both.

Beside these folders may lie `assets.csv`, `dividends.csv` and `splits.csv`, see `fact_files`.
"""

from __future__ import annotations

import os
from collections.abc import Collection, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final

from rustybt.data.bundles.columns import adjusted_note
from rustybt.data.bundles.csvfile import header_of, read_csv
from rustybt.data.bundles.fact_files import read_facts
from rustybt.data.bundles.from_source import Options, SourceIngest
from rustybt.data.bundles.parquetfile import parquet_header, read_parquet_bars
from rustybt.data.bundles.raw_bars import FRAMES, Facts, Frame, RawBars
from rustybt.data.bundles.symbols import checked_symbol
from rustybt.errors import BadData, InvalidParameter

if TYPE_CHECKING:
    from exchange_calendars import ExchangeCalendar

    from rustybt.data.bundles.frame_cache import FrameCache

PARQUET: Final = ".parquet"
_ENDINGS: Final = (".csv", ".csv.gz", PARQUET)


def csvdir_equities(
    tframes: Sequence[str] | None = None,
    csvdir: str | os.PathLike[str] | None = None,
    *,
    options: Options | None = None,
) -> SourceIngest:
    """Make an ingest function for a folder of CSV files, for `register`.

    Below `<csvdir>/daily/` lies one file a symbol, `AAPL.csv`, `AAPL.csv.gz` or `AAPL.parquet`, with the columns date,
    open, high, low, close, volume and optionally dividend (cash a share on its ex-date) and split (2 for a 2:1 split).
    Sids follow the alphabet. Dividends have no pay date and are therefore never paid, unless `dividends.csv` or the
    options give one; positions close the day after the last row.

    Below `<csvdir>/minute/` lie files of the same columns, where the date is the end of the minute in UTC. Without
    `daily/`, daily bars are made of the minutes, and dividends and splits are read from them: a value holds for its
    session, on whichever of its rows it stands.

    Parameters
    ----------
    tframes : sequence of str, optional
        ("daily",), ("minute",) or both; by default the folders that exist.
    csvdir : path-like, optional
        The folder; by default the environment variable CSVDIR names it.
    options : Options, optional
        How rows are screened and dividends paid.

    Returns
    -------
    callable
        The ingest function.

    Examples
    --------
    >>> from rustybt.data.bundles import register, unregister
    >>> _ = register("my-csvs", csvdir_equities(csvdir="/data/csv"))
    >>> unregister("my-csvs")
    """
    if tframes is not None and (isinstance(tframes, str) or not tframes or not set(tframes) <= set(FRAMES)):
        raise InvalidParameter(f"tframes {tframes!r} is not supported: use ['daily'], ['minute'] or both")
    fixed = None if csvdir is None else Path(csvdir)

    def open_folder(
        environ: Mapping[str, str], calendar: ExchangeCalendar, cache: FrameCache, show_progress: bool
    ) -> Folder:
        return Folder(fixed if fixed is not None else _folder_of(environ), tframes)

    return SourceIngest(open_folder, options)


class Folder:
    """The files of a folder as a source, see `csvdir_equities`.

    Parameters
    ----------
    path : Path
        The folder.
    tframes : sequence of str, optional
        Which of its folders are read.

    Raises
    ------
    BadData
        If it has no such folder, or two files of one symbol.
    """

    def __init__(self, path: Path, tframes: Sequence[str] | None = None) -> None:
        self._path = path
        self._files = _files(path, tframes)

    def symbols(self, frame: Frame) -> Collection[str]:
        """Name the symbols that have a file."""
        return self._files.get(frame, {}).keys()

    def bars(self, frame: Frame) -> Iterator[RawBars]:
        """Read one file after the other."""
        for symbol, path in self._files.get(frame, {}).items():
            yield read_parquet_bars(path, symbol) if _is_parquet(path) else read_csv(path, symbol)

    def facts(self) -> Facts:
        """Read the files that lie beside."""
        facts = read_facts(self._path)
        path = next(path for files in self._files.values() for path in files.values())
        header = parquet_header(path) if _is_parquet(path) else header_of(path, path.name)
        note = adjusted_note(header)
        return facts if note is None else Facts(facts.assets, facts.dividends, facts.splits, (*facts.notes, note))


def _is_parquet(path: Path) -> bool:
    return path.suffix.lower() == PARQUET


def _folder_of(environ: Mapping[str, str]) -> Path:
    folder = environ.get("CSVDIR")
    if not folder:
        raise BadData("the environment variable CSVDIR is not set: let it name the folder that holds daily/")
    return Path(folder)


def _files(folder: Path, tframes: Sequence[str] | None) -> dict[Frame, dict[str, Path]]:
    """Find the files by frame and symbol."""
    if not folder.is_dir():
        raise BadData(f"{folder} is not a directory: name the folder that holds daily/ or minute/")
    chosen: list[Frame] = [name for name in FRAMES if (folder / name).is_dir() and (not tframes or name in tframes)]
    missing = sorted(set(tframes or ()).difference(chosen))
    if missing or not chosen:
        needed = missing[0] if missing else "daily"
        hint = " (there are CSV files in it: move them into daily/)" if any(folder.glob("*.csv*")) else ""
        raise BadData(f"{folder} has no folder {needed}/ with <symbol>.csv files{hint}")
    return {tframe: _files_of(folder / tframe) for tframe in chosen}


def _files_of(folder: Path) -> dict[str, Path]:
    """Find the files of one frame by symbol, in alphabetical order."""
    files: dict[str, Path] = {}
    for path in sorted(folder.iterdir()):
        ending = next((end for end in _ENDINGS if path.name.lower().endswith(end)), None)
        if ending is None or path.name.startswith(".") or not path.is_file():
            continue
        symbol = checked_symbol(path.name[: -len(ending)], str(path))
        if symbol in files:
            raise BadData(f"{files[symbol]} and {path} are both of symbol {symbol}: keep one")
        files[symbol] = path
    if not files:
        raise BadData(
            f"{folder} has no <symbol>.csv, <symbol>.csv.gz or <symbol>.parquet files: put one a symbol there"
        )
    return dict(sorted(files.items()))
