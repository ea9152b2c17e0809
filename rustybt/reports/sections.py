"""Which sections does the report of an optimization have, and which charts are in them?"""

import math
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final, NamedTuple

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from rustybt.reports.content import BestContent, ReportContent, WalkForwardContent
from rustybt.reports.curves import equity_figure, walk_forward_figure
from rustybt.reports.parallel import parallel_figure
from rustybt.reports.parameter_charts import (
    heatmap_figure,
    importance_figure,
    is_missing,
    is_numeric,
    parameter_figure,
)
from rustybt.reports.pareto import pareto_figure
from rustybt.reports.style import brief, number, shown, words_for
from rustybt.reports.tables import cards, chips, escaped, frame_table, pairs_table
from rustybt.results.metrics import NEVER_POSITIVE

HEADLINE: Final = (
    *("total_return", "annual_return", "annual_volatility", "sharpe", "max_drawdown", "calmar", "ending_value"),
    *("trades", "win_rate", "time_in_market"),
)
TOP_METRICS: Final = ("total_return", "annual_return", "sharpe", "max_drawdown", "trades", "win_rate")
SHOWN_TRIALS: Final = 10
SHOWN_PARETO: Final = 20
SHOWN_REASONS: Final = 5
SHOWN_CONSTRAINTS: Final = 3


class Section(NamedTuple):
    """A part of the page.

    Attributes
    ----------
    html : str
        With an empty place for each chart.
    figures : dict of str to Figure
        By name; its place has the id "chart-" + name.
    """

    html: str
    figures: dict[str, go.Figure]


def sections_of(content: ReportContent) -> list[Section]:
    """Give the sections that have something to show, in their order."""
    makers: tuple[Callable[[ReportContent], Section | None], ...] = (
        banners,
        walk_forward_section,
        best_section,
        pareto_section,
        parameter_section,
        top_section,
        trials_section,
        settings_section,
    )
    made = (maker(content) for maker in makers)
    return [section for section in made if section is not None]


def section(
    title: str, intro: str, *parts: str, figures: dict[str, go.Figure] | None = None, scope: str = ""
) -> Section:
    """Put a section together; intro is plain text, parts are HTML; the scope follows the title."""
    lead = f"<p>{escaped(intro)}</p>" if intro else ""
    anchor = "-".join(title.lower().split())
    head = f"{title} ({scope})" if scope else title
    return Section(
        f'<section id="{escaped(anchor)}"><h2>{escaped(head)}</h2>{lead}{"".join(parts)}</section>', figures or {}
    )


def chart(name: str, label: str) -> str:
    """Give the place of a chart."""
    return f'<div class="chart" id="chart-{escaped(name)}" role="img" aria-label="{escaped(label)}"></div>'


def banners(content: ReportContent) -> Section | None:
    """Give the warnings."""
    texts = list(content.warnings)
    if content.is_fast:
        texts.insert(0, "Development run: half of the data was used. Do not decide anything by these numbers.")
    if content.best is None:
        which = "No trial of the last window" if content.walk_forward is not None else "No trial"
        texts.append(
            f"{which} is eligible: none came to its end with a score, traded, and met every constraint."
            f"{why_none(content)}"
        )
    made = "".join(f'<div class="banner">{escaped(text)}</div>' for text in texts)
    return Section(made, {}) if made else None


def why_none(content: ReportContent) -> str:
    """Give the sentences that count what kept trials from being eligible, and name the constraints that most fail."""
    kept = [f"{count:,} {what}" for what, count in content.obstacles.items() if count]
    worst = [f"{text} ({count:,})" for text, count in list(content.failed_constraints.items())[:SHOWN_CONSTRAINTS]]
    counted = f" What kept them from it: {', '.join(kept)}." if kept else ""
    return counted + (f" Not met most often: {', '.join(worst)}." if worst else "")


