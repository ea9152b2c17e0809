"""Is the report whole, does it hold what it should, and can no text of a user become markup?"""

import json
import re
from dataclasses import replace
from html.parser import HTMLParser

import numpy as np
import pandas as pd
import pytest

from rustybt.errors import InvalidParameter
from rustybt.reports.page import page_of, write_report
from rustybt.reports.style import shown
from rustybt.reports.tables import frame_table, pairs_table
from tests.reports.contents import EVIL, content_of, evil_content, full_content, trials_of

VOID = {"meta", "img", "br", "link", "input"}


class Reader(HTMLParser):
    """Reads a page: which elements it has, their attributes, and the text of those that are shown."""

    def __init__(self, page):
        super().__init__()
        self.open, self.found, self.texts = [], [], []
        self.feed(page)
        self.close()

    def handle_starttag(self, tag, attrs):
        self.found.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if not {"script", "style"} & set(self.open):
            self.texts.append(data)

    @property
    def text(self):
        return " ".join(" ".join(self.texts).split())

    @property
    def ids(self):
        return [attrs["id"] for _, attrs in self.found if "id" in attrs]


def figures_of(page):
    return json.loads(re.search(r'<script id="figures" type="application/json">(.*?)</script>', page, re.DOTALL)[1])


@pytest.fixture(scope="module")
def full_page():
    return page_of(full_content())


def test_every_section_is_there(full_page):
    seen = Reader(full_page)
    assert seen.open == []
    assert len(seen.ids) == len(set(seen.ids))
    wanted = {"best-trial", "walk-forward", "parameters", "the-best-10-trials", "trials", "how-it-was-run"}
    assert wanted <= set(seen.ids)
    charts = ["walk-forward", "equity", "heatmap", "importances", "parallel"]
    assert [name for name in seen.ids if name.startswith("chart-")] == [f"chart-{name}" for name in charts]
    assert list(figures_of(full_page)) == [f"chart-{name}" for name in charts]
    for text in (
        "60 backtests in sample of 3 windows on mag-7, to maximize sharpe",
        "ab" * 32,
        "Development run",
        "No pruning.",
        "trades > 1",
    ):
        assert text in seen.text


def test_a_walk_forward_shows_first_what_came_afterwards_and_names_what_was_searched(full_page):
    seen = Reader(full_page).text
    assert seen.index("Walk-forward (out of sample)") < seen.index("Best trial (last window, in sample)")
    for title in ("Parameters", "The best 10 trials"):
        assert f"{title} (last window, in sample)" in seen
    assert "All windows, in sample Status Trials Share complete 60" in seen
    assert "Last window, in sample Sharpe ratio, highest" in seen
    assert "in sample" not in Reader(page_of(content_of())).text


def test_windows_have_the_numbers_that_the_frame_gives_them():
    walk = full_content().walk_forward
    windows = walk.windows.assign(window=[0, 2, 4], status=["complete", "no eligible trial", "complete"])
    chosen = walk.params.assign(window=[7, 8, 9])
    page = page_of(content_of(walk_forward=replace(walk, windows=windows, params=chosen)))
    rows = re.findall(r"<tr>(.*?)</tr>", page[page.index("<h3>Windows</h3>") :])[:4]
    cells = [re.findall(r"<t[hd][^>]*>(.*?)</t[hd]>", row) for row in rows]
    assert [row[0] for row in cells] == ["window", "0", "2", "4"]
    assert [row[-2:] for row in cells][0] == ["param_window", "status"]
    assert [row[-2:] for row in cells][2] == ["8", "no eligible trial"]
    texts = figures_of(page)["chart-walk-forward"]["data"][1]["customdata"]
    assert [text.split("<br>")[0] for text in texts] == ["<b>Window 0</b>", "<b>Window 2</b>", "<b>Window 4</b>"]


def test_charts_and_scores_are_of_what_is_compared_and_reasons_of_all():
    trials = trials_of(kind=["sma", "ema"]).assign(error=["ValueError: no price"] + [""] * 59)
    trials.loc[0, "status"] = "failed"
    last = trials.iloc[-10:]
    content = replace(content_of(trials), compared=last, walk_forward=full_content().walk_forward)
    page = page_of(content)
    assert "ValueError: no price 1" in Reader(page).text
    assert f"Sharpe ratio, highest {shown(last['score'].max(), 'sharpe')}" in Reader(page).text
    lines = [trace for trace in figures_of(page)["chart-parallel"]["data"] if trace["mode"] == "lines"]
    assert sum(len(set(trace["text"]) - {""}) for trace in lines) == 10


