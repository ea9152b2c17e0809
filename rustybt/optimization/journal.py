"""How does a run survive the death of its process?

A run's folder holds `run.json` (what began), `trials.jsonl` (one line for each finished trial, in the order in which
they finished), `returns.bin` (their daily returns, one behind the other) and `run.lock`. All but the lock only grow.
"""

import os
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from rustybt._typing import PathLike
from rustybt.errors import InvalidParameter, StorageError
from rustybt.optimization.journal_entries import Entries, Mark, scan
from rustybt.optimization.journal_files import AppendFile, Syncer, hold
from rustybt.optimization.journal_folder import (
    LOCK_FILE,
    advice,
    make_folder,
    open_files,
    opening,
    refuse_filled,
    storage_error,
)
from rustybt.optimization.journal_lines import Key, encode
from rustybt.optimization.journal_run import Run, check_same, plain, read_run, write_run
from rustybt.optimization.trial import Trial

SYNC_DELAY_S = 0.5
"""From a write to the sync that covers it: half of the promised second, which leaves the disk the other half."""


class Journal:
    """The finished trials of a run, in a folder: opened by `create` or `resume`, and closed at the end.

    What `append` has taken survives the death of the process, and a power cut a second later. One process at a time may
    have a run open, and one thread of it may append; a process forked from it may not.

    Attributes
    ----------
    folder : Path
        Where it is.
    began : str
        When the run began: date and time in UTC, ISO 8601.
    header : dict of str to JSON value
        What decides the run's trials.
    entries : Entries
        Mapping of (study, number) to Entry: of earlier processes, and of this one.
    cut_trials : int
        Torn trials at the end, which a kill or a power cut had left, and `resume` has cut off.

    Examples
    --------
    >>> from tempfile import TemporaryDirectory
    >>> from rustybt.optimization.trial import TrialStatus
    >>> trial = Trial(0, {"fast": 5}, TrialStatus.COMPLETE, scores=(1.5,), seconds=0.1, returns=bytes(8))
    >>> with TemporaryDirectory() as root:
    ...     with Journal.create(f"{root}/run", {"seed": 7}) as journal:
    ...         journal.append("search", (5,), None, trial)
    ...     with Journal.resume(f"{root}/run", {"seed": 7}) as journal:
    ...         entry = journal.entries["search", 0]
    >>> entry.keys, entry.trial_of({"fast": 5}) == trial
    ((5,), True)
    """

    def __init__(
        self, folder: Path, run: Run, lines: AppendFile, returns: AppendFile, entries: Entries, mark: Mark
    ) -> None:
        self.folder = folder
        self.began = run.began
        self.header = run.header
        self.entries = entries
        self.cut_trials = 0
        self._lines = lines
        self._returns = returns
        self._mark = mark
        self._synced = mark.entries
        self._handles = ExitStack()
        self._pid = os.getpid()
        self._is_closed = False
        self._failure: OSError | None = None
        self._is_failure_told = False
        self._syncer = Syncer(self._sync_or_note, SYNC_DELAY_S)

    @classmethod
    def create(cls, folder: PathLike, header: Mapping[str, Any]) -> Self:
        """Begin a run.

        Parameters
        ----------
        folder : path-like
            Made if missing, with those above it; otherwise empty.
        header : mapping of str to JSON value
            What decides the run's trials: `resume` demands the same.

        Raises
        ------
        JournalExists
            If the folder holds a run, or other files.
        StorageError
            If it cannot be made or written.
        InvalidParameter
            If the header cannot be written as JSON.
        """
        path, header = Path(folder), plain(header)
        with opening(path), ExitStack() as handles:
            make_folder(path)
            refuse_filled(path)
            handles.callback(os.close, hold(path / LOCK_FILE))
            refuse_filled(path)  # by another process, before this one had the lock
            lines, returns = open_files(path, handles, create=True)
            run = write_run(path, header)  # the last of the files: with it, the folder holds a run
            return cls(path, run, lines, returns, Entries(lines, returns), Mark())._keep(handles)

    @classmethod
    def resume(cls, folder: PathLike, header: Mapping[str, Any]) -> Self:
        """Open a run that was begun, and cut off a trial that was being written when its process died.

        Parameters
        ----------
        folder : path-like
            Of `create`.
        header : mapping of str to JSON value
            Equal to that of `create`.

        Raises
        ------
        JournalNotFound
            If the folder holds no run.
        JournalMismatch
            If the header differs.
        JournalInUse
            If another optimization has the run open.
        JournalCorrupt
            If the files are not as they were written.
        StorageError
            If they cannot be read and written.

        Notes
        -----
        Where it raises, the run's files are as they were.
        """
        path = Path(folder)
        with opening(path), ExitStack() as handles:
            run = read_run(path)
            check_same(path, run, header)
            handles.callback(os.close, hold(path / LOCK_FILE))
            lines, returns = open_files(path, handles, create=False)
            entries = Entries(lines, returns)
            mark, torn = scan(lines, returns, entries)
            for file, size in ((lines, mark.lines), (returns, mark.returns)):
                file.cut(size)
                file.sync()
            journal = cls(path, run, lines, returns, entries, mark)._keep(handles)
            journal.cut_trials = torn
            return journal

    def append(self, study: str, keys: tuple[Key, ...], budget: int | None, trial: Trial) -> None:
        """Keep a finished trial, without its params.

        Parameters
        ----------
        study : str
            The search pass that proposed it, such as "search" or "window 3".
        keys : tuple of bool, int, float, str or None
            Its params as keys of the space.
        budget : int or None
            What the search asked for; None for all.
        trial : Trial
            Its number is unique within the study.

        Raises
        ------
        StorageError
            If the disk is full or fails, now or since the last call. Trials that were kept before are safe.
        InvalidParameter
            If the study has the trial already, or a key cannot be written.
        """
        self._check_usable()
        number, before = trial.number, self._mark
        _check_name(study, number, self.entries)
        line = encode(study, keys, budget, trial, entry=before.entries, synced=self._synced, offset=before.returns)
        try:
            self._returns.write(trial.returns, before.returns)
            self._lines.write(line, before.lines)
            self.entries.add(study, number, before.lines)
            self._mark = before.after(len(line), len(trial.returns))
        except BaseException as error:
            if self._mark is before:  # an interrupt may come after the last assignment
                self._take_back(study, number)
            if isinstance(error, OSError):
                raise self._write_error(study, number, error) from error
            raise
        self._syncer.touch()

    def flush(self) -> None:
        """Wait until the disk has every trial; raises as `append` does."""
        self._check_usable()
        self._sync_or_note()
        self._check_usable()

    def close(self) -> None:
        """Wait until the disk has every trial, and let others open the run; a second call does nothing.

        Raises
        ------
        StorageError
            If the disk failed, and no other call has said so.
        """
        if self._is_closed:
            return
        self._is_closed = True
        try:
            with self._handles:
                if os.getpid() != self._pid:  # the thread did not come along, and the trials are the parent's
                    return
                self._syncer.stop()
                self._sync_or_note()
        except OSError as error:
            self._failure = self._failure or error
        if self._failure is not None and not self._is_failure_told:
            raise self._sync_error(self._failure) from self._failure

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            self.close()
        except StorageError as failure:
            if error is None:
                raise
            error.add_note(str(failure))  # what ended the block says more than that the disk failed too

    def _keep(self, handles: ExitStack) -> Self:
        """Take over the open files and the lock."""
        self._handles = handles.pop_all()
        return self

    def _sync_or_note(self) -> None:
        """Sync, or keep the error for the next call: once a sync failed, a later one proves nothing."""
        count = self._mark.entries
        try:
            self._returns.sync()
            self._lines.sync()
        except OSError as error:
            self._failure = self._failure or error
        if self._failure is None:
            self._synced = max(self._synced, count)

    def _take_back(self, study: str, number: int) -> None:
        """Cut a half-written trial off, or stop here: what would be written behind it could not be read."""
        self.entries.discard(study, number)
        try:
            self._lines.cut(self._mark.lines)
            self._returns.cut(self._mark.returns)
        except OSError as error:
            self._failure = self._failure or error

    def _check_usable(self) -> None:
        if self._is_closed or os.getpid() != self._pid:
            raise StorageError(f"the journal of {str(self.folder)!r} is closed in this process: resume the run")
        if self._failure is not None:
            self._is_failure_told = True
            raise self._sync_error(self._failure) from self._failure

    def _write_error(self, study: str, number: int, error: OSError) -> StorageError:
        return storage_error(
            f"trial {number} of {study!r} could not be written to {str(self.folder)!r}: {error.strerror}. "
            f"The {self._mark.entries} trials before it are kept: {advice(error)}, then resume the run",
            error,
        )

    def _sync_error(self, error: OSError) -> StorageError:
        return storage_error(
            f"the disk failed under {str(self.folder)!r}: {error.strerror}. {self._synced} of {self._mark.entries} "
            f"trials are known to be safe: {advice(error)}, then resume the run",
            error,
        )


def _check_name(study: str, number: int, entries: Entries) -> None:
    if not isinstance(study, str) or number < 0:
        raise InvalidParameter(f"trial {number!r} of study {study!r}: give a word and a number from 0")
    if (study, number) in entries:
        raise InvalidParameter(f"trial {number} of {study!r} is in the journal already: use its entry")