def best_section(content: ReportContent) -> Section | None:
    """Give the best trial's figures and its curves."""
    best = content.best
    if best is None:
        return None
    parts, figures = [chips(best.params), cards(headline(best, content))], {}
    if best.equity is not None and best.equity.notna().any():
        parts.append(chart("equity", "Portfolio value and drawdown of the best trial over time"))
        figures["equity"] = equity_figure(best.equity.rename("Best trial"), benchmark=best.benchmark)
    extreme = "lowest" if content.minimizes else "highest"
    if content.metric in NEVER_POSITIVE:
        extreme = "smallest"
    intro = f"Trial {best.number}, with the {extreme} {content.metric} of all that are eligible."
    if content.scope:
        intro += " The search saw these days: expect less of the days to come. Its parameters would be traded next."
    return section("Best trial", intro, *parts, figures=figures, scope=content.scope)


def headline(best: BestContent, content: ReportContent) -> list[tuple[str, str]]:
    """Give names and values of the main metrics, objectives first."""
    names = dict.fromkeys([*(metric for metric, _ in content.objectives), *HEADLINE])
    return [(words_for(name), brief(best.metrics[name], name)) for name in names if name in best.metrics]


def walk_forward_section(content: ReportContent) -> Section | None:
    """Give the windows of a walk-forward."""
    found = content.walk_forward
    if found is None or found.windows.empty:
        return None
    parts, figures = [], {}
    if found.metrics:
        names = [name for name in dict.fromkeys([content.metric, *HEADLINE]) if name in found.metrics]
        parts.append(cards([(words_for(name), brief(found.metrics[name], name)) for name in names]))
    if found.equity is not None and found.equity.notna().any():
        parts.append(chart("walk-forward", "Out-of-sample equity and each window's scores"))
        made = walk_forward_figure(found.equity, found.windows, found.params, score=content.metric)
        figures["walk-forward"] = made
    parts.append(windows_table(found, content.metric))
    intro = (
        "In each window the search saw the in-sample days only; its best parameters then traded the out-of-sample days "
        "that follow. The curve is made of those alone."
    )
    return section("Walk-forward", intro, *parts, figures=figures, scope="out of sample")


def windows_table(found: WalkForwardContent, metric: str) -> str:
    """Give a row a window: its number, dates, scores, params, and what became of it where that is not the usual."""
    windows = found.windows
    table = pd.DataFrame({"window": windows["window"].tolist()})
    for kind, title in (("in_sample", "in sample"), ("out_of_sample", "out of sample")):
        table[title] = [
            f"{shown(pd.Timestamp(begin).normalize())} to {shown(pd.Timestamp(end).normalize())}"
            for begin, end in zip(windows[f"{kind}_start"], windows[f"{kind}_end"], strict=True)
        ]
        if f"{kind}_score" in windows.columns:
            table[f"{words_for(metric)} {title}"] = [number(float(score), metric) for score in windows[f"{kind}_score"]]
    if found.params is not None:
        for name in found.params.columns:
            table[f"param_{name}" if name in table.columns else str(name)] = found.params[name].tolist()
    if "status" in windows.columns and set(windows["status"]) != {"complete"}:
        table["status"] = windows["status"].tolist()
    scores = [name for name in table.columns if name.startswith(f"{words_for(metric)} ")]
    return f"<h3>Windows</h3>{frame_table(table, right=scores)}"


def parameter_section(content: ReportContent) -> Section | None:
    """Give the charts of the parameters."""
    trials = content.charted
    if trials.empty or not np.isfinite(trials["score"].to_numpy(dtype=np.float64)).any():
        return None
    names = varying(content)
    if not names:
        return None
    made = dict(parameter_charts(content, names))
    parts = [f"<h3>{escaped(title)}</h3>{chart(name, title)}" for name, (title, _) in made.items()]
    figures = {name: figure for name, (_, figure) in made.items()}
    how = "A circle marks the best one's cell." if "heatmap" in made else "The best one is orange."
    intro = f"All trials with a score, not only the best ones. {how if content.best is not None else ''}"
    return section("Parameters", intro, *parts, figures=figures, scope=content.scope)


