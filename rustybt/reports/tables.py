"""How does a frame or a mapping become an HTML table, with everything in it escaped?"""

import html
from collections.abc import Collection, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from rustybt.reports.style import shown


def escaped(value: Any) -> str:
    """Give text for HTML, quotes included.

    Examples
    --------
    >>> escaped("<b> & 'c'")
    '&lt;b&gt; &amp; &#x27;c&#x27;'
    """
    return html.escape(str(value), quote=True)


def frame_table(frame: pd.DataFrame, titles: Mapping[str, str] | None = None, right: Collection[str] = ()) -> str:
    """Give a frame as a table: numbers right, words left, to four digits.

    Parameters
    ----------
    frame : pd.DataFrame
        A row a row of the table; the index is not shown.
    titles : mapping of str to str, optional
        What a column is called; its name if it is not there.
    right : collection of str, optional
        Columns of words that stand right all the same: numbers that were formatted.

    Returns
    -------
    str
        HTML.
    """
    called = titles or {}
    words = {str(name): name not in right and is_words(frame[name]) for name in frame.columns}
    head = "".join(cell("th", called.get(name, name), words[name]) for name in words)
    rows = [
        "".join(cell("td", shown(value, str(name)), words[str(name)]) for name, value in row.items())
        for row in frame.to_dict("records")
    ]
    body = "".join(f"<tr>{row}</tr>" for row in rows)
    return f'<div class="scroll"><table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>'


def is_words(column: "pd.Series[Any]") -> bool:
    """Say whether a column holds anything but numbers and dates."""
    return any(not isinstance(value, int | float | np.number | pd.Timestamp | None) for value in column.tolist())


def cell(tag: str, text: str, is_word: bool) -> str:
    """Give one cell."""
    kind = ' class="word"' if is_word else ""
    return f"<{tag}{kind}>{escaped(text)}</{tag}>"


def pairs_table(pairs: Mapping[str, Any]) -> str:
    """Give a mapping as a table of two columns; a mapping within it as lines."""
    rows = [f"<tr><td>{escaped(key)}</td><td>{escaped(lines_of(value))}</td></tr>" for key, value in pairs.items()]
    return f'<table class="pairs"><tbody>{"".join(rows)}</tbody></table>'


def lines_of(value: Any) -> str:
    """Give a value as text; of a mapping and of a list of words or mappings a line an entry."""
    if isinstance(value, Mapping):
        lines = ((key, inline(item) if isinstance(item, Mapping) else lines_of(item)) for key, item in value.items())
        return "\n".join(f"{key}: {line}" for key, line in lines) or "–"
    if isinstance(value, list | tuple) and any(isinstance(item, str | Mapping) for item in value):
        return "\n".join(lines_of(item) if not isinstance(item, Mapping) else inline(item) for item in value)
    return shown(value)


def inline(pairs: Mapping[str, Any]) -> str:
    """Give a mapping as one line."""
    return ", ".join(f"{key} {shown(value)}" for key, value in pairs.items())


def cards(metrics: Sequence[tuple[str, str]]) -> str:
    """Give pairs of name and value as cards, the first one marked."""
    made = [
        f'<div class="card{" first" if place == 0 else ""}"><b>{escaped(value)}</b><span>{escaped(name)}</span></div>'
        for place, (name, value) in enumerate(metrics)
    ]
    return f'<div class="cards">{"".join(made)}</div>'


def chips(pairs: Mapping[str, Any]) -> str:
    """Give params as a row of chips."""
    made = [f"<li>{escaped(name)} <b>{escaped(shown(value))}</b></li>" for name, value in pairs.items()]
    return f'<ul class="chips">{"".join(made)}</ul>' if made else ""
