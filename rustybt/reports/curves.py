"""How do equity, drawdown and the windows of a walk-forward look over time?"""

from collections.abc import Mapping
from typing import Any, Final

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from rustybt._typing import FloatArray
from rustybt.errors import InvalidParameter
from rustybt.reports.style import BLUE, GREY, ORANGE, RED, SERIES, axis, figure, safe, shown, words_for
from rustybt.reports.thinning import kept_points

WINDOW_COLUMNS: Final = ("window", "in_sample_start", "in_sample_end", "out_of_sample_start", "out_of_sample_end")

UPPER: Final = (0.34, 1.0)
LOWER: Final = (0.0, 0.24)
"""Shares of the height of the two charts of a figure."""


def equity_figure(
    equity: "pd.Series[float] | pd.DataFrame",
    *,
    benchmark: "pd.Series[float] | None" = None,
    title: str = "",
    value: str = "Portfolio value",
) -> go.Figure:
    """Draw equity, and below it the drawdown from its highest value so far.

    Parameters
    ----------
    equity : pd.Series or pd.DataFrame of float
        By session; of a frame each column is a curve, named by the column, and the drawdown is the first one's. NaN is
        a hole. Money that was paid in or out is not told from gains.
    benchmark : pd.Series of float, optional
        By session, in any unit: it is scaled to begin where the first curve begins.
    title : str, optional
        Of the figure.
    value : str, optional
        What the curves are, and in which unit.

    Returns
    -------
    plotly.graph_objects.Figure
        Curves of more than 2,000 points are thinned, extremes kept.

    Raises
    ------
    InvalidParameter
        If there is no value at all.

    Examples
    --------
    >>> days = pd.date_range("2024-01-02", periods=3)
    >>> [trace.name for trace in equity_figure(pd.Series([100.0, 90.0, 120.0], index=days, name="best")).data]
    ['best', 'Drawdown']
    """
    curves = equity.to_frame(equity.name or "Equity") if isinstance(equity, pd.Series) else equity
    if not curves.size or not curves.notna().any().any():
        raise InvalidParameter("equity has no value: pass at least one session of one curve")
    made = figure(title, height=520, hovermode="x unified", showlegend=len(curves.columns) > 1 or benchmark is not None)
    for place, name in enumerate(curves.columns):
        colour = SERIES[place % len(SERIES)]
        made.add_trace(curve(curves[name], str(name), {"color": colour, "width": 2 if place == 0 else 1.3}))
    first = curves.iloc[:, 0].astype(float)
    if benchmark is not None:
        scaled = scaled_to(benchmark.astype(float), first)
        made.add_trace(curve(scaled, "Benchmark", {"color": GREY, "width": 1.5, "dash": "dot"}))
    made.add_trace(drawdown_curve(first))
    made.update_layout(
        xaxis=axis(type="date", anchor="y2", showticklabels=True, title={"text": "Session"}),
        yaxis=axis(domain=UPPER, title={"text": safe(value)}, tickformat=",.3~s"),
        yaxis2=axis(domain=LOWER, title={"text": "Drawdown"}, tickformat=".0%", rangemode="tozero", anchor="x"),
    )
    return made


def curve(values: "pd.Series[float]", name: str, line: Mapping[str, Any]) -> go.Scatter:
    """Give a thinned curve over time."""
    numbers = floats(values)
    kept = kept_points(numbers)
    return go.Scatter(
        x=days_of(values.index)[kept],
        y=numbers[kept],
        name=safe(name),
        mode="lines" if len(kept) > 1 else "markers",
        line=dict(line),
        hovertemplate="%{y:,.4~g}" if np.nanmax(np.abs(numbers), initial=0.0) < 1000 else "%{y:,.0f}",
    )


def drawdown_curve(values: "pd.Series[float]") -> go.Scatter:
    """Give the drawdown as a filled curve on the lower axis."""
    numbers = drawdown_of(floats(values))
    kept = kept_points(numbers)
    return go.Scatter(
        x=days_of(values.index)[kept],
        y=numbers[kept],
        name="Drawdown",
        yaxis="y2",
        mode="lines" if len(kept) > 1 else "markers",
        line={"color": RED, "width": 1},
        fill="tozeroy",
        fillcolor="rgba(192, 57, 43, 0.18)",
        hovertemplate="%{y:.1%}",
        showlegend=False,
    )


def floats(values: "pd.Series[Any]") -> FloatArray:
    """Give a column as float64."""
    return np.asarray(values, dtype=np.float64)


def drawdown_of(values: FloatArray) -> FloatArray:
    """Give each value's distance from the highest so far, as a share of that.

    Examples
    --------
    >>> drawdown_of(np.array([100.0, 75.0, 120.0, 60.0])).tolist()
    [0.0, -0.25, 0.0, -0.5]
    """
    peaks = np.fmax.accumulate(values) if len(values) else values
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(peaks > 0, values / peaks - 1.0, np.nan)


def scaled_to(benchmark: "pd.Series[float]", curve_: "pd.Series[float]") -> "pd.Series[float]":
    """Give the benchmark in the unit of a curve: equal to it at the first session that both have."""
    both = benchmark.notna() & curve_.reindex(benchmark.index).notna()
    if not both.any() or benchmark[both].iloc[0] == 0:
        return benchmark
    day = benchmark.index[both][0]
    factor = float(curve_[day]) / float(benchmark[day])
    return benchmark * factor


