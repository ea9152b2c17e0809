"""How is Zipline's answer to a case kept in little space, and compared later?

A golden record holds the algorithm's source, so that it does not depend on the generator's version; every session's
portfolio value and cash; all columns of some sessions; the transactions and orders, and the log. Of long lists only the
beginning, the end and exact sums are kept. Numbers have 12 significant digits, compared at 1e-9.
"""

import gzip
import json
import math
from pathlib import Path
from typing import Any

from scripts.parity.compare import TOLERANCE, of_column, of_error, of_log
from scripts.parity.generate import Case

DENSE = ("portfolio_value", "ending_cash")  # kept for every session
SESSIONS_KEPT = 32
ROWS_KEPT = 200  # of the transactions, and of the orders
TRANSACTION = ("dt", "sid", "amount", "price", "commission")
ORDER = (
    "dt",
    "created",
    "sid",
    "amount",
    "filled",
    "commission",
    "limit",
    "stop",
    "limit_reached",
    "stop_reached",
    "status",
)
DIGITS = 12


def rounded(value: Any) -> Any:
    """Round every number to the digits kept."""
    if isinstance(value, float):
        number = float(f"{value:.{DIGITS}g}")
        return int(number) if number.is_integer() and abs(number) < 1e15 else number
    if isinstance(value, list):
        return [rounded(item) for item in value]
    return {key: rounded(item) for key, item in value.items()} if isinstance(value, dict) else value


def sums(rows: list[list[Any]]) -> list[Any]:
    """Add every column's numbers exactly."""

    def number(cell: Any) -> float:
        return float(cell) if isinstance(cell, int | float) else 0.0

    return [math.fsum(map(number, column)) for column in zip(*rows, strict=True)]


def thinned(column: list[Any], fields: tuple[str, ...]) -> list[Any]:
    """Give the rows of all sessions as [session, field, ...]: the first, the last, and between them the sums of all."""
    rows = [[i, *(row.get(field) for field in fields)] for i, cell in enumerate(column) for row in rows_of(cell)]
    if len(rows) <= ROWS_KEPT:
        return rows
    return [*rows[: ROWS_KEPT * 3 // 4], [len(rows), *sums(rows)], *rows[-ROWS_KEPT // 4 :]]


def rows_of(cell: Any) -> list[dict[str, Any]]:
    """Give a cell's rows; an algorithm may record a variable under the column's name."""
    return cell if isinstance(cell, list) else []


def kept_sessions(count: int) -> list[int]:
    """Choose the sessions whose every column is kept, spread over the run, the last one among them."""
    if count <= SESSIONS_KEPT:
        return list(range(count))
    return sorted({round(i * (count - 1) / (SESSIONS_KEPT - 1)) for i in range(SESSIONS_KEPT)})


def condensed(answer: dict[str, Any]) -> dict[str, Any]:
    """Give what is kept of an answer, itself in the form of an answer.

    Parameters
    ----------
    answer : dict
        Of `scripts.parity.run_one`.

    Returns
    -------
    dict
        With the "sessions" of every cell list; columns that are kept whole or as lists have one cell.
    """
    if "error" in answer:
        return {key: answer[key] for key in ("error", "kinds", "message", "log")}
    columns, sessions = answer["columns"], answer["sessions"]
    kept = kept_sessions(len(sessions))
    few = {n: [c[i] for i in kept] for n, c in columns.items() if n not in ("orders", "transactions", *DENSE)}
    rows = {"transactions": thinned(columns["transactions"], TRANSACTION), "orders": thinned(columns["orders"], ORDER)}
    return {
        "span": [sessions[0], sessions[-1], len(sessions)],
        "kept": [sessions[i] for i in kept],
        "columns": few,
        "rows": rows,
        "dense": {name: columns[name] for name in DENSE},
        "log": answer["log"],
    }


def record(case: Case, answer: dict[str, Any]) -> dict[str, Any]:
    """Give the golden record of a case."""
    head = {"seed": case.seed, "bundle": case.bundle, "parts": list(case.parts), "source": case.source}
    return {**head, **rounded(condensed(answer))}


def path_of(folder: Path, seed: int) -> Path:
    """Give a seed's golden file."""
    return folder / f"{seed:04d}.json.gz"


def write(folder: Path, case: Case, answer: dict[str, Any]) -> int:
    """Write a golden file, the same bytes each time, and give its size."""
    folder.mkdir(parents=True, exist_ok=True)
    path = path_of(folder, case.seed)
    text = json.dumps(record(case, answer), separators=(",", ":"))
    with gzip.GzipFile(path, "wb", compresslevel=9, mtime=0) as file:
        file.write(text.encode())
    return path.stat().st_size


def read(path: Path) -> dict[str, Any]:
    """Read a golden file."""
    golden: dict[str, Any] = json.loads(gzip.decompress(path.read_bytes()))
    return golden


def case_of(golden: dict[str, Any]) -> Case:
    """Give the case that a golden record was made from."""
    return Case(golden["seed"], golden["bundle"], tuple(golden["parts"]), golden["source"])


def golden_differences(golden: dict[str, Any], answer: dict[str, Any], tolerance: float = TOLERANCE) -> list[str]:
    """Say where an answer differs from a golden record.

    Parameters
    ----------
    golden : dict
        A record, as `read` gives it.
    answer : dict
        Of `scripts.parity.run_one`.
    tolerance : float
        As in `scripts.parity.compare.differences`.

    Returns
    -------
    list of str
        Empty for the same answer.
    """
    got = condensed(answer)
    lines = of_error(golden, got)
    if golden.get("span") != got.get("span"):
        lines.append(f"sessions: expected {golden.get('span')}, got {got.get('span')}")
    elif "span" in golden:
        for name in DENSE:
            numbers = [f"#{i}" for i in range(golden["span"][2])]
            lines += of_column(name, numbers, golden["dense"][name], got["dense"][name], tolerance)
        for name, cells in golden["columns"].items():
            lines += of_column(name, golden["kept"], cells, got["columns"].get(name), tolerance)
        for name, rows in golden["rows"].items():
            lines += of_log(rows, got["rows"][name], tolerance, name)
    return lines + of_log(golden["log"], got["log"], tolerance)