def parameter_charts(content: ReportContent, names: list[str]) -> Iterator[tuple[str, tuple[str, go.Figure]]]:
    """Yield id, title and figure of each chart that the parameters allow."""
    trials, minimize, log = content.charted, content.minimizes, content.log_parameters
    mark = marked(content)
    called = words_for(content.metric)
    if len(names) == 1:
        figure = parameter_figure(trials, names[0], mark=mark, log=names[0] in log, name=called)
        yield "parameter", (f"{called} by {names[0]}", figure)
        return
    x, y = most_telling(content, names)
    title = f"{called} by {x} and {y}"
    if len(names) > 2:
        title += ", the median over the other parameters"
    figure = heatmap_figure(trials, x, y, "score", "median", minimize=minimize, log=log, mark=mark, name=called)
    yield "heatmap", (title, figure)
    if content.importances is not None:
        yield (
            "importances",
            ("Which parameters decide whether a trial is among the best", importance_figure(content.importances)),
        )
    figure = parallel_figure(trials, names, minimize=minimize, log=log, name=called)
    yield "parallel", ("Trials as lines through their parameters", figure)


def varying(content: ReportContent) -> list[str]:
    """Give the parameters that have more than one value among the trials with a score."""
    rows = content.charted[np.isfinite(content.charted["score"].to_numpy(dtype=np.float64))]
    values = {name: {shown(value) for value in rows[name] if not is_missing(value)} for name in content.parameters}
    return [name for name in content.parameters if len(values[name]) > 1]


def most_telling(content: ReportContent, names: list[str]) -> tuple[str, str]:
    """Choose two parameters for the heatmap: the most important ones, numbers before choices."""
    found = content.importances
    weight = {name: float(found.get(name, 0.0)) if found is not None else 0.0 for name in names}
    is_choice = {name: not is_numeric(content.charted[name]) for name in names}
    ranked = sorted(names, key=lambda name: (is_choice[name], -weight[name]))
    return ranked[0], ranked[1]


def marked(content: ReportContent) -> Mapping[str, Any] | None:
    """Give the best trial's params by column."""
    if content.best is None:
        return None
    own = content.best.params
    return {name: own.get(name, own.get(name.removeprefix("param_"))) for name in content.parameters}


def pareto_section(content: ReportContent) -> Section | None:
    """Give the trials that no other beats in every objective, and two objectives of all."""
    found = content.pareto
    if found is None or found.empty:
        return None
    metrics = list(dict.fromkeys(metric for metric, _ in content.objectives))
    goal = ", ".join(f"{direction} {metric}" for metric, direction in content.objectives)
    parts, figures = [], {}
    if len(metrics) > 1:
        first, second = metrics[:2]
        parts.append(
            chart("pareto", f"{words_for(first)} and {words_for(second)} of all trials, the Pareto set marked")
        )
        figures["pareto"] = pareto_figure(content.charted, found, first, second)
    count = f"{len(found)} trials are" if len(found) > 1 else "1 trial is"
    intro = (
        f"{count} Pareto-optimal: no other that is eligible is as good in every objective and better in one. "
        f"Objectives: {goal}; the first one decides which trial is called best."
    )
    ranked = found.sort_values(metrics[0], ascending=content.minimizes, kind="stable")
    table = trials_table(ranked.head(SHOWN_PARETO), content, metrics)
    more = f"<p>The first {SHOWN_PARETO} of {len(found)}.</p>" * (len(found) > SHOWN_PARETO)
    return section("Pareto set", intro, *parts, table, more, figures=figures, scope=content.scope)


