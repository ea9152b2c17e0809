"""Where do two answers to the same algorithm differ?"""

from typing import Any

TOLERANCE = 1e-9
SHOWN = 170


def same(want: Any, got: Any, tolerance: float) -> bool:
    """Whether two JSON values agree: numbers within the tolerance, relative above 1, all else exactly."""
    if isinstance(want, bool) or isinstance(got, bool):
        return want is got
    if isinstance(want, int | float) and isinstance(got, int | float):
        return abs(want - got) <= tolerance * max(1.0, abs(want), abs(got))
    if isinstance(want, list) and isinstance(got, list):
        return len(want) == len(got) and all(same(x, y, tolerance) for x, y in zip(want, got, strict=True))
    if isinstance(want, dict) and isinstance(got, dict):
        return want.keys() == got.keys() and all(same(want[key], got[key], tolerance) for key in want)
    return bool(want == got)


def shown(value: Any) -> str:
    """Give a value's beginning."""
    text = str(value)
    return text if len(text) <= SHOWN else text[:SHOWN] + "..."


def of_error(want: dict[str, Any], got: dict[str, Any]) -> list[str]:
    """Compare how the runs ended; a class of this project may derive from the one that Zipline raises."""
    name = want.get("error")
    if name in got.get("kinds", [None]):
        return []
    return [f"error: expected {name} ({want.get('message', '')}), got {got.get('error')} ({got.get('message', '')})"]


def of_column(name: str, sessions: list[str], want: list[Any], got: list[Any] | None, tolerance: float) -> list[str]:
    """Compare a column of the perf frame."""
    if got is None:
        return [f"column {name}: missing"]
    bad = [i for i, (x, y) in enumerate(zip(want, got, strict=False)) if not same(x, y, tolerance)]
    if not bad:
        return []
    first = bad[0]
    where = f"{len(bad)} of {len(want)} differ, first on {sessions[first]}"
    return [f"column {name}: {where}: expected {shown(want[first])}, got {shown(got[first])}"]


def of_log(want: list[Any], got: list[Any], tolerance: float, name: str = "log") -> list[str]:
    """Compare the algorithms' logs, or other lists in order."""
    bad = [i for i, (x, y) in enumerate(zip(want, got, strict=False)) if not same(x, y, tolerance)]
    if not bad and len(want) == len(got):
        return []
    first = bad[0] if bad else min(len(want), len(got))
    ends = [shown(log[first]) if first < len(log) else "its end" for log in (want, got)]
    return [f"{name}: {len(want)} and {len(got)} entries, first differ at #{first}: expected {ends[0]}, got {ends[1]}"]


def differences(want: dict[str, Any], got: dict[str, Any], tolerance: float = TOLERANCE) -> list[str]:
    """Say where an answer differs from the expected one, the first place of each column.

    Parameters
    ----------
    want, got : dict
        Answers of `scripts.parity.run_one`.
    tolerance : float
        Largest difference, relative for numbers above 1.

    Returns
    -------
    list of str
        Empty for the same answer; the earliest session's column first.
    """
    lines = of_error(want, got)
    if want.get("sessions") != got.get("sessions"):
        lines.append(f"sessions: expected {len(want.get('sessions', []))}, got {len(got.get('sessions', []))}")
    elif "sessions" in want:
        sessions, have = want["sessions"], got["columns"]
        found = [of_column(name, sessions, cells, have.get(name), tolerance) for name, cells in want["columns"].items()]
        extra = [f"column {name}: not expected" for name in have if name not in want["columns"]]
        lines += sorted((line for column in found for line in column), key=first_day) + extra
    return lines + of_log(want["log"], got["log"], tolerance)


def first_day(line: str) -> str:
    """Give the date in a column's line, to sort by."""
    return line.partition("first on ")[2][:10]
