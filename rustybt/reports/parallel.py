"""Through which values of all parameters do the best trials go?

Drawn as lines of a plain chart, not as plotly's own parallel coordinates: those need WebGL and code made at run time,
which a page that is closed to the network forbids, and a machine without a graphics card shows nothing.
"""

import math
from collections.abc import Collection, Sequence
from typing import Any, Final, NamedTuple

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from rustybt._typing import FloatArray
from rustybt.errors import InvalidParameter
from rustybt.reports.parameter_charts import MOST_CELLS, is_missing, is_numeric, rows_with
from rustybt.reports.style import FAINT_INK, INK, figure, safe, shown, words_for

MOST_LINES: Final = 400
"""Drawn: all of the best, and evenly chosen ones of the others."""

INACTIVE: Final = -0.09
"""Where a trial's line passes an axis whose parameter was not active, below its end."""

GROUPS: Final = (
    (0.1, "Best tenth", "rgba(11, 79, 148, 0.75)", 1.8),
    (0.5, "Better half", "rgba(106, 174, 214, 0.6)", 1.1),
    (1.0, "Other half", "rgba(154, 165, 177, 0.4)", 1.0),
)
"""Share of the trials up to which a group goes, its name, colour and width."""


class Scale(NamedTuple):
    """One upright axis.

    Attributes
    ----------
    heights : float64 array, shape (n_trials,)
        Of each trial: 0 at the lower end, 1 at the upper; INACTIVE where it has no value.
    ticks : list of (float, str)
        Heights and labels.
    """

    heights: FloatArray
    ticks: list[tuple[float, str]]


def parallel_figure(
    trials: pd.DataFrame,
    names: Sequence[str],
    score: str = "score",
    *,
    minimize: bool = False,
    log: Collection[str] = (),
    title: str = "",
    name: str = "",
) -> go.Figure:
    """Draw each trial as a line through its values of all parameters and its score.

    Parameters
    ----------
    trials : pd.DataFrame
        A row a trial; rows without a finite score are left out.
    names : sequence of str
        Columns of the parameters, of numbers or choices, from left to right.
    score : str, optional
        Column of the last axis.
    minimize : bool, optional
        The lowest score is the best.
    log : collection of str, optional
        Parameters with a logarithmic axis.
    title : str, optional
        Of the figure.
    name : str, optional
        What the score is called; words for the column if omitted.

    Returns
    -------
    plotly.graph_objects.Figure
        The best tenth dark and on top; a click on a group's name hides it. Of many trials 400 are drawn. A parameter
        that was not active is passed below its axis.

    Raises
    ------
    InvalidParameter
        If a column is missing, no parameter is named, or no trial has a finite score.

    Examples
    --------
    >>> trials = pd.DataFrame({"fast": [1, 3], "kind": ["a", "b"], "score": [0.5, 1.0]})
    >>> figure = parallel_figure(trials, ["fast", "kind"])
    >>> [float(y) for y in figure.data[-1].y[:3]]
    [1.0, 1.0, 1.0]
    """
    if not names:
        raise InvalidParameter("names is empty: name at least one parameter")
    rows = rows_with(trials, score, names)
    ranked = rows.sort_values(score, ascending=minimize, kind="stable")
    scales = [scale_of(ranked[column], column in log) for column in names] + [scale_of(ranked[score], False)]
    titles = [safe(column) for column in names] + [safe(name or words_for(score))]
    made = figure(title, height=480)
    heights = np.stack([scale.heights for scale in scales], axis=1)
    for group, places in reversed(groups_of(len(ranked))):
        texts = line_texts(ranked.iloc[places], names, score, name or words_for(score))
        made.add_trace(lines_of(heights[places], texts, *group))
    lowest = INACTIVE if (heights == INACTIVE).any() else 0.0
    made.update_layout(
        xaxis={"visible": False, "range": [-0.15, len(names) + 0.25], "fixedrange": True},
        yaxis={"visible": False, "range": [lowest - 0.06, 1.12], "fixedrange": True},
        shapes=[upright(place) for place in range(len(scales))],
        annotations=[note for place, scale in enumerate(scales) for note in axis_notes(place, titles[place], scale)],
        legend={"traceorder": "reversed"},
        margin={"l": 64, "r": 64, "t": 64, "b": 24},
        hovermode="closest",
    )
    return made


def groups_of(count: int) -> list[tuple[tuple[str, str, float], list[int]]]:
    """Give the groups, best first, with the ranks of their trials that are drawn."""
    drawn = drawn_of(count)
    made, begin = [], 0
    for share, name, colour, width in GROUPS:
        end = max(math.ceil(share * count), begin)
        places = [place for place in drawn if begin <= place < end]
        if places:
            made.append(((name, colour, width), places))
        begin = end
    return made