def top_section(content: ReportContent) -> Section | None:
    """Give the best trials."""
    if content.top.empty:
        return None
    top = content.top.head(SHOWN_TRIALS)
    table = trials_table(top, content, [*(metric for metric, _ in content.objectives), *TOP_METRICS])
    best = "best trial" if len(top) == 1 else f"best {len(top)} trials"
    return section(f"The {best}", "Of those that are eligible.", table, scope=content.scope)


def trials_table(rows: pd.DataFrame, content: ReportContent, metrics: list[str]) -> str:
    """Give a row a trial: number, search, params, and those of the metrics that there are."""
    columns = [name for name in ("trial", "study") if name in rows.columns]
    columns += [*content.parameters, *(name for name in metrics if name in rows.columns)]
    titles = {name: words_for(name) for name in metrics} | {"trial": "Trial", "study": "Search"}
    return frame_table(rows[list(dict.fromkeys(columns))], titles)


def trials_section(content: ReportContent) -> Section | None:
    """Say how many trials came to what, and what the search noted."""
    total = sum(content.counts.values())
    if not total:
        return None
    table = pd.DataFrame(
        {
            "status": list(content.counts),
            "trials": list(content.counts.values()),
            "share": [f"{count / total:.1%}" for count in content.counts.values()],
        }
    )
    notes = "<h3>Notes</h3>" * bool(content.notes) + "".join(f"<p>{escaped(note)}</p>" for note in content.notes)
    left = frame_table(table, {"status": "Status", "trials": "Trials", "share": "Share"}, ["share"])
    right = pairs_table({**eligibility(content), **spread_of(content.charted["score"], content.metric)})
    if content.scope:
        left, right = f"<h3>All windows, in sample</h3>{left}", f"<h3>{escaped(content.scope.capitalize())}</h3>{right}"
    columns = f'<div class="columns"><div>{left}</div><div>{right}</div></div>'
    return section("Trials", "", columns, reasons_table(content.trials), notes)


def eligibility(content: ReportContent) -> dict[str, str]:
    """Give how many trials may be best, and how many of the others what keeps from it."""
    if content.eligible is None:
        return {}
    kept = {what.capitalize(): count for what, count in content.obstacles.items() if count}
    failed = {f"Against {text}": count for text, count in content.failed_constraints.items()}
    counts = {"Eligible as the best": content.eligible, **kept, **failed}
    return {what: f"{count:,}" for what, count in counts.items()}


def reasons_table(trials: pd.DataFrame) -> str:
    """Give the most frequent reasons why trials did not come to their end."""
    if "error" not in trials.columns:
        return ""
    errors = trials.loc[trials["status"] != "complete", "error"]  # a complete trial's are its constraints'
    lines = [str(error).strip().splitlines()[-1] for error in errors if str(error).strip()]
    common = Counter(lines).most_common(SHOWN_REASONS)
    rows = pd.DataFrame(common, columns=["Reason", "Trials"])
    return f"<h3>Why trials did not come to their end</h3>{frame_table(rows)}" if common else ""


def spread_of(scores: "pd.Series[float]", metric: str) -> dict[str, str]:
    """Give what is usual among the scores."""
    finite = scores[np.isfinite(scores.to_numpy(dtype=np.float64))]
    quantiles = (("highest", 1.0), ("upper quarter", 0.75), ("median", 0.5), ("lower quarter", 0.25), ("lowest", 0.0))
    values = {name: float(finite.quantile(q)) if len(finite) else math.nan for name, q in quantiles}
    return {f"{words_for(metric)}, {name}": number(value, metric) for name, value in values.items()}


def settings_section(content: ReportContent) -> Section | None:
    """Give what would be needed to run it again."""
    groups = (("Settings", content.settings), ("Data", content.bundle), ("Versions", content.versions))
    parts = [f"<h3>{title}</h3>{pairs_table(pairs)}" for title, pairs in groups if pairs]
    return section("How it was run", "", *parts) if parts else None