def days_of(index: pd.Index) -> Any:
    """Give the labels of a curve as dates without a time zone, or as they are where they are no dates."""
    if not isinstance(index, pd.DatetimeIndex):
        return np.asarray(index)
    return index.tz_localize(None).normalize().strftime("%Y-%m-%d").to_numpy()


def walk_forward_figure(
    equity: "pd.Series[float]",
    windows: pd.DataFrame,
    params: pd.DataFrame | None = None,
    *,
    title: str = "",
    score: str = "score",
) -> go.Figure:
    """Draw the out-of-sample equity of a walk-forward, and each window's score in sample and out of sample.

    Parameters
    ----------
    equity : pd.Series of float
        By session, all out-of-sample windows strung together.
    windows : pd.DataFrame
        A row a window, with window (its number), in_sample_start, in_sample_end, out_of_sample_start and
        out_of_sample_end; where in_sample_score and out_of_sample_score are there, they become bars. NaN where a window
        has none.
    params : pd.DataFrame, optional
        The chosen params, rows as in windows; shown when the mouse is over a window's bars.
    title : str, optional
        Of the figure.
    score : str, optional
        What the score is.

    Returns
    -------
    plotly.graph_objects.Figure
        Every other out-of-sample window has a grey ground.

    Raises
    ------
    InvalidParameter
        If a column is missing, or there is no window.
    """
    missing = [name for name in WINDOW_COLUMNS if name not in windows.columns]
    if missing or windows.empty:
        raise InvalidParameter(
            f"windows has no column {missing[0]!r}: it needs {', '.join(WINDOW_COLUMNS)}"
            if missing
            else "windows is empty: a walk-forward has at least one"
        )
    made = figure(title, height=560, barmode="group", bargap=0.0)
    made.add_trace(curve(equity, "Out-of-sample equity", {"color": BLUE, "width": 2}))
    made.update_layout(
        xaxis=axis(type="date", anchor="y2", title={"text": "Session"}),
        yaxis=axis(domain=UPPER, title={"text": "Out-of-sample equity"}, tickformat=",.3~s"),
        yaxis2=axis(
            domain=LOWER, title={"text": safe(words_for(score))}, anchor="x", zeroline=True, zerolinecolor=GREY
        ),
        shapes=[band(row) for row in list(windows.itertuples())[::2]],
    )
    bars = (("in_sample_score", "In sample", GREY), ("out_of_sample_score", "Out of sample", ORANGE))
    for side, (column, name, colour) in enumerate(bars):
        if column in windows.columns:
            made.add_trace(window_bars(windows, column, name, colour, side, hover_texts(windows, params, score)))
    return made


def band(window: Any) -> dict[str, Any]:
    """Give the grey ground of an out-of-sample window."""
    begin, end = pd.Timestamp(window.out_of_sample_start), pd.Timestamp(window.out_of_sample_end)
    ground = {"type": "rect", "yref": "paper", "y0": 0, "y1": 1, "layer": "below", "line": {"width": 0}}
    return {**ground, "x0": str(begin.date()), "x1": str(end.date()), "fillcolor": "rgba(154, 165, 177, 0.13)"}


def window_bars(windows: pd.DataFrame, column: str, name: str, colour: str, side: int, texts: list[str]) -> go.Bar:
    """Give one bar a window, in the left or the right half of its out-of-sample days."""
    begins = pd.to_datetime(windows["out_of_sample_start"]).dt.tz_localize(None)
    days = (pd.to_datetime(windows["out_of_sample_end"]).dt.tz_localize(None) - begins).dt.days.to_numpy() + 1
    middles = begins + pd.to_timedelta(days * (0.3 + 0.4 * side), unit="D")
    return go.Bar(
        x=middles.dt.strftime("%Y-%m-%d %H:%M").to_numpy(),
        y=floats(windows[column]),
        width=(days * 0.36 * 86_400_000).astype(np.float64),
        offset=(-days * 0.18 * 86_400_000).astype(np.float64),
        name=name,
        marker={"color": colour},
        yaxis="y2",
        customdata=texts,
        hovertemplate="%{customdata}<extra></extra>",
    )


def hover_texts(windows: pd.DataFrame, params: pd.DataFrame | None, score: str) -> list[str]:
    """Give what is shown of each window."""
    texts = []
    for place, window in enumerate(windows.to_dict("records")):
        lines = [
            f"<b>Window {window['window']}</b>",
            f"in sample {shown(pd.Timestamp(window['in_sample_start']).normalize())} to "
            f"{shown(pd.Timestamp(window['in_sample_end']).normalize())}",
            f"out of sample {shown(pd.Timestamp(window['out_of_sample_start']).normalize())} to "
            f"{shown(pd.Timestamp(window['out_of_sample_end']).normalize())}",
        ]
        for column, name in (("in_sample_score", "in sample"), ("out_of_sample_score", "out of sample")):
            if column in window:
                lines.append(f"{safe(score)} {name}: {shown(window[column], score)}")
        if params is not None:
            lines += [f"{safe(key)}: {safe(shown(value))}" for key, value in params.iloc[place].items()]
        texts.append("<br>".join(lines))
    return texts
