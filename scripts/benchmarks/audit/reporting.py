"""How does an audit say what it found? As JSON with every run, as Markdown, and as a page with charts."""

import json
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import plotly.graph_objects as go

from scripts.benchmarks.audit.audits import MICRO_TIMES, Audit
from scripts.benchmarks.audit.paired import ALPHA, PairedTest
from scripts.benchmarks.audit.turns import TURN_S
from scripts.benchmarks.contender import ROOT
from scripts.benchmarks.report import load_average, machine_of


def surroundings(fingerprint: str) -> dict[str, str]:
    """Say where and of what an audit is: machine, Python, commit, data."""
    machine = machine_of({}, f"load average {load_average()}")
    return {**machine, "commit": commit(), "fingerprint": fingerprint}


def commit() -> str:
    """Give the commit that is audited, with a word where files differ from it; "unknown" outside of a repository."""
    ask = ["git", "-C", str(ROOT)]
    head = subprocess.run([*ask, "rev-parse", "--short", "HEAD"], capture_output=True, text=True, check=False)
    if head.returncode:
        return "unknown"
    changed = subprocess.run([*ask, "status", "--porcelain"], capture_output=True, text=True, check=False).stdout
    return head.stdout.strip() + (" with changes" if changed else "")


def line_of(test: PairedTest) -> str:
    """Say a test in a line."""
    return (
        f"{test.gain:+.1%} of the time saved (95% interval {1 - test.high:+.1%} to {1 - test.low:+.1%}), "
        f"{factor_words(test.factor)}, p = {test.p:.2g} (t), {test.p_wilcoxon:.2g} (Wilcoxon), {test.pairs} pairs"
    )


def factor_words(factor: float) -> str:
    """Say a factor in words that fit its side of 1."""
    return f"{factor:.2f} times faster" if factor >= 1 else f"{1 / factor:.2f} times slower"


def text_of(audit: Audit) -> str:
    """Write an audit for a terminal."""
    lines = [f"{audit.name}: {audit.scale.total} backtests, {audit.workers} worker{'s' * (audit.workers != 1)}"]
    lines += [f"  {audit.words}: {line_of(audit.gain)}"]
    lines += [f"  all layers against {name}: {line_of(test)}" for name, test in audit.others.items()]
    for name, test in audit.layers.items():
        lines.append(f"  {name}: {line_of(test)}, Holm p = {audit.adjusted[name]:.2g}: {verdict_of(audit, name)}")
    for criterion in audit.criteria:
        note = f"; {criterion.note}" if criterion.note else ""
        lines.append(f"  {'holds' if criterion.holds else 'MISSED'}: {criterion.text} ({criterion.found:.4g}){note}")
    return "\n".join(lines)


def verdict_of(audit: Audit, layer: str) -> str:
    """Say whether a layer pays at this scale."""
    if audit.adjusted[layer] < ALPHA:
        return "pays"
    return "costs" if audit.adjusted_costs[layer] < ALPHA else "no difference found"


