"""Which colours, words and number formats do all charts and tables share?"""

import html
import json
import math
from numbers import Real
from typing import Any, Final

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from rustybt.results.metrics import METRICS

FONT: Final = 'system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", Arial, sans-serif'
INK: Final = "#1f2933"
FAINT_INK: Final = "#616e7c"
GRID: Final = "#e4e7eb"
BLUE: Final = "#1f5fa8"
RED: Final = "#c0392b"
ORANGE: Final = "#d9822b"
GREY: Final = "#9aa5b1"
SERIES: Final = (BLUE, ORANGE, "#2f855a", "#805ad5", "#b7791f", "#2c7a7b", "#97266d", "#4a5568")

GOOD_IS_DARK: Final = [
    [0.0, "#f7fbff"],
    [0.2, "#d6e6f4"],
    [0.4, "#abd0e6"],
    [0.6, "#6aaed6"],
    [0.8, "#3787c0"],
    [1.0, "#0b4f94"],
]
"""Light for the worst, dark for the best."""

SHARES: Final = frozenset(
    {
        *("total_return", "annual_return", "benchmark_return", "best_day", "worst_day", "win_rate_days", "alpha"),
        *("annual_volatility", "downside_risk", "max_drawdown", "value_at_risk_95", "cvar_95", "time_in_market"),
        *("win_rate", "expectancy"),
    }
)
"""Metrics that are fractions and read better as percent."""

MONEY: Final = frozenset({"ending_value", "pnl", "commission", "borrow_cost", "margin_interest", "avg_trade_pnl"})
"""Metrics in the account's currency."""

WORDS: Final = {
    "sharpe": "Sharpe ratio",
    "sortino": "Sortino ratio",
    "calmar": "Calmar ratio",
    "psr": "Probabilistic Sharpe",
    "cvar_95": "CVaR 95%",
    "value_at_risk_95": "Value at risk 95%",
    "pnl": "Profit and loss",
    "max_drawdown_duration": "Longest drawdown (sessions)",
    "win_rate_days": "Days won",
    "avg_bars_held": "Sessions held on average",
    "turnover": "Turnover a year",
    "trades": "Closed trades",
}
"""Names of metrics that do not read well with their underscores out."""

NOTHING: Final = "–"


def words_for(name: str) -> str:
    """Give a metric's or column's name as words.

    Examples
    --------
    >>> words_for("sharpe"), words_for("annual_return")
    ('Sharpe ratio', 'Annual return')
    """
    return WORDS.get(name, name.replace("_", " ").capitalize())


def shown(value: Any, name: str = "") -> str:
    """Give a value as a table shows it: to four digits, percent for fractions, whole units of money.

    Parameters
    ----------
    value : object
        A number, a word, or anything else.
    name : str, optional
        The metric that it is.

    Returns
    -------
    str
        Not escaped. A dash for None and NaN.

    Examples
    --------
    >>> shown(1.23456), shown(-0.2512, "max_drawdown"), shown(1234567.8, "pnl"), shown(40.0), shown(float("nan"))
    ('1.235', '-25.12%', '1,234,568', '40', '–')
    """
    if value is None or value is pd.NaT:
        return NOTHING
    if isinstance(value, bool | np.bool_):
        return "yes" if value else "no"
    if isinstance(value, Real):
        return number(float(value), name) if not isinstance(value, int) else f"{value:,}"
    if isinstance(value, str):
        return value
    if isinstance(value, pd.Timestamp):
        return str(value.date()) if value == value.normalize() else str(value)
    return json.dumps(value, ensure_ascii=False, default=str) if isinstance(value, list | tuple | dict) else str(value)


def number(value: float, name: str = "") -> str:
    """Give a float to about four digits; a metric with as many after the point, so that a column stands in line."""
    if math.isnan(value):
        return NOTHING
    if math.isinf(value):
        return "∞" if value > 0 else "-∞"
    if name in SHARES:
        return f"{value:.2%}" if abs(value) < 10 else f"{value:,.0%}"
    if name in MONEY or value.is_integer() or abs(value) >= 1000:
        return f"{value:,.0f}" if abs(value) < 1e15 else f"{value:.4g}"
    return f"{value:#.4g}" if name in METRICS else f"{value:.4g}"


def brief(value: float, name: str = "") -> str:
    """Give a float as a headline: millions of money by that word's letter.

    Examples
    --------
    >>> brief(148_160_042.0, "ending_value"), brief(0.25, "win_rate")
    ('148.2M', '25.00%')
    """
    if name in MONEY and 1e6 <= abs(value) < 1e12:
        return f"{value / 1e6:,.1f}M"
    return number(value, name)


def safe(text: Any) -> str:
    """Give text that plotly shows as it is: it reads some HTML."""
    return html.escape(str(text), quote=False)


def figure(title: str = "", height: int = 440, **layout: Any) -> go.Figure:
    """Give an empty figure in the common style."""
    made = go.Figure()
    made.update_layout(
        template="none",
        title={"text": safe(title), "x": 0, "xref": "paper", "font": {"size": 16, "color": INK}} if title else None,
        font={"family": FONT, "size": 13, "color": INK},
        colorway=list(SERIES),
        paper_bgcolor="#ffffff",
        plot_bgcolor="#ffffff",
        height=height,
        margin={"l": 72, "r": 24, "t": 56 if title else 24, "b": 56},
        hoverlabel={"font": {"family": FONT, "size": 12}, "bgcolor": "#ffffff", "bordercolor": GRID},
        legend={"orientation": "h", "x": 0, "y": 1.02, "yanchor": "bottom", "font": {"color": FAINT_INK}},
        **layout,
    )
    made.update_xaxes(**axis())
    made.update_yaxes(**axis())
    return made


def axis(**more: Any) -> dict[str, Any]:
    """Give the common look of an axis."""
    return {
        "gridcolor": GRID,
        "linecolor": GRID,
        "zeroline": False,
        "showline": True,
        "tickcolor": GRID,
        "ticks": "outside",
        "tickfont": {"color": FAINT_INK, "size": 12},
        "automargin": True,
        **more,
        **(
            {"title": {"font": {"size": 13, "color": FAINT_INK}, "standoff": 10, **more["title"]}}
            if "title" in more
            else {}
        ),
    }
