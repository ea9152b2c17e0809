"""How is a finished trial written as one line, and known to be whole when it is read?

A line is one JSON object, in ASCII. It begins with a CRC-32 of all that follows, its end included; then stand its place
in the file and where the trial's returns lie in the file beside, with a CRC-32 of their own. Floats are written as
`repr` writes them, which gives every bit back; NaN and infinities as Python's `json` writes and reads them.
"""

import json
import re
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, NamedTuple, TypeAlias

import numpy as np

from rustybt.errors import InvalidParameter
from rustybt.optimization.journal_run import plain_number
from rustybt.optimization.trial import Trial, TrialStatus

Key: TypeAlias = bool | int | float | str | None
"""What a parameter's value is told from others by; see `ParameterSpace.encode`."""

_KEY_TYPES = (int, float, str, type(None), np.bool_, np.integer, np.floating)
_START = b'{"crc":"'
_PREFIX = _START.decode() + '%08x",'
_PREFIX_BYTES = len(_PREFIX % 0)
_HEAD = re.compile(
    rb'\{"crc":"([0-9a-f]{8})","entry":([0-9]+),"synced":([0-9]+),"study":("(?:[^"\\]|\\.)*"),"number":([0-9]+),'
    rb'"returns":\[([0-9]+),([0-9]+),([0-9]+)\],'
)
_ENCODER = json.JSONEncoder(separators=(",", ":"), check_circular=False, default=plain_number)


@dataclass(frozen=True, slots=True)
class Entry:
    """A finished trial, as the journal has it.

    Attributes
    ----------
    study : str
        The search pass that proposed it.
    keys : tuple of bool, int, float, str or None
        Its params as keys of the space, one a parameter.
    budget : int or None
        What the search asked for; None for all.
    trial : Trial
        Its outcome, with empty params.
    """

    study: str
    keys: tuple[Key, ...]
    budget: int | None
    trial: Trial

    def trial_of(self, params: Mapping[str, Any]) -> Trial:
        """Give the trial with the params that the keys stand for."""
        return replace(self.trial, params=params)


class Head(NamedTuple):
    """The part of a line that tells where things are.

    Attributes
    ----------
    entry : int
        Its place in the file, from 0.
    synced : int
        Entries that were known to be on the disk when it was written.
    study, number : str, int
        The entry's name.
    offset, length : int
        Where the returns lie, in bytes.
    returns_crc : int
        Their CRC-32.
    """

    entry: int
    synced: int
    study: str
    number: int
    offset: int
    length: int
    returns_crc: int


def encode(
    study: str, keys: tuple[Any, ...], budget: int | None, trial: Trial, *, entry: int, synced: int, offset: int
) -> bytes:
    """Write a finished trial as a line.

    Parameters
    ----------
    study, keys, budget, trial
        As in `Entry`; the trial's params are left out. Scalars of NumPy become Python's.
    entry, synced, offset : int
        As in `Head`.

    Returns
    -------
    bytes
        With its end.

    Raises
    ------
    InvalidParameter
        If a key is neither a number, a word nor None, or a metric is no number.
    """
    for key in keys:
        if not isinstance(key, _KEY_TYPES):
            raise InvalidParameter(f"key {key!r} is neither a number, a word nor None: it could not be read back")
    record = {
        "entry": entry,
        "synced": synced,
        "study": study,
        "number": trial.number,
        "returns": (offset, len(trial.returns), zlib.crc32(trial.returns)),
        "keys": keys,
        "budget": budget,
        "status": trial.status.value,
        "scores": trial.scores,
        "metrics": dict(trial.metrics),
        "seconds": trial.seconds,
        "error": trial.error,
        "failed_constraints": trial.failed_constraints,
        "share": trial.budget,
        "bars": trial.bars,
        "worker": trial.worker,
        "is_cached": trial.is_cached,
    }
    try:
        content = _ENCODER.encode(record).encode("ascii")[1:] + b"\n"
    except TypeError as error:
        raise InvalidParameter(f"trial {trial.number} of {study!r} cannot be written as JSON: {error}") from error
    return (_PREFIX % zlib.crc32(content)).encode("ascii") + content


def read_head(line: bytes) -> Head | None:
    """Give the head of a line, or None where the line is not whole."""
    match = _HEAD.match(line)
    if match is None or zlib.crc32(memoryview(line)[_PREFIX_BYTES:]) != int(match[1], 16):
        return None
    entry, synced, number, offset, length, crc = map(int, match.group(2, 3, 5, 6, 7, 8))
    return Head(entry, synced, json.loads(match[4]), number, offset, length, crc)


def begun_lines(line: bytes) -> int:
    """Count the lines that begin in what was read as one: two, where the end of the first was lost."""
    return line.count(_START)  # in JSON, these bytes cannot stand within a word


def returns_match(head: Head, returns: bytes) -> bool:
    """Say whether these are the returns that were written with a line."""
    return len(returns) == head.length and zlib.crc32(returns) == head.returns_crc


def decode(line: bytes, returns: bytes) -> Entry:
    """Read a whole line and the returns that match it; gives what was written, but a NaN's sign and payload."""
    record = json.loads(line)
    trial = Trial(
        record["number"],
        {},
        TrialStatus(record["status"]),
        tuple(record["scores"]),
        record["metrics"],
        record["seconds"],
        record["error"],
        returns,
        tuple(record["failed_constraints"]),
        record["share"],
        record["bars"],
        record["worker"],
        record["is_cached"],
    )
    return Entry(record["study"], tuple(record["keys"]), record["budget"], trial)
