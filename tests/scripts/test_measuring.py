"""Ratios, exponents and verdicts say what was measured."""

import json
import math

import pytest

from scripts.benchmarks.bench import Bench, Options
from scripts.benchmarks.contender import Contender, ContenderFailed
from scripts.benchmarks.measuring import Figure, apart, exponent, interleave, seconds_of, times_faster
from scripts.benchmarks.report import CaseReport, Row, json_of, machine_of, markdown_of, number, text_of

MACHINE = {"machine": "abacus, 2 cores, Linux", "python": "Python 3.11", "how": "wall clock", "libraries": "numpy 2"}


@pytest.mark.parametrize(
    ("value", "target", "verdict"),
    [
        (6.0, {"at_least": 6}, "met"),
        (5.99, {"at_least": 6}, "missed"),
        (2.5, {"at_most": 2.5}, "met"),
        (2.51, {"at_most": 2.5}, "missed"),
        (math.nan, {"at_least": 6}, "missed"),
        (math.nan, {"at_most": 6}, "missed"),
        (math.inf, {"at_most": 6}, "missed"),
        (0.0, {"at_most": 0}, "met"),
        (5.0, {}, ""),
    ],
)
def test_verdicts(value, target, verdict):
    assert Figure("speed", value, "times", **target).verdict == verdict


def test_rounds_are_interleaved_and_warm_ups_do_not_count():
    ran = []

    def runs(name):
        return lambda: ran.append(name) or {"seconds": float(len(ran)), "cpu_seconds": 0.5}

    answers = interleave({"a": runs("a"), "b": runs("b")}, repeats=2)
    assert "".join(ran) == "ababab"
    assert seconds_of(answers["a"], "wall") == [3.0, 5.0]
    assert seconds_of(answers["b"], "cpu") == [0.5, 0.5]


def test_a_ratio_is_of_the_same_round():
    # The machine was ten times slower in the second round, which hits both.
    assert times_faster([6.0, 60.0, 6.6], [1.0, 10.0, 1.0]) == pytest.approx(6.0)


@pytest.mark.parametrize("power", [0.0, 0.5, 1.0, 2.0])
def test_an_exponent_is_found(power):
    sizes = [10, 20, 40, 80, 160]
    assert exponent(sizes, [3e-3 * size**power for size in sizes]) == pytest.approx(power, abs=1e-12)


def test_a_hand_worked_exponent():
    # On logarithms to base 2 the points are (0, 0), (1, 2), (2, 2), (3, 4): the slope is 6/5.
    assert exponent([1, 2, 4, 8], [1, 4, 4, 16]) == pytest.approx(1.2)


@pytest.mark.parametrize(
    ("sizes", "seconds", "message"),
    [
        ([1, 2, 3], [1, 2, 3], "3 sizes and 3 times"),
        ([1, 2, 3, 4], [1, 2, 3], "4 sizes and 3 times"),
        ([1, 2, 3, 4], [1, 2, 3, 0], "above 0"),
        ([1, 2, 3, 4], [1, 2, 3, math.nan], "finite"),
    ],
)
def test_what_has_no_exponent_is_refused(sizes, seconds, message):
    with pytest.raises(ValueError, match=message):
        exponent(sizes, seconds)


@pytest.mark.parametrize(("value", "verdict"), [(1e6 + 1e-4, "met"), (1e6 + 1e-2, "missed"), (math.nan, "missed")])
def test_another_answer_misses(value, verdict):
    theirs = [{"value": 1e6}, {"value": 1e6}]
    found = apart("script", [{"value": 1e6}, {"value": value}], theirs)
    assert (found.verdict, found.at_most) == (verdict, 1e-9)


def report():
    figures = [Figure("speed", 7.123, "times", at_least=6, note="no costs"), Figure("told", 1234.5, "µs")]
    return CaseReport("crossover", "daily", figures, [Row("rustybt", [2.0, 1.0, 4.0], 1e6, 200.0)], ["bt is left out."])


def test_text_has_ratios_first():
    first, *lines = text_of(report()).splitlines()
    assert first == "crossover: daily"
    assert lines[0] == "  speed: 7.123 times (target at least 6): met; no costs"
    assert lines[2] == "    rustybt: median 2 s, 1 to 4 s in 3 runs, ends at 1,000,000.00, peak 200 MB"
    assert lines[3] == "    bt is left out."


def test_markdown_states_the_machine_and_every_figure():
    text = markdown_of([report()], MACHINE)
    assert text.startswith("Measured on abacus, 2 cores, Linux")
    assert "| crossover | speed | 7.123 times | at least 6 | met | no costs |" in text
    assert "| crossover | rustybt | 2 | 3 | 1,000,000 | 200 |" in text
    assert "- crossover: bt is left out." in text


def test_json_has_every_run():
    told = json.loads(json.dumps(json_of([report()], MACHINE)))
    assert told["cases"][0]["rows"][0]["seconds"] == [2.0, 1.0, 4.0]
    assert told["cases"][0]["figures"][0]["verdict"] == "met"
    assert told["machine"] == MACHINE


def test_the_machine_has_a_name():
    told = machine_of({"numpy": "2.0"}, "wall clock")
    assert told["machine"] and (told["libraries"], told["how"]) == ("numpy 2.0", "wall clock")


def test_numbers_keep_the_digits_that_decide():
    assert [number(x) for x in (0.0123456, 1.1024, 123456.7)] == ["0.01235", "1.102", "123,457"]


@pytest.mark.parametrize(("module", "message"), [("on_nothing", "ended with exit code"), ("on_bare", "KeyError")])
def test_a_contender_that_cannot_start_says_why(module, message):
    import sys
    from pathlib import Path

    contender = Contender("broken", Path(sys.executable), module, {})
    try:
        with pytest.raises(ContenderFailed, match=f"broken: .*{message}"):
            _ = contender.about
    finally:
        contender.stop()


def test_a_peer_that_fails_is_left_out_but_this_project_may_not_fail(tmp_path):
    def fail(is_own):
        def run():
            raise ContenderFailed("it broke", is_own=is_own)

        return run

    with Bench(Options(repeats=2), tmp_path) as bench:
        answers = bench.rounds({"peer": fail(False), "other": lambda: {"seconds": 1.0}})
        assert list(answers) == ["other"] and len(answers["other"]) == 2
        assert bench.left_out == ["peer is left out: it broke."]
        with pytest.raises(ContenderFailed, match="it broke"):
            bench.rounds({"rustybt": fail(True)})
