"""The bench runs from end to end on tiny sizes, without other interpreters, and says what it left out."""

import json

import pytest

from scripts.benchmarks.bench_engine import main
from scripts.benchmarks.cases import CASES
from scripts.benchmarks.contender import ContenderFailed
from scripts.benchmarks.report import CaseReport

FIGURES = {
    "crossover": set(),
    "one-asset": {"event tier", "vector tier"},
    "engine-only": {"rustybt: data.current(asset, 'price')", "rustybt: a session in which nothing is done"},
    "minute": {"4 assets, volume breakout over 2019-11-22 to 2019-11-22", "runs that differ in any bit"},
    "batch": {"time, against the bare kernel"},
    "peer-report": {"10,000 bars", "update of 100 positions", "10,000 bars: load, mapped arrays"},
    "scaling": {f"{tier} tier, {what}" for tier in ("event", "vector") for what in ("sessions", "assets", "trials")},
}
LEFT_OUT = {"crossover": "Zipline", "one-asset": "backtesting.py", "batch": "vectorbt", "minute": "Zipline"}


LONG = ("batch", "minute", "scaling")
"""Cases that take a quarter of a minute each, whatever their sizes."""


@pytest.mark.parametrize("case", [pytest.param(c, marks=pytest.mark.soak) if c in LONG else c for c in CASES])
def test_a_case_runs_and_says_what_it_left_out(case, tmp_path, capsys):
    main(["--quick", "--only", case, "--markdown", "--json", str(tmp_path / "bench.json")])
    said = capsys.readouterr().out
    (told,) = json.loads((tmp_path / "bench.json").read_text())["cases"]
    assert said.startswith(f"{case}: ") and "| Case | Figure |" in said
    assert FIGURES[case] <= {figure["name"] for figure in told["figures"]}
    for row in told["rows"]:
        assert all(seconds > 0 for seconds in row["seconds"])
    if case in LEFT_OUT:
        assert f"{LEFT_OUT[case]} is left out: no interpreter was given." in said
    assert told["failure"] == "" and not any("Error" in note for note in told["notes"])


def test_a_case_that_cannot_be_measured_does_not_stop_the_others(monkeypatch, capsys):
    def broken(bench):
        raise ContenderFailed("rustybt: its process ended")

    monkeypatch.setitem(CASES, "crossover", broken)
    monkeypatch.setitem(CASES, "one-asset", lambda bench: CaseReport("one-asset", "made up"))
    with pytest.raises(SystemExit, match="1"):
        main(["--quick", "--only", "crossover", "one-asset"])
    said = capsys.readouterr().out
    assert "rustybt: its process ended" in said and "one-asset: made up" in said


def test_tiny_sizes_are_not_judged(capsys):
    main(["--quick", "--only", "crossover"])
    assert "tiny sizes" in capsys.readouterr().out


@pytest.mark.parametrize(("given", "message"), [(["--repeats", "0"], "at least one"), (["--only", "x"], "choose from")])
def test_bad_arguments_are_refused(given, message, capsys):
    with pytest.raises(SystemExit):
        main(given)
    assert message in capsys.readouterr().err
