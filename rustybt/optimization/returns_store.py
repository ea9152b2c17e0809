"""Where do the daily returns of every trial stay, when they are more than memory should hold?"""

import heapq
import os
import shutil
import tempfile
import weakref
from collections.abc import Iterable, Iterator
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self

import numpy as np
import pandas as pd

from rustybt._typing import PathLike
from rustybt.errors import InvalidParameter
from rustybt.optimization.returns_file import Float32Array, ReturnsFile, write_returns

MAX_BYTES: Final = 256 << 20
"""Of returns in memory: 10,000 trials over 25 years are 250 MB."""


class ReturnsStore:
    """Daily returns by trial: in memory up to a limit, and past it in Parquet files of its own.

    Parameters
    ----------
    max_bytes : int, optional
        Of returns in memory. When the next trial would pass it, all that is there moves into one file.
    folder : path-like, optional
        Where to make the folder of those files, which goes when the store is closed, collected, or the process ends;
        the system's place for temporary files if omitted.

    Raises
    ------
    InvalidParameter
        If max_bytes is negative.

    Examples
    --------
    >>> with ReturnsStore(max_bytes=8) as store:
    ...     store.add(0, np.float32([0.5, -0.25]).tobytes())
    ...     store.add(1, np.float32([0.0, 0.125]).tobytes())
    ...     store.get(0).tolist(), store.bytes_in_memory, store.frame().shape
    ([0.5, -0.25], 8, (2, 2))
    """

    def __init__(self, max_bytes: int = MAX_BYTES, folder: PathLike | None = None) -> None:
        if isinstance(max_bytes, bool) or not isinstance(max_bytes, int) or max_bytes < 0:
            raise InvalidParameter(f"max_bytes {max_bytes!r} is no number of bytes: give 0 or more")
        self.max_bytes = max_bytes
        self._within = None if folder is None else Path(folder)
        self._folder: Path | None = None
        self._held: dict[int, bytes] = {}
        self._bars: dict[int, int] = {}
        self._files: list[ReturnsFile] = []
        self._bytes = 0
        self._remove: Any = None

    @classmethod
    def of_file(cls, file: ReturnsFile) -> Self:
        """Give a store of what a file holds, read when it is asked for; the file stays when the store is closed."""
        store = cls()
        store._files.append(file)
        store._bars |= file.bars
        return store

    @property
    def bytes_in_memory(self) -> int:
        """Size of the returns that are in memory."""
        return self._bytes

    @property
    def bytes_on_disk(self) -> int:
        """Size of the files, which are compressed."""
        return sum(file.nbytes for file in self._files)

    @property
    def numbers(self) -> tuple[int, ...]:
        """The trials, by number, rising."""
        return tuple(sorted(self._bars))

    def __len__(self) -> int:
        return len(self._bars)

    def __contains__(self, number: object) -> bool:
        return number in self._bars

    def bars(self, number: int) -> int:
        """Give the number of sessions of a trial's returns; 0 where there are none."""
        return self._bars.get(number, 0)

    def add(self, number: int, returns: bytes) -> None:
        """Keep the returns of a trial.

        Parameters
        ----------
        number : int
            The trial's, once.
        returns : bytes
            Of a float32 array, one return a session. Empty: there is nothing to keep.

        Raises
        ------
        InvalidParameter
            If the trial is there already, or the bytes are no such array.
        """
        if number in self._bars:
            raise InvalidParameter(f"trial {number} has returns already: a trial ends once")
        if len(returns) % 4:
            raise InvalidParameter(f"returns of trial {number} are {len(returns)} bytes: give those of a float32 array")
        if not returns:
            return
        if self._bytes + len(returns) > self.max_bytes:
            self._spill()
        self._held[number] = bytes(returns)
        self._bars[number] = len(returns) // 4
        self._bytes += len(returns)
        if self._bytes > self.max_bytes:  # one trial alone is more than may stay
            self._spill()

    def _spill(self) -> None:
        """Move what is in memory into a file."""
        if not self._held:
            return
        path = self._own_folder() / f"returns-{len(self._files):06d}.parquet"
        write_returns(path, self._items_held())
        self._files.append(ReturnsFile(path))
        self._held, self._bytes = {}, 0

    def _own_folder(self) -> Path:
        if self._folder is None:
            if self._within is not None:
                self._within.mkdir(parents=True, exist_ok=True)
            self._folder = Path(tempfile.mkdtemp(prefix="rustybt-returns-", dir=self._within))
            self._remove = weakref.finalize(self, remove, self._folder, os.getpid())
        return self._folder

    def _items_held(self) -> Iterator[tuple[int, Float32Array]]:
        for number in sorted(self._held):
            yield number, np.frombuffer(self._held[number], dtype=np.float32)

    def get(self, number: int) -> Float32Array:
        """Give the returns of a trial.

        Parameters
        ----------
        number : int
            The trial's.

        Returns
        -------
        float32 array, shape (n_bars,)
            Read-only; bit for bit what was added.

        Raises
        ------
        InvalidParameter
            If there are none.
        """
        if number in self._held:
            return np.frombuffer(self._held[number], dtype=np.float32)
        for file in self._files:
            if number in file.bars:
                return file.get(number)
        raise InvalidParameter(f"trial {number!r} has no returns: it did not come to an end, or there is no such trial")

    def items(self, numbers: Iterable[int] | None = None) -> Iterator[tuple[int, Float32Array]]:
        """Yield number and returns of the trials, numbers rising; cheaper than `get` one by one.

        Parameters
        ----------
        numbers : iterable of int, optional
            The trials; all if omitted.

        Yields
        ------
        tuple of (int, float32 array of shape (n_bars,))
            Read-only. No more than a few trials of each file are in memory at a time.
        """
        wanted = None if numbers is None else self._known(numbers)
        sources = [file.items() for file in self._files]
        for number, returns in heapq.merge(*sources, self._items_held(), key=lambda item: item[0]):
            if wanted is None or number in wanted:
                yield number, returns

    def _known(self, numbers: Iterable[int]) -> set[int]:
        wanted = set(numbers)
        unknown = sorted(wanted - self._bars.keys())
        if unknown:
            raise InvalidParameter(
                f"trial {unknown[0]!r} has no returns: it did not come to an end, or there is no such trial"
            )
        return wanted

    def frame(
        self, numbers: Iterable[int] | None = None, sessions: pd.Index | None = None, *, pad: bool = False
    ) -> pd.DataFrame:
        """Give the returns side by side.

        Parameters
        ----------
        numbers : iterable of int, optional
            The trials; all if omitted.
        sessions : pd.Index, optional
            Labels of the rows, one a session of a whole backtest; without it the longest trial says how many there are.
        pad : bool, optional
            Take trials of fewer sessions too, from the first row on, with NaN after their end: right for a trial that
            was stopped, and for one of the first part of the span. Otherwise they are left out.

        Returns
        -------
        pd.DataFrame of float32, shape (n_sessions, n_trials)
            A column a trial, named by its number, rising.

        Raises
        ------
        InvalidParameter
            If a trial has no returns, or more than there are sessions.
        """
        wanted = sorted(self._bars if numbers is None else self._known(numbers))
        longest = max((self._bars[number] for number in wanted), default=0)
        rows = longest if sessions is None else len(sessions)
        if longest > rows:
            raise InvalidParameter(f"sessions has {rows} labels and a trial {longest} returns: pass those of the span")
        shown = wanted if pad else [number for number in wanted if self._bars[number] == rows]
        values = np.full((rows, len(shown)), np.nan, dtype=np.float32, order="F")
        for column, (_, returns) in enumerate(self.items(shown)):
            values[: len(returns), column] = returns
        return pd.DataFrame(values, index=sessions, columns=pd.Index(shown, dtype=np.int64, name="trial"), copy=False)

    def close(self) -> None:
        """Forget everything, and remove the files that the store made."""
        self._held, self._bars, self._files, self._bytes = {}, {}, [], 0
        if self._remove is not None:
            self._remove()
            self._folder = self._remove = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"ReturnsStore({len(self)} trials, {self.bytes_in_memory:,} bytes in memory)"


def remove(folder: Path, owner: int) -> None:
    """Remove a folder, unless this is another process than the one that made it: a fork inherits its finalizers."""
    if os.getpid() == owner:
        shutil.rmtree(folder, ignore_errors=True)
