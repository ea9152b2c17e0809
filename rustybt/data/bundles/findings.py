"""What was wrong with source data that was ingested all the same? Counted, and named as far as a person would read."""

from __future__ import annotations

import warnings
from collections import Counter
from collections.abc import Mapping
from typing import Any, Final, NamedTuple

from rustybt.data.bundles.raw_bars import Place
from rustybt.errors import IngestWarning

KINDS: Final = {
    "outside": "rows outside of the calendar's sessions were dropped",
    "duplicate": "rows that repeat another were dropped",
    "bad": "impossible bars were dropped",
    "kept": "impossible bars were kept",
    "incomplete": "bars lack some of their prices, which read as NaN",
    "suspect": "jumps look like splits that are not recorded",
}
"""Kinds of findings, in the order of a report, and their words after a number."""

MOST_NAMED: Final = 100
"""Findings of one kind that a manifest names; the others are only counted."""
MOST_SYMBOLS: Final = 10_000


class Finding(NamedTuple):
    """One row that was found wanting.

    Attributes
    ----------
    symbol, date : str
        Whose, and the label as text.
    place : Place
        Where it is in the source.
    text : str
        What is wrong.
    """

    symbol: str
    date: str
    place: Place
    text: str

    def __str__(self) -> str:
        at = f"{self.place} " if str(self.place) else ""
        return f"{at}({self.symbol}, {self.date}): {self.text}"


class Findings:
    """Collects what was found in one ingest."""

    def __init__(self) -> None:
        self._counts: dict[str, Counter[str]] = {kind: Counter() for kind in KINDS}
        self._named: dict[str, list[Finding]] = {kind: [] for kind in KINDS}
        self.notes: list[str] = []

    def room(self, kind: str) -> int:
        """Say how many more findings of a kind will be named."""
        return MOST_NAMED - len(self._named[kind])

    def add(self, kind: str, symbol: str, count: int, named: list[Finding]) -> None:
        """Count findings of a symbol, of which some are named."""
        self._counts[kind][symbol] += count
        self._named[kind] += named[: self.room(kind)]

    def note(self, text: str) -> None:
        """Keep a word for the user, once."""
        if text not in self.notes:
            self.notes.append(text)

    def for_manifest(self) -> dict[str, Any]:
        """Give what the manifest keeps: by kind the number, the numbers by symbol, and what was named."""
        found: dict[str, Any] = {
            kind: {
                "count": counts.total(),
                "symbols": dict(counts.most_common(MOST_SYMBOLS)),
                "named": [
                    {"symbol": one.symbol, "date": one.date, "file": one.place.file, "line": one.place.line}
                    | {"text": one.text}
                    for one in self._named[kind]
                ],
            }
            for kind, counts in self._counts.items()
            if counts
        }
        return found | ({"notes": self.notes} if self.notes else {})

    def warn(self) -> None:
        """Warn of each kind once, and of each note."""
        for kind, counts in self._counts.items():
            if counts:
                first = f"; the first: {self._named[kind][0]}" if self._named[kind] else ""
                of = f"of {len(counts)} symbols " if len(counts) > 1 else ""
                warnings.warn(f"{counts.total()} {of}{KINDS[kind]}{first}", IngestWarning, stacklevel=2)
        for text in self.notes:
            warnings.warn(text, IngestWarning, stacklevel=2)


def lines_of(found: Mapping[str, Any], most: int = MOST_NAMED) -> list[str]:
    """Write a manifest's findings as lines of text, so many of each kind.

    Parameters
    ----------
    found : mapping
        See `Findings.for_manifest`.
    most : int
        Findings of a kind that are named.

    Returns
    -------
    list of str
    """
    lines = []
    for kind, words in KINDS.items():
        if kind in found:
            lines.append(f"{found[kind]['count']:,} {words}:")
            named = [
                str(Finding(one["symbol"], one["date"], Place(one["file"], one["line"]), one["text"]))
                for one in found[kind]["named"][:most]
            ]
            lines += [f"  {text}" for text in named]
            more = found[kind]["count"] - len(named)
            lines += [f"  and {more:,} more, by symbol: {_by_symbol(found[kind]['symbols'])}"] if more > 0 else []
    return [*lines, *found.get("notes", ())]


def _by_symbol(counts: Mapping[str, int]) -> str:
    shown = [f"{symbol} {count:,}" for symbol, count in list(counts.items())[:10]]
    return ", ".join([*shown, "..."] if len(counts) > len(shown) else shown)