def test_the_page_says_what_decides_which_trial_is_the_best():
    known = {
        "eligible": 57,
        "obstacles": {"on a part of the span": 0, "never traded": 1, "against a constraint": 2},
        "failed_constraints": {"trades > 50": 2, "sharpe > <2": 1},
    }
    text = Reader(page_of(content_of(**known))).text
    assert "Eligible as the best 57 Never traded 1 Against a constraint 2 Against trades > 50 2 Against sharpe" in text
    assert "part of the span" not in text
    text = Reader(page_of(content_of(**{**known, "eligible": 0, "best": None}))).text
    assert "What kept them from it: 1 never traded, 2 against a constraint." in text
    assert "Not met most often: trades > 50 (2), sharpe > <2 (1)." in text


def test_several_objectives_show_their_pareto_set():
    trials = trials_of(4).assign(sharpe=[1.0, 2.0, 0.5, 1.5], turnover=[3.0, 9.0, 4.0, np.nan])
    goals = [("sharpe", "maximize"), ("turnover", "minimize")]
    page = page_of(content_of(trials, parameters=("fast",), objectives=goals, pareto=trials.iloc[:2]))
    text = Reader(page).text
    assert "pareto-set" in Reader(page).ids
    assert "2 trials are Pareto-optimal" in text and "maximize sharpe, minimize turnover; the first one decides" in text
    table = page[page.index('<section id="pareto-set">') :].partition("</section>")[0]
    assert re.findall(r"<tr><td>(\d+)</td>", table) == ["1", "0"]
    others, best = figures_of(page)["chart-pareto"]["data"]
    assert (others["customdata"], best["customdata"], best["name"]) == ([2], [0, 1], "Pareto set")
    assert "Pareto" not in Reader(page_of(content_of())).text


def test_nothing_comes_from_elsewhere(full_page):
    seen = Reader(full_page)
    for tag, attrs in seen.found:
        assert tag not in {"link", "iframe", "img", "object", "embed", "base", "form", "a"}
        assert not {"src", "href", "srcset", "action", "data"} & attrs.keys()
        assert not any(name.startswith("on") for name in attrs)
    head = full_page[: full_page.index('<script id="figures"')]
    assert re.findall(r"https?:|@import|url\(", head) == []
    policy = next(attrs["content"] for _, attrs in seen.found if attrs.get("http-equiv") == "Content-Security-Policy")
    assert policy.startswith("default-src 'none'; script-src 'sha256-")
    assert "connect-src" not in policy and "unsafe-eval" not in policy and "http" not in policy


def test_the_chart_library_is_there_once(full_page):
    assert full_page.count("plotly.js v") == 1
    assert len(full_page) < 6_000_000


def test_no_text_becomes_markup(full_page):
    page, plain = Reader(page_of(evil_content())), Reader(full_page)
    assert [tag for tag, _ in page.found].count("script") == [tag for tag, _ in plain.found].count("script") == 3
    assert not any(tag == "img" for tag, _ in page.found)
    assert page.open == []
    shown_evil = " ".join(EVIL.split())
    for where in ("h1", "title"):
        assert where in [tag for tag, _ in page.found]
    assert page.text.count(shown_evil) >= 10


def test_a_text_cannot_fill_another_place():
    page = page_of(content_of(title="{{figures}}", settings={"a": "{{plotly}}"}))
    assert page.count("plotly.js v") == 1
    assert "{{figures}}" in Reader(page).text and "{{plotly}}" in Reader(page).text


def headings(content):
    figures = figures_of(page_of(content))
    return {name.removeprefix("chart-"): figure for name, figure in figures.items()}


