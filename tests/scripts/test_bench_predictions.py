"""The bench of predictions counts the calls, compares both sides, and scales what it sampled."""

import json

from rustybt.data.predictions import PredictionStatistics
from scripts.benchmarks.bench_predictions import Round, figures_of, main


def test_both_sides_run_and_are_the_same(tmp_path, capsys):
    path = tmp_path / "bench.json"
    assert main(["--seconds-per-call", "0", "--prefixes", "3:6", "--outputs", "2", "--json", str(path)]) == 0
    printed = capsys.readouterr().out
    assert printed.startswith("4 backtests, 1 rounds\n")
    (found,) = json.loads(path.read_text())
    assert found["is_equal"] is True
    assert found["statistics"][:2] == [2 * (3 + 4 + 5 + 6), 2 * 6]


def test_some_prefixes_stand_for_all(capsys):
    assert main(["--seconds-per-call", "0.001", "--prefixes", "2:5", "--every", "4", "--sleep"]) == 0
    assert "each 4th prefix, scaled by sessions" in capsys.readouterr().out


def test_the_ratio_is_the_median_of_the_rounds_own():
    statistics = PredictionStatistics(46_340, 800, 0, 2.24, 127.0)
    seconds = [(120.0, 60.0, True), (160.0, 40.0, True), (90.0, 30.0, False)]
    rounds = [Round(*figures, statistics) for figures in seconds]
    ratio, without, cached, *_, differing = figures_of(rounds)
    assert (ratio.value, ratio.verdict) == (3.0, "missed")
    assert (without.value, cached.value) == (120.0, 40.0)
    assert (differing.value, differing.verdict) == (1, "missed")
