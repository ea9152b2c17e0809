"""Which run does a folder hold, and is it the one that is asked for now?

`run.json` is written once, when the run begins, and says what decides its trials.
"""

import json
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from rustybt.data.files import replacing
from rustybt.errors import InvalidParameter, JournalCorrupt, JournalMismatch, JournalNotFound, did_you_mean

SCHEMA = 2
"""Of the files of a run; a change that older code cannot read raises it."""

RUN_FILE = "run.json"

_SUBJECTS = {
    "strategy": "the strategy",
    "strategy_digest": "the strategy's code",
    "bundle": "the bundle",
    "fingerprint": "the bundle's data",
}
_MAX_VALUE_CHARACTERS = 120
_ABSENT = "absent"


class Run(NamedTuple):
    """What `run.json` holds.

    Attributes
    ----------
    began : str
        Date and time in UTC, ISO 8601.
    header : dict of str to JSON value
        What decides the run's trials.
    """

    began: str
    header: dict[str, Any]


def plain_number(value: object) -> bool | int | float:
    """Give a scalar of NumPy as Python's number of the same value, for JSON's encoder; anything else raises."""
    if isinstance(value, np.bool_):
        return bool(value)
    if isinstance(value, np.integer):
        return int(value)
    if isinstance(value, np.floating):
        return float(value)
    raise TypeError(f"{value!r} is neither number nor word")


def plain(header: Mapping[str, Any]) -> dict[str, Any]:
    """Give a header as it is read back: lists for tuples, Python's numbers.

    Parameters
    ----------
    header : mapping of str to JSON value
        Numbers (also NumPy's, NaN and infinities), words, None, and lists, tuples and dicts of them.

    Returns
    -------
    dict
        A copy.

    Raises
    ------
    InvalidParameter
        If there is anything else in it.

    Examples
    --------
    >>> plain({"seed": 7, "span": ("2020-01-02", None)})
    {'seed': 7, 'span': ['2020-01-02', None]}
    """
    try:
        copy: dict[str, Any] = json.loads(json.dumps(dict(header), default=plain_number))
    except (TypeError, ValueError) as error:
        raise InvalidParameter(f"header cannot be written as JSON: {error}") from error
    return copy


def write_run(folder: Path, header: Mapping[str, Any]) -> Run:
    """Write `run.json`, whole or not at all."""
    run = Run(datetime.now(UTC).isoformat(sep=" ", timespec="seconds"), plain(header))
    with replacing(folder / RUN_FILE) as beside:
        text = json.dumps({"schema": SCHEMA, "began": run.began, "header": run.header}, indent=1)
        beside.write_text(text + "\n", encoding="utf-8")
    return run


def read_run(folder: Path) -> Run:
    """Read `run.json`.

    Raises
    ------
    JournalNotFound
        If the folder holds no run.
    JournalCorrupt
        If the file is not as it was written.
    JournalMismatch
        If it has a form that this version does not know.
    """
    path = folder / RUN_FILE
    try:
        content = json.loads(path.read_bytes())
        schema, run = content["schema"], Run(str(content["began"]), dict(content["header"]))
    except (FileNotFoundError, NotADirectoryError) as error:
        raise JournalNotFound(
            f"folder {str(folder)!r} holds no run to resume{_near(folder)}: start one with it as storage"
        ) from error
    except (ValueError, TypeError, KeyError) as error:
        raise JournalCorrupt(f"{str(path)!r} is damaged ({error!r}): restore it from a copy") from error
    if schema != SCHEMA:
        raise JournalMismatch(
            f"the run in {str(folder)!r} has form {schema!r}, and this version of rustybt reads form {SCHEMA}: "
            "resume it with the version that began it, or start another run in another folder"
        )
    return run


def check_same(folder: Path, run: Run, header: Mapping[str, Any]) -> None:
    """Raise JournalMismatch, naming every field that differs, unless the header is the run's."""
    now = plain(header)
    differing = list(_differences(run.header, now))
    if not differing:
        return
    changes = "; ".join(f"{_subject(run, name)} changed: {then} then, {new} now" for name, then, new in differing)
    raise JournalMismatch(
        f"the run in {str(folder)!r} cannot be resumed, because since it began ({run.began}) {changes}. Nothing was "
        "written: restore what changed, or start another run in another folder",
        fields=tuple(name for name, _, _ in differing),
    )


def _subject(run: Run, name: str) -> str:
    """Say what a field is, also one of a strategy among many, whose settings stand under its name."""
    if name in _SUBJECTS:
        return _SUBJECTS[name]
    member = next((key for key, value in run.header.items() if name.startswith(f"{key}.") and _is_of_run(value)), "")
    field = name.removeprefix(f"{member}.")
    return f"{_SUBJECTS[field]} of {member!r}" if member and field in _SUBJECTS else name


def _is_of_run(value: Any) -> bool:
    """Say whether a field holds the settings of a run of its own."""
    return isinstance(value, dict) and _SUBJECTS.keys() <= value.keys()


def _differences(then: Mapping[str, Any], now: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, str, str]]:
    """Yield name and both values of every field that differs, fields of fields by their own names."""
    for name in dict.fromkeys((*then, *now)):
        one, other = then.get(name, _ABSENT), now.get(name, _ABSENT)
        if isinstance(one, dict) and isinstance(other, dict):
            yield from _differences(one, other, f"{prefix}{name}.")
        elif name not in then or name not in now or _text(one) != _text(other):
            yield (
                prefix + name,
                _short(one) if name in then else _ABSENT,
                _short(other) if name in now else _ABSENT,
            )


def _text(value: Any) -> str:
    """Give what two values are compared by: NaN is NaN, 1 is neither 1.0 nor true."""
    return json.dumps(value, sort_keys=True)


def _short(value: Any) -> str:
    text = _text(value)
    return text if len(text) <= _MAX_VALUE_CHARACTERS else f"{text[:_MAX_VALUE_CHARACTERS]}..."


def _near(folder: Path) -> str:
    """Give the near-miss clause over the runs beside a folder."""
    if not folder.parent.is_dir():
        return ""
    return did_you_mean(folder.name, sorted(path.parent.name for path in folder.parent.glob(f"*/{RUN_FILE}")))