def test_the_heatmap_shows_the_most_important_numbers():
    trials = trials_of(third=[1, 2, 3], kind=["a", "b"])
    content = content_of(
        trials,
        parameters=("fast", "slow", "third", "kind"),
        importances=pd.Series({"kind": 0.5, "third": 0.3, "slow": 0.15, "fast": 0.05}),
    )
    layout = headings(content)["heatmap"]["layout"]
    assert (layout["xaxis"]["title"]["text"], layout["yaxis"]["title"]["text"]) == ("third", "slow")


def test_a_choice_is_better_than_no_second_axis():
    content = content_of(trials_of(kind=["a", "b"]).assign(slow=1.0))
    layout = headings(content)["heatmap"]["layout"]
    assert (layout["xaxis"]["title"]["text"], layout["yaxis"]["title"]["text"]) == ("fast", "kind")


def test_one_parameter_has_a_chart_of_its_own():
    content = content_of(trials_of(), parameters=("fast",), importances=None)
    assert list(headings(content)) == ["equity", "parameter"]


@pytest.mark.parametrize("names", [(), ("constant",)])
def test_without_a_parameter_that_varies_there_is_no_chart_of_it(names):
    content = content_of(trials_of().assign(constant=1), parameters=names, importances=None)
    assert list(headings(content)) == ["equity"]


def test_without_an_eligible_trial_the_page_says_so():
    trials = trials_of(kind=["a", "b"]).assign(score=np.nan, status="failed", error="Traceback\nValueError: no price")
    content = content_of(trials, counts={"failed": 60}, importances=None)
    page = page_of(content)
    assert figures_of(page) == {}
    assert "No trial is eligible" in Reader(page).text
    assert "ValueError: no price 60" in Reader(page).text
    assert "No trial is eligible" in Reader(page_of(content_of(trials_of(0), importances=None))).text
    walk = replace(content, walk_forward=full_content().walk_forward)
    assert "No trial of the last window is eligible" in Reader(page_of(walk)).text


def test_a_minimized_score_is_told_as_such():
    page = page_of(content_of(objectives=[("turnover", "minimize")], subtitle=""))
    assert "to minimize turnover" in Reader(page).text and "with the lowest turnover" in Reader(page).text
    assert figures_of(page)["chart-heatmap"]["data"][0]["reversescale"]


def test_the_file_replaces_an_older_one_and_nothing_else(tmp_path):
    path = tmp_path / "deep" / "report.html"
    write_report(path, content_of())
    before = path.read_bytes()
    assert write_report(path, content_of()) == path
    assert path.read_bytes() == before
    assert list(path.parent.iterdir()) == [path]
    with pytest.raises(InvalidParameter, match="is a folder: name a file in it"):
        write_report(tmp_path, content_of())


def test_text_that_is_no_unicode_is_written_all_the_same(tmp_path):
    path = write_report(tmp_path / "report.html", content_of(title="a\ud800b"))
    assert "<title>a?b</title>" in path.read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("value", "name", "text"),
    [
        (None, "", "–"),
        (float("nan"), "sharpe", "–"),
        (float("inf"), "", "∞"),
        (True, "", "yes"),
        (np.int64(1234567), "", "1,234,567"),
        (1.02, "sharpe", "1.020"),
        (0.1, "threshold", "0.1"),
        (1e-7, "", "1e-07"),
        (1e300, "", "1e+300"),
        (-0.12345, "max_drawdown", "-12.35%"),
        (45.6, "total_return", "4,560%"),
        (1234.56, "", "1,235"),
        (pd.Timestamp("2024-01-02"), "", "2024-01-02"),
        (["AAPL", "é"], "", '["AAPL", "é"]'),
        (pd.NaT, "", "–"),
    ],
)
def test_values_are_shown_to_four_digits(value, name, text):
    assert shown(value, name) == text


def test_numbers_stand_right_and_words_left():
    table = frame_table(pd.DataFrame({"n": [1.5, np.nan], "w": ["<a>", "b"], "share": ["1%", "2%"]}), right=["share"])
    assert '<td>1.5</td><td class="word">&lt;a&gt;</td><td>1%</td>' in table
    assert "<td>–</td>" in table


def test_nested_settings_are_lines():
    text = pairs_table({"a": {"b": 1, "c": ["x", "y"]}, "n": [1, 2], "e": []})
    assert "b: 1\nc: x\ny" in text and "[1, 2]" in text and "<td>[]</td>" in text