def drawn_of(count: int) -> list[int]:
    """Choose the ranks that are drawn: the best tenth, up to half of all lines, and the rest evenly.

    Examples
    --------
    >>> drawn_of(3), len(drawn_of(100_000)), drawn_of(100_000)[199]
    ([0, 1, 2], 400, 199)
    """
    if count <= MOST_LINES:
        return list(range(count))
    best = min(math.ceil(count / 10), MOST_LINES // 2)
    rest = np.linspace(best, count - 1, MOST_LINES - best).astype(int)
    return [*range(best), *rest.tolist()]


def scale_of(values: "pd.Series[Any]", by_factor: bool) -> Scale:
    """Give the heights of a column's values, and ticks that name them."""
    listed = values.tolist()
    missing = np.array([is_missing(value) for value in listed], dtype=bool)
    if is_numeric(values):
        numbers = np.array([math.nan if is_missing(value) else float(value) for value in listed])
        heights, ticks = number_scale(numbers, by_factor)
    else:
        texts = [safe(shown(value)) for value in listed]
        labels = sorted({text for text, gone in zip(texts, missing, strict=True) if not gone})
        step = 1.0 / (len(labels) - 1) if len(labels) > 1 else 0.0
        spots = {label: step * place if step else 0.5 for place, label in enumerate(labels)}
        heights = np.array([spots.get(text, math.nan) for text in texts])
        ticks = [(spots[label], label) for label in labels[:: max(len(labels) // 12, 1)]]
    if missing.any():
        ticks = [*ticks, (INACTIVE, "not active")]
    return Scale(np.where(missing, INACTIVE, heights), ticks)


def number_scale(numbers: FloatArray, by_factor: bool) -> tuple[FloatArray, list[tuple[float, str]]]:
    """Give heights between the lowest and the highest number, and a few ticks; where few were tried, at those."""
    low, high = float(np.nanmin(numbers)), float(np.nanmax(numbers))
    if low == high:
        return np.where(np.isnan(numbers), np.nan, 0.5), [(0.5, shown(low))]
    is_log = by_factor and low > 0
    marks = np.geomspace(low, high, 5) if is_log else np.linspace(low, high, 5)
    distinct = np.unique(numbers[~np.isnan(numbers)])
    if len(distinct) <= MOST_CELLS:
        marks = np.unique(distinct[np.abs(distinct[:, None] - marks).argmin(axis=0)])

    def height(values: FloatArray) -> FloatArray:
        return np.log(values / low) / math.log(high / low) if is_log else (values - low) / (high - low)

    labels = [
        f"{mark:.3g}" if len(distinct) > MOST_CELLS and abs(mark) < 1000 else shown(mark) for mark in marks.tolist()
    ]
    return height(numbers), list(zip(height(marks).tolist(), labels, strict=True))


def lines_of(heights: FloatArray, texts: Sequence[str], name: str, colour: str, width: float) -> go.Scatter:
    """Give the lines of a group as one trace, with a hole after each, best last.

    Parameters
    ----------
    heights : float64 array, shape (n_trials, n_axes)
        Best first.
    texts : sequence of str, shape (n_trials,)
        What is shown where the mouse is.
    name, colour, width
        Of the group.

    Returns
    -------
    plotly.graph_objects.Scatter
    """
    count, axes = heights.shape
    return go.Scatter(
        x=np.tile(np.append(np.arange(axes, dtype=np.float64), np.nan), count),
        y=np.hstack([heights[::-1], np.full((count, 1), np.nan)]).ravel(),
        text=[text for line in reversed(texts) for text in (*([line] * axes), "")],
        mode="lines",
        name=name,
        line={"color": colour, "width": width},
        connectgaps=False,
        hovertemplate="%{text}<extra></extra>",
    )


def line_texts(rows: pd.DataFrame, names: Sequence[str], score: str, called: str) -> list[str]:
    """Give what is shown of each trial."""
    columns = list(dict.fromkeys([*(["trial"] if "trial" in rows.columns else []), *names, score]))
    return [line_text(row, names, score, called) for row in rows[columns].to_dict("records")]


def line_text(row: dict[Any, Any], names: Sequence[str], score: str, called: str) -> str:
    """Give what is shown of a trial."""
    head = f"<b>trial {row['trial']}</b><br>" if "trial" in row else ""
    values = [f"{safe(name)} {safe(shown(row[name]))}" for name in names]
    return head + "<br>".join([*values, f"{safe(called)} {shown(row[score])}"])


def upright(place: int) -> dict[str, Any]:
    """Give the line of an axis."""
    return {"type": "line", "x0": place, "x1": place, "y0": 0, "y1": 1, "line": {"color": INK, "width": 1}}


def axis_notes(place: int, title: str, scale: Scale) -> list[dict[str, Any]]:
    """Give an axis's title above it and its labels beside it."""
    common = {"showarrow": False, "font": {"size": 12, "color": FAINT_INK}, "x": place}
    notes = [
        {**common, "y": height, "text": text, "xanchor": "right", "xshift": -6, "bgcolor": "rgba(255,255,255,0.75)"}
        for height, text in scale.ticks
    ]
    head = {"y": 1.0, "yshift": 22, "text": f"<b>{title}</b>", "font": {"size": 13, "color": INK}}
    return [*notes, {**common, **head}]
