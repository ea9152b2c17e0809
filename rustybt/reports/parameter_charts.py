"""Where in the parameter space are the good trials?"""

import math
from collections.abc import Collection, Mapping, Sequence
from typing import Any, Final, NamedTuple

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from rustybt._typing import FloatArray, IntArray
from rustybt.errors import InvalidParameter, did_you_mean
from rustybt.reports.style import BLUE, FAINT_INK, GOOD_IS_DARK, GREY, ORANGE, axis, figure, safe, shown, words_for

AGGREGATES: Final = ("max", "min", "mean", "median")
MOST_CELLS: Final = 40
"""Values of a parameter that are cells of their own; more are put together."""

BINS: Final = 15


class Cells(NamedTuple):
    """The cells along one parameter of a heatmap.

    Attributes
    ----------
    labels : list of str
        In order.
    places : int64 array, shape (n_trials,)
        The cell of each trial; -1 where the parameter was not active.
    """

    labels: list[str]
    places: IntArray


def heatmap_figure(
    trials: pd.DataFrame,
    x: str,
    y: str,
    metric: str = "score",
    aggregate: str = "max",
    *,
    minimize: bool = False,
    log: Collection[str] = (),
    mark: Mapping[str, Any] | None = None,
    title: str = "",
    name: str = "",
) -> go.Figure:
    """Draw a metric over two parameters.

    Parameters
    ----------
    trials : pd.DataFrame
        A row a trial; rows without a finite metric are left out.
    x, y : str
        Columns of two parameters, of numbers or choices.
    metric : str, optional
        The column that is shown.
    aggregate : {"max", "min", "mean", "median"}, optional
        Of the trials of a cell: those that differ in other parameters, or lie near one another.
    minimize : bool, optional
        The lowest value is the best, and dark.
    log : collection of str, optional
        Parameters whose many values are put together by equal factors, not by equal distances.
    mark : mapping of str to value, optional
        Params whose cell gets a mark: the best trial's.
    title : str, optional
        Of the figure.
    name : str, optional
        What the metric is called; words for the column if omitted.

    Returns
    -------
    plotly.graph_objects.Figure
        A parameter with more than 40 values has 15 cells; a cell without a trial is empty.

    Raises
    ------
    InvalidParameter
        If a column is missing, x is y, the aggregate is unknown, or no trial has a finite metric.

    Examples
    --------
    >>> trials = pd.DataFrame({"fast": [1, 1, 2], "slow": [5, 6, 5], "score": [0.5, 1.0, 2.0]})
    >>> heatmap_figure(trials, "fast", "slow").data[0].z.tolist()
    [[0.5, 2.0], [1.0, nan]]
    """
    if aggregate not in AGGREGATES:
        near = did_you_mean(str(aggregate), AGGREGATES)
        raise InvalidParameter(f"aggregate {aggregate!r} is unknown{near}: choose one of {', '.join(AGGREGATES)}")
    if x == y:
        raise InvalidParameter(f"x and y are both {x!r}: choose two parameters")
    rows = rows_with(trials, metric, (x, y))
    across, up = cells_of(rows[x], x in log), cells_of(rows[y], y in log)
    grid, counts = aggregated(across, up, rows[metric].to_numpy(dtype=np.float64), aggregate)
    called = name or words_for(metric)
    spec = number_spec(grid)
    made = figure(title, height=480)
    made.add_trace(
        go.Heatmap(
            x=across.labels,
            y=up.labels,
            z=grid,
            customdata=counts,
            colorscale=GOOD_IS_DARK,
            reversescale=minimize,
            xgap=1,
            ygap=1,
            hoverongaps=False,
            colorbar=colour_bar(called),
            hovertemplate=f"{safe(x)} %{{x}}<br>{safe(y)} %{{y}}<br>{safe(called)} %{{z:{spec}}}"
            f" ({aggregate} of %{{customdata}})<extra></extra>",
        )
    )
    if mark is not None:
        made.add_trace(mark_of(rows, x, y, across, up, mark))
    made.update_layout(
        xaxis=axis(type="category", title={"text": safe(x)}, showgrid=False),
        yaxis=axis(type="category", title={"text": safe(y)}, showgrid=False),
        showlegend=False,
    )
    return made


