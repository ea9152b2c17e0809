"""How does the bench say what it found? As text, as a Markdown table and as JSON, ratios first."""

import os
import platform
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from typing import Any, NamedTuple

from scripts.benchmarks.measuring import Figure

CPU = Path("/proc/cpuinfo")


class Row(NamedTuple):
    """A contender's runs: seconds of each, the portfolio's value at the end, peak memory, and what to know of it."""

    name: str
    seconds: list[float]
    value: float | None = None
    peak_mb: float | None = None
    note: str = ""


@dataclass
class CaseReport:
    """What a case found.

    Attributes
    ----------
    name : str
        As `--only` takes it.
    title : str
        What was run.
    figures : list of Figure
        Ratios and targets.
    rows : list of Row
        The contenders that they come from.
    notes : list of str
        What differs between contenders, and who was left out.
    failure : str
        Why it could not be measured.
    """

    name: str
    title: str
    figures: list[Figure] = field(default_factory=list)
    rows: list[Row] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    failure: str = ""


def number(value: float) -> str:
    """Write a value with four digits that say something: fewer would hide on which side of a target it is."""
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.4g}"


def measured(figure: Figure) -> str:
    """Write value and unit."""
    return f"{number(figure.value)} {figure.unit}".strip()


def text_of(case: CaseReport) -> str:
    """Write a case for a terminal."""
    lines = [f"{case.name}: {case.title}"]
    for figure in case.figures:
        aim = f" (target {figure.target}): {figure.verdict}" if figure.target else ""
        lines.append(f"  {figure.name}: {measured(figure)}{aim}{'; ' * bool(figure.note)}{figure.note}")
    for row in case.rows:
        spread = f"{number(min(row.seconds))} to {number(max(row.seconds))} s in {len(row.seconds)} runs"
        value = "" if row.value is None else f", ends at {row.value:,.2f}"
        peak = "" if row.peak_mb is None else f", peak {row.peak_mb:,.0f} MB"
        note = f" ({row.note})" if row.note else ""
        lines.append(f"    {row.name}: median {number(median(row.seconds))} s, {spread}{value}{peak}{note}")
    return "\n".join([*lines, *[f"    {note}" for note in (*case.notes, case.failure) if note]])


def markdown_of(cases: Sequence[CaseReport], machine: Mapping[str, str]) -> str:
    """Write all cases as the tables of docs/performance.md."""
    lines = [f"Measured on {machine['machine']}, {machine['python']}; {machine['how']}; {machine['libraries']}.", ""]
    lines += ["| Case | Figure | Measured | Target | Verdict | Note |", "|---|---|---|---|---|---|"]
    for case in cases:
        lines += [
            f"| {case.name} | {f.name} | {measured(f)} | {f.target} | {f.verdict} | {f.note} |" for f in case.figures
        ]
    lines += ["", "| Case | Contender | Median s | Runs | Ends at | Peak MB |", "|---|---|---|---|---|---|"]
    for case in cases:
        for row in case.rows:
            value = "" if row.value is None else f"{row.value:,.0f}"
            peak = "" if row.peak_mb is None else f"{row.peak_mb:,.0f}"
            seconds = f"{number(median(row.seconds))} | {len(row.seconds)}"
            lines.append(f"| {case.name} | {row.name} | {seconds} | {value} | {peak} |")
    notes = [f"- {case.name}: {note}" for case in cases for note in case.notes]
    return "\n".join([*lines, *([""] if notes else []), *notes])


def json_of(cases: Sequence[CaseReport], machine: Mapping[str, str]) -> dict[str, Any]:
    """Give everything, with every single run."""
    return {
        "machine": dict(machine),
        "cases": [
            {
                "name": case.name,
                "title": case.title,
                "figures": [{**f._asdict(), "verdict": f.verdict} for f in case.figures],
                "rows": [row._asdict() for row in case.rows],
                "notes": case.notes,
                "failure": case.failure,
            }
            for case in cases
        ],
    }


def load_average() -> str:
    """Say how many processes wanted a core in the last minute; more than there are cores is a bad time to measure."""
    return f"{os.getloadavg()[0]:.1f}" if hasattr(os, "getloadavg") else "unknown"


def machine_of(versions: Mapping[str, str], how: str = "") -> dict[str, str]:
    """Describe the machine, the interpreter, the libraries that took part, and how they were measured."""
    model = platform.processor() or platform.machine()
    if CPU.exists():
        names = [line.partition(":")[2].strip() for line in CPU.read_text().splitlines() if "model name" in line]
        model = names[0] if names else model
    cores = f"{os.cpu_count()} core{'s' * (os.cpu_count() != 1)}"
    return {
        "machine": f"{model}, {cores}, {platform.system()}",
        "python": f"Python {platform.python_version()}",
        "how": how,
        "libraries": ", ".join(f"{name} {version}" for name, version in sorted(versions.items())),
    }
