"""How are metrics and trials shown on a terminal?"""

import math
import sys
from collections.abc import Mapping, Sequence
from typing import Any, Final, TextIO

import click
import pandas as pd
from rich.console import Console
from rich.table import Table

from rustybt.data.store import BundleData

FRACTIONS: Final = frozenset(
    {
        *("total_return", "annual_return", "benchmark_return", "annual_volatility", "downside_risk", "max_drawdown"),
        *("value_at_risk_95", "cvar_95", "best_day", "worst_day", "win_rate", "win_rate_days", "time_in_market"),
        *("alpha", "expectancy", "psr"),
    }
)
"""Metrics that read best as percentages."""

AMOUNTS: Final = frozenset({"ending_value", "pnl", "commission", "avg_trade_pnl"})
COUNTS: Final = frozenset({"trades", "open_trades", "fills", "max_drawdown_duration"})

RUN_METRICS: Final = (
    *("total_return", "annual_return", "annual_volatility", "sharpe", "sortino", "max_drawdown", "calmar"),
    *("trades", "win_rate", "profit_factor", "turnover", "commission", "ending_value"),
)
TRIAL_METRICS: Final = ("sharpe", "annual_return", "annual_volatility", "max_drawdown", "trades", "win_rate")

PARTS: Final = ("in_sample", "out_of_sample")
"""What the columns of a frame of windows begin with."""

PIPE_COLUMNS: Final = 160
"""Width where the output is no terminal, so that no table is folded in a file."""


def console_for(stream: TextIO) -> Console:
    """Give a console that leaves plain words as they are: no markup, no colouring of numbers."""
    width = None if stream.isatty() else PIPE_COLUMNS
    return Console(file=stream, width=width, markup=False, highlight=False, emoji=False)


def metric_text(name: str, value: float) -> str:
    """Give a metric's value as it reads best.

    Examples
    --------
    >>> metric_text("max_drawdown", -0.25), metric_text("trades", 1200.0), metric_text("sharpe", float("nan"))
    ('-25.00%', '1,200', '–')
    """
    if math.isnan(value):
        return "–"
    if name in FRACTIONS:
        return f"{round(value, 4) + 0.0:.2%}"  # adding zero takes the sign from a rounded -0.0
    if name in COUNTS:
        return f"{value:,.0f}"
    return f"{value:,.2f}" if name in AMOUNTS else f"{round(value, 3) + 0.0:.3f}"


def echo_description(bundle: BundleData) -> None:
    """Print what a user should know about the data, such as that it is synthetic."""
    if bundle.manifest.description:
        click.echo(f"{bundle.name}: {bundle.manifest.description}")


def print_metrics(metrics: Mapping[str, float]) -> None:
    """Print the main metrics of one run, one a line."""
    table = Table(show_header=False, box=None, pad_edge=False)
    table.add_column(style="dim")
    table.add_column(justify="right")
    for name in RUN_METRICS:
        table.add_row(name, metric_text(name, metrics[name]))
    console_for(sys.stdout).print(table)


def print_windows(windows: pd.DataFrame, params: pd.DataFrame, metric: str) -> None:
    """Print the windows of a walk-forward, one a row.

    Parameters
    ----------
    windows, params : pd.DataFrame
        As `rustybt.optimization.walk_forward_result.WalkForwardResult` gives them.
    metric : str
        The objective, of which scores are values.
    """
    table = Table(title="Windows of the walk-forward", title_justify="left", header_style="bold")
    scores = {f"{metric}, {part.replace('_', ' ')}": f"{part}_score" for part in PARTS}
    for name in ("window", *(part.replace("_", " ") for part in PARTS), *scores, *params.columns):
        table.add_column(str(name), justify="right")
    is_told = set(windows["status"]) != {"complete"}
    if is_told:
        table.add_column("status")
    for row, chosen in zip(windows.to_dict("records"), params.to_dict("records"), strict=True):
        table.add_row(
            str(row["window"]),
            *(f"{row[f'{part}_start'].date()} to {row[f'{part}_end'].date()}" for part in PARTS),
            *(metric_text(metric, row[column]) for column in scores.values()),
            *("–" if value is None else str(value) for value in chosen.values()),
            *([row["status"]] if is_told else []),
        )
    console_for(sys.stdout).print(table)


def print_trials(
    title: str,
    parameters: Sequence[str],
    metrics: Sequence[str],
    rows: Sequence[tuple[Mapping[str, Any], Mapping[str, float]]],
    marks: Sequence[bool] | None = None,
) -> None:
    """Print trials, one a row.

    Parameters
    ----------
    title : str
        Above the table.
    parameters, metrics : sequence of str
        Columns, in order.
    rows : sequence of (mapping, mapping)
        Parameters and metrics of each trial.
    marks : sequence of bool, optional
        Of each trial, whether it is Pareto-optimal; they are a column "Pareto".
    """
    table = Table(title=title, title_justify="left", header_style="bold")
    for name in (*parameters, *metrics):
        table.add_column(name, justify="right")
    if marks is not None:
        table.add_column("Pareto", justify="center")
    for place, (params, values) in enumerate(rows):
        table.add_row(
            *(str(params[name]) for name in parameters),
            *(metric_text(name, values[name]) for name in metrics),
            *([] if marks is None else ["*" if marks[place] else ""]),
        )
    console_for(sys.stdout).print(table)