def colour_bar(called: str) -> dict[str, Any]:
    """Give the scale beside a heatmap."""
    faint = {"size": 12, "color": FAINT_INK}
    title = {"text": safe(called), "side": "right", "font": {**faint, "size": 13}}
    return {"title": title, "tickfont": faint, "thickness": 14, "outlinewidth": 0}


def rows_with(trials: pd.DataFrame, metric: str, parameters: Sequence[str]) -> pd.DataFrame:
    """Give the rows with a finite metric, or say what is missing."""
    for name in (metric, *parameters):
        if name not in trials.columns:
            near = did_you_mean(str(name), [str(column) for column in trials.columns])
            raise InvalidParameter(f"trials have no column {name!r}{near}")
    rows: pd.DataFrame = trials[np.isfinite(trials[metric].to_numpy(dtype=np.float64))]
    if rows.empty:
        raise InvalidParameter(f"no trial has a finite {metric!r}: there is nothing to draw")
    return rows


def is_numeric(values: "pd.Series[Any]") -> bool:
    """Say whether a parameter's values, but for those where it was not active, are numbers."""
    kept = [value for value in values if not is_missing(value)]
    return bool(kept) and all(
        isinstance(value, int | float | np.number) and not isinstance(value, bool | np.bool_) for value in kept
    )


def is_missing(value: Any) -> bool:
    """Say whether there is no value: None or NaN."""
    return value is None or (isinstance(value, float) and math.isnan(value))


def cells_of(values: "pd.Series[Any]", by_factor: bool = False) -> Cells:
    """Put a parameter's values into cells: numbers rising, choices as they come."""
    listed = values.tolist()
    if is_numeric(values):
        numbers = np.array([math.nan if is_missing(value) else float(value) for value in listed])
        return number_cells(numbers, by_factor)
    texts = [None if is_missing(value) else safe(shown(value)) for value in listed]
    labels = list(dict.fromkeys(text for text in texts if text is not None))
    return Cells(labels, np.array([-1 if text is None else labels.index(text) for text in texts], dtype=np.int64))


def number_cells(numbers: FloatArray, by_factor: bool) -> Cells:
    """Put numbers into a cell each, or into cells of equal width where they are many."""
    known = np.isfinite(numbers)
    distinct = np.unique(numbers[known])
    if len(distinct) <= MOST_CELLS:
        places = np.searchsorted(distinct, numbers)
        return Cells([shown(value) for value in distinct.tolist()], np.where(known, places, -1).astype(np.int64))
    low, high = distinct[0], distinct[-1]
    edges = np.geomspace(low, high, BINS + 1) if by_factor and low > 0 else np.linspace(low, high, BINS + 1)
    places = np.clip(np.searchsorted(edges, numbers, side="right") - 1, 0, BINS - 1)
    labels = [f"{begin:.3g} to {end:.3g}" for begin, end in zip(edges[:-1], edges[1:], strict=True)]
    return Cells(labels, np.where(known, places, -1).astype(np.int64))


def aggregated(across: Cells, up: Cells, values: FloatArray, aggregate: str) -> tuple[FloatArray, IntArray]:
    """Give each cell's value (NaN without a trial) and number of trials, both of shape (n_up, n_across)."""
    grid = np.full((len(up.labels), len(across.labels)), np.nan)
    counts = np.zeros(grid.shape, dtype=np.int64)
    inside = (across.places >= 0) & (up.places >= 0)
    cells = up.places[inside] * grid.shape[1] + across.places[inside]
    groups = pd.Series(values[inside]).groupby(cells)
    found = groups.agg(aggregate)
    np.put(grid, found.index.to_numpy(), found.to_numpy())
    np.put(counts, found.index.to_numpy(), groups.size().to_numpy())
    return grid, counts


