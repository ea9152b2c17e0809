"""How do the trials of several objectives trade one against another?"""

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from rustybt.reports.parameter_charts import number_spec, rows_with
from rustybt.reports.style import GREY, ORANGE, axis, figure, safe, words_for


def pareto_figure(trials: pd.DataFrame, pareto: pd.DataFrame, x: str, y: str, *, title: str = "") -> go.Figure:
    """Draw two objectives of all trials, those of the Pareto set marked.

    Parameters
    ----------
    trials : pd.DataFrame
        A row a trial, with its number as trial; rows without a finite score in both objectives are left out.
    pareto : pd.DataFrame
        Rows of the trials that no other beats.
    x, y : str
        Columns of the objectives.
    title : str, optional
        Of the figure.

    Returns
    -------
    plotly.graph_objects.Figure
        The marked ones on top, in the order of x.

    Raises
    ------
    InvalidParameter
        If a column is missing, or no trial has both objectives.

    Examples
    --------
    >>> trials = pd.DataFrame({"trial": [0, 1, 2], "sharpe": [1.0, 2.0, 0.5], "turnover": [3.0, 9.0, 4.0]})
    >>> [trace.x.tolist() for trace in pareto_figure(trials, trials.iloc[:2], "sharpe", "turnover").data]
    [[0.5], [1.0, 2.0]]
    """
    rows = rows_with(trials, x, (y, "trial"))
    rows = rows_with(rows, y, (x,))
    is_marked = rows["trial"].isin(pareto["trial"])
    made = figure(title, height=440)
    for name, colour, size, part in (
        ("Other trials", GREY, 7, rows[~is_marked]),
        ("Pareto set", ORANGE, 10, rows[is_marked].sort_values(x, kind="stable")),
    ):
        values = {column: part[column].to_numpy(dtype=np.float64) for column in (x, y)}
        lines = [f"{safe(words_for(c))} %{{{a}:{number_spec(values[c])}}}" for a, c in (("x", x), ("y", y))]
        made.add_trace(
            go.Scatter(
                x=values[x],
                y=values[y],
                mode="markers",
                name=name,
                marker={"color": colour, "size": size, "opacity": 0.85},
                customdata=part["trial"].tolist(),
                hovertemplate="<br>".join(["<b>trial %{customdata}</b>", *lines]) + "<extra></extra>",
            )
        )
    made.update_layout(
        xaxis=axis(title={"text": safe(words_for(x))}), yaxis=axis(title={"text": safe(words_for(y))}), showlegend=True
    )
    return made