def markdown_of(audits: Sequence[Audit], about: Mapping[str, str]) -> str:
    """Write audits as a page of Markdown.

    Parameters
    ----------
    audits : sequence of Audit
        In order.
    about : mapping of str to str
        See `surroundings`.

    Returns
    -------
    str
    """
    lines = ["# Audit of the optimizer's layers", ""]
    lines += [f"- {name}: {value}" for name, value in about.items()]
    if not any(audit.criteria for audit in audits):
        lines += ["", "**Nothing here is a verdict: the run was told to be quick, or is held to no criterion.**"]
    lines += [
        "",
        "Baseline: `for params in grid: run_algorithm(...)` in one process, every cache off. Every side runs in",
    ]
    lines += ["a fresh process, in random order within each round; the seconds of one round are a pair. In the micro"]
    lines += [
        f"audits, whose runs are short, {MICRO_TIMES} processes of each side take turns of {TURN_S * 1e3:g} ms, each"
    ]
    lines += ["is timed while it has its turn, and the median of a side's processes counts. A gain is the share of the"]
    lines += ["baseline's time that is saved; its interval is that of the mean log-ratio, by the t distribution."]
    lines += ["Every pair was compared: all sides found the same results.", ""]
    lines += ["| Audit | Backtests | Workers | Gain | 95% interval | Factor | p (t) | p (Wilcoxon) | Pairs |"]
    lines += ["|---|---|---|---|---|---|---|---|---|"]
    for audit in audits:
        for words, test in [(audit.words, audit.gain), *((f"against {name}", t) for name, t in audit.others.items())]:
            lines.append(
                f"| {audit.name}: {words} | {audit.scale.total} | {audit.workers} | {test.gain:.1%} | "
                f"{1 - test.high:.1%} to {1 - test.low:.1%} | {test.factor:.2f} | {test.p:.2g} | "
                f"{test.p_wilcoxon:.2g} | {test.pairs} |"
            )
    for audit in audits:
        if audit.layers:
            lines += ["", f"## Layers, {audit.name}", "", "What each brings: all layers against all but this one.", ""]
            lines += ["| Layer | Gain | 95% interval | p (t) | p (Holm) | Verdict |", "|---|---|---|---|---|---|"]
            for name, test in audit.layers.items():
                lines.append(
                    f"| {name} | {test.gain:+.1%} | {1 - test.high:+.1%} to {1 - test.low:+.1%} | {test.p:.2g} | "
                    f"{audit.adjusted[name]:.2g} | {verdict_of(audit, name)} |"
                )
    criteria = [(audit, criterion) for audit in audits for criterion in audit.criteria]
    if criteria:
        lines += ["", "## Criteria", "", "| Audit | Criterion | Found | | |", "|---|---|---|---|---|"]
        for audit, one in criteria:
            verdict = "holds" if one.holds else "missed"
            lines.append(f"| {audit.name} | {one.text} | {one.found:.4g} | {verdict} | {one.note} |")
    return "\n".join(lines) + "\n"


def json_of(audits: Sequence[Audit], about: Mapping[str, str]) -> dict[str, Any]:
    """Give everything, with every single run."""
    made = [{**asdict(audit), "scale": audit.scale._asdict(), "gain": audit.gain._asdict()} for audit in audits]
    for plain, audit in zip(made, audits, strict=True):
        plain.update(adjusted=audit.adjusted, adjusted_costs=audit.adjusted_costs)
        for kind in ("layers", "others"):
            plain[kind] = {name: test._asdict() for name, test in getattr(audit, kind).items()}
    return {"about": dict(about), "audits": made}


def figure_of(audit: Audit) -> go.Figure:
    """Draw the seconds of every side, a point a round."""
    figure = go.Figure()
    for side, seconds in audit.seconds.items():
        figure.add_box(y=seconds, name=side, boxpoints="all", jitter=0.3, pointpos=0)
    figure.update_layout(title=audit.name, yaxis_title="seconds", yaxis_rangemode="tozero", showlegend=False)
    return figure


def write(folder: Path, audits: Sequence[Audit], about: Mapping[str, str]) -> list[Path]:
    """Write audit.json, audit.md and a chart for each audit.

    Parameters
    ----------
    folder : Path
        Made if it is missing.
    audits, about
        As `markdown_of` takes them.

    Returns
    -------
    list of Path
        The files.
    """
    folder.mkdir(parents=True, exist_ok=True)
    raw, page = folder / "audit.json", folder / "audit.md"
    raw.write_text(json.dumps(json_of(audits, about), indent=1) + "\n")
    page.write_text(markdown_of(audits, about))
    charts = []
    for audit in audits:
        chart = folder / f"{audit.name.replace(', ', '-').replace(' ', '-')}.html"
        figure_of(audit).write_html(chart, include_plotlyjs="directory")
        charts.append(chart)
    return [raw, page, *charts]