def mark_of(rows: pd.DataFrame, x: str, y: str, across: Cells, up: Cells, mark: Mapping[str, Any]) -> go.Scatter:
    """Give the mark on the cell of some params; nothing where no trial has them."""
    same = [a == mark.get(x) and b == mark.get(y) for a, b in zip(rows[x].tolist(), rows[y].tolist(), strict=True)]
    found = [
        place for place, is_same in enumerate(same) if is_same and min(across.places[place], up.places[place]) >= 0
    ]
    return go.Scatter(
        x=[across.labels[across.places[place]] for place in found[:1]],
        y=[up.labels[up.places[place]] for place in found[:1]],
        mode="markers",
        marker={"symbol": "circle-open", "size": 14, "color": ORANGE, "line": {"width": 3}},
        name="best trial",
        hoverinfo="skip",
    )


def number_spec(values: FloatArray) -> str:
    """Give the format of numbers like these: whole ones where they are large."""
    finite = np.abs(values[np.isfinite(values)])
    return ",.0f" if finite.size and finite.max() >= 10_000 else ".4~g"


def parameter_figure(
    trials: pd.DataFrame,
    x: str,
    metric: str = "score",
    *,
    mark: Mapping[str, Any] | None = None,
    log: bool = False,
    title: str = "",
    name: str = "",
) -> go.Figure:
    """Draw a metric over one parameter, a point a trial.

    Parameters
    ----------
    trials : pd.DataFrame
        A row a trial; rows without a finite metric, or without a value of the parameter, are left out.
    x : str
        Column of the parameter, of numbers or choices.
    metric : str, optional
        The column that is shown.
    mark : mapping of str to value, optional
        Params whose points get another colour: the best trial's.
    log : bool, optional
        A logarithmic axis.
    title : str, optional
        Of the figure.
    name : str, optional
        What the metric is called; words for the column if omitted.

    Returns
    -------
    plotly.graph_objects.Figure

    Raises
    ------
    InvalidParameter
        If a column is missing, or no trial has a finite metric.

    Examples
    --------
    >>> trials = pd.DataFrame({"fast": [1, 2, 3], "score": [0.5, float("nan"), 2.0]})
    >>> parameter_figure(trials, "fast").data[0].x.tolist()
    [1, 3]
    """
    rows = rows_with(trials, metric, (x,))
    rows = rows[[not is_missing(value) for value in rows[x]]]
    numeric = is_numeric(rows[x])
    rows = rows.sort_values(x, kind="stable") if numeric else rows
    values = rows[x].to_numpy() if numeric else np.array([safe(shown(value)) for value in rows[x]], dtype=object)
    scores = rows[metric].to_numpy(dtype=np.float64)
    is_best = [mark is not None and value == mark.get(x) for value in rows[x].tolist()]
    called = safe(name or words_for(metric))
    made = figure(title, height=400, showlegend=False)
    made.add_trace(
        go.Scatter(
            x=values,
            y=scores,
            mode="lines+markers" if numeric and len(set(values.tolist())) == len(values) else "markers",
            line={"color": GREY, "width": 1},
            marker={"size": 8, "color": [ORANGE if best else BLUE for best in is_best], "opacity": 0.85},
            hovertemplate=f"{safe(x)} %{{x}}<br>{called} %{{y:{number_spec(scores)}}}<extra></extra>",
        )
    )
    kind = {"type": "log" if log else "linear"} if numeric else {"type": "category"}
    made.update_layout(xaxis=axis(title={"text": safe(x)}, **kind), yaxis=axis(title={"text": called}))
    return made


def importance_figure(importances: "pd.Series[float]", *, title: str = "") -> go.Figure:
    """Draw importances as bars, the highest on top.

    Parameters
    ----------
    importances : pd.Series of float
        By parameter; the sum is 1.
    title : str, optional
        Of the figure.

    Returns
    -------
    plotly.graph_objects.Figure
    """
    rising = importances.sort_values(kind="stable")
    made = figure(title, height=110 + 34 * len(rising), showlegend=False, bargap=0.35)
    made.add_trace(
        go.Bar(
            x=rising.to_numpy(),
            y=[safe(name) for name in rising.index],
            orientation="h",
            marker={"color": BLUE},
            texttemplate="%{x:.0%}",
            textposition="outside",
            cliponaxis=False,
            hovertemplate="%{y} %{x:.1%}<extra></extra>",
        )
    )
    made.update_layout(
        xaxis=axis(title={"text": "Importance"}, tickformat=".0%", rangemode="tozero"),
        yaxis=axis(type="category", showgrid=False),
    )
    return made
