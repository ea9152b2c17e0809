"""What a resumed run is compared by: the code of every function, and values that are the same in every process."""

import json
import os
import subprocess
import sys
import threading
from datetime import date
from enum import Enum

import numpy as np
import pytest

from rustybt import Optimizer, Strategy
from rustybt.errors import InvalidParameter, JournalMismatch
from rustybt.optimization import Categorical, Float, Integer, ParameterSpace, RandomSearch, WalkForward
from rustybt.optimization.run_settings import SettingsWriter
from tests.optimization.strategies import SPAN, Crossover

pytestmark = pytest.mark.usefixtures("market")


def named(name, function):
    """Give a function a name that others have too."""
    function.__name__ = function.__qualname__ = name
    return function


class Switched(Strategy):
    """What it is made of is put in by the test."""

    on = Categorical([True, False])
    days = Integer(1, 9)

    def handle_data(self, context, data):
        pass


def optimizer(storage, strategy=Switched, **options):
    return Optimizer(strategy, storage=storage, **{"search": RandomSearch(3, seed=1), **SPAN, **options})


FUNCTIONS = {
    "objective": (lambda perf: 1.0 + len(perf), lambda perf: -1e6 * len(perf)),
    "constraints": (lambda metrics: metrics["fills"] >= 0, lambda metrics: metrics["fills"] >= -1),
    "conditions": (lambda params: params["days"] > 0, lambda params: params["days"] > -1),
}


@pytest.mark.parametrize("setting", list(FUNCTIONS))
def test_another_body_of_a_function_is_another_run(tmp_path, setting):
    then, now = (named("gain", function) for function in FUNCTIONS[setting])
    optimizer(tmp_path / "run", **{setting: then}).run()
    with pytest.raises(
        JournalMismatch, match=rf'{setting}s? changed: \["[a-z ]*gain #\w{{16}}"\] then, \["[a-z ]*gain #'
    ):
        optimizer(tmp_path / "run", **{setting: now}).resume()
    assert len(optimizer(tmp_path / "run", **{setting: then}).resume()) == 3


def with_when(when):
    class Conditional(Switched):
        days = Integer(1, 9, when=when)

    return Conditional


def test_another_body_of_a_when_is_another_run(tmp_path):
    one, other = (lambda params: params["on"]), (lambda params: not params["on"])
    optimizer(tmp_path / "run", with_when(one)).run()
    with pytest.raises(JournalMismatch, match=r"space\.days\.when changed: \"<lambda> #\w{16}\" then, \"<lambda> #"):
        optimizer(tmp_path / "run", with_when(other)).resume()
    assert len(optimizer(tmp_path / "run", with_when(one)).resume()) == 3


def test_another_condition_of_the_search_is_another_run(tmp_path):
    then, now = (named("rule", function) for function in FUNCTIONS["conditions"])
    optimizer(tmp_path / "run", search=RandomSearch(3, conditions=then)).run()
    with pytest.raises(JournalMismatch, match="search.conditions changed"):
        optimizer(tmp_path / "run", search=RandomSearch(3, conditions=now)).resume()


class Reading(Switched):
    """No digest can know what it reads."""

    def handle_data(self, context, data):
        with open(os.devnull) as file:
            context.shares = 1 + len(file.read())


class ReadingLater(Switched):
    def handle_data(self, context, data):
        with open(os.devnull) as file:
            context.shares = -1 + len(file.read())


ReadingLater.__name__ = "Reading"


def test_a_strategy_without_a_digest_is_known_by_its_code(tmp_path):
    note = (
        "resume knows strategy Reading by its code alone, and does not notice if what else it uses has changed: 'open'"
    )
    result = optimizer(tmp_path / "run", Reading).run()
    assert [text for text in result.info.notes if text.startswith(note)]
    assert len(optimizer(tmp_path / "run", Reading).resume()) == 3
    with pytest.raises(
        JournalMismatch, match=r'the strategy\'s code changed: "code alone: \w{64}" then, "code alone: '
    ):
        optimizer(tmp_path / "run", ReadingLater).resume()


def test_what_a_strategy_without_a_digest_calls_counts_too(tmp_path):
    def made(factor):
        def size():
            return factor

        class Reader(Switched):
            def handle_data(self, context, data):
                with open(os.devnull):
                    context.shares = size()

        return Reader

    optimizer(tmp_path / "run", made(1)).run()
    with pytest.raises(JournalMismatch, match="the strategy's code changed"):
        optimizer(tmp_path / "run", made(2)).resume()


BODIES = {
    "open": "open(os.devnull)",
    "a moment": 'pd.Timestamp("now")',
    "a day": 'pd.to_datetime("today")',
    "a clock": "time.time()",
    "eval": 'eval("1")',
    "an import": "__import__('os')",
    "a chance": "random.random()",
    "a helper of a moment": "moment()",
}
MODULE = """
import os, random, time
import pandas as pd
def moment():
    return pd.Timestamp("now"), FACTOR
def size(perf):
    {body}
    return FACTOR * len(perf)
"""


@pytest.mark.parametrize("body", BODIES.values(), ids=BODIES)
@pytest.mark.parametrize("where", ["in the body", "beside it"])
def test_a_constant_beside_what_has_no_digest_counts(tmp_path, body, where):
    """Whatever keeps a function from having a digest, one constant of its code, or of what it calls, tells it."""

    def said(factor):
        names = {"__name__": "strategies_of_test"}
        text = MODULE.format(body=body)
        exec(text.replace("FACTOR", str(factor)) if where == "in the body" else f"FACTOR = {factor}\n{text}", names)
        writer = SettingsWriter()
        found = writer.value(names["size"], "an objective")
        return found, writer.notes

    one, again, other = said(10), said(10), said(700)
    assert one == again
    assert one[0] != other[0]
    assert one[0].startswith("size #")


def test_what_nothing_stands_for_is_refused():
    deep = ()
    for _ in range(100_000):
        deep = (deep,)
    with pytest.raises(InvalidParameter, match="storage: a resumed run could not tell fixed 'x' from any other"):
        SettingsWriter().value(lambda: deep, "fixed 'x'")


def test_a_run_without_a_storage_has_nothing_to_note():
    notes = optimizer(None, Reading, result_cache=False).run().info.notes
    assert not [text for text in notes if "resume" in text]


SCRIPT = """
import sys
from rustybt import Optimizer, Strategy
from rustybt.optimization import Categorical, Integer, RandomSearch

class Rule:
    def __init__(self, days):
        self.days = days

class Hold(Strategy):
    kind = Categorical(["mean", "ema"])
    fast = Integer(2, 9, when=lambda params: params["kind"] == "mean")
    rule = Categorical([Rule(1), Rule(FEW)])
    limit = None

def spread(perf):
    return float(len(perf))

options = {"start": "2012-01-03", "end": "2012-03-30", "fixed": {"limit": Rule(3)}, "objective": spread}
optimizer = Optimizer(Hold, bundle="mag-7", search=RandomSearch(5, seed=1), storage=sys.argv[2], **options)
print(len(getattr(optimizer, sys.argv[1])()))
"""


def in_a_process(action, storage, seed, few=2):
    return subprocess.run(
        [sys.executable, "-c", SCRIPT.replace("FEW", str(few)), action, str(storage)],
        env={**os.environ, "PYTHONHASHSEED": seed},
        capture_output=True,
        text=True,
    )


def test_functions_and_objects_are_the_same_in_another_process(tmp_path):
    first = in_a_process("run", tmp_path / "run", "1")
    assert first.stdout == "5\n", first.stderr
    again = in_a_process("resume", tmp_path / "run", "2")
    assert again.stdout == "5\n", again.stderr
    assert "0x" not in (tmp_path / "run" / "run.json").read_text()
    changed = in_a_process("resume", tmp_path / "run", "2", few=3)
    assert 'space.rule.choices changed: ["Rule #' in changed.stderr


class Kind(Enum):
    MEAN = 1


class Plain:
    def __init__(self, state):
        self.state = state


def written(parameter):
    return SettingsWriter().parameter(parameter, "p")


@pytest.mark.parametrize(
    ("parameter", "plain"),
    [
        (Integer(5, 50, step=5), {"class": "Integer", "low": 5, "high": 50, "step": 5}),
        (Float(0.5, 2, log=True), {"class": "Float", "low": 0.5, "high": 2.0, "log": True, "step": None}),
        (
            Integer(1, 2, when="kind == 'a'"),
            {"class": "Integer", "low": 1, "high": 2, "step": 1, "when": "kind == 'a'"},
        ),
        (
            Categorical(["a", 1, 1.5, None, True, ("A", "B"), date(2020, 1, 2)]),
            {"class": "Categorical", "choices": ["a", 1, 1.5, None, True, ["A", "B"], "date 2020-01-02"]},
        ),
    ],
)
def test_a_parameter_can_be_read(parameter, plain):
    assert written(parameter) == plain
    assert json.loads(json.dumps(plain)) == plain


@pytest.mark.parametrize(
    ("one", "same", "other", "name"),
    [
        (np.arange(5000), np.arange(5000), np.where(np.arange(5000) == 2500, -1, np.arange(5000)), "ndarray"),
        (Plain(1), Plain(1), Plain(2), "Plain"),
        (Plain([threading.Lock(), 1]), Plain([threading.Lock(), 1]), Plain([threading.Lock(), 2]), "Plain"),
        (Kind.MEAN, Kind.MEAN, Plain(1), "Kind.MEAN"),
        (frozenset("abc"), frozenset("cba"), frozenset("abd"), "frozenset"),
        (lambda x: x + 1, lambda x: x + 1, lambda x: x + 2, "<lambda>"),
        ({"a": 1, "b": 2}, {"a": 1, "b": 2}, {"b": 2, "a": 1}, None),
    ],
)
def test_any_value_is_told_from_another_and_not_from_an_equal_one(one, same, other, name):
    found = [SettingsWriter().value(value, "it") for value in (one, same, other)]
    assert found[0] == found[1] != found[2]
    assert name is None or found[0].partition(" #")[0] == name


def test_what_cannot_be_told_is_noted():
    writer = SettingsWriter()
    assert writer.value(threading.Lock(), "fixed 'lock'").startswith("lock #")
    assert "resume knows fixed 'lock' by its code alone" in writer.notes[0]


class Odd(RandomSearch):
    """A search of the user's."""


def test_a_search_of_the_users_is_known_by_its_code():
    found = SettingsWriter().search(WalkForward(Odd(3), in_sample=50, out_of_sample=20))
    assert found["class"] == "WalkForward" and found["search"]["class"].startswith("Odd #")
    assert SettingsWriter().search(RandomSearch(3, seed=2)) == {
        **{"class": "RandomSearch", "conditions": [], "enqueued": [], "seed": 2, "trials": 3}
    }


def test_the_order_of_parameters_counts(tmp_path):
    def run(*names):
        space = ParameterSpace({name: Integer(1, 3) for name in names})
        hooks = {"initialize": lambda context: None, "handle_data": lambda context, data: None}
        return Optimizer(space=space, storage=tmp_path / "run", **hooks, **SPAN)

    run("fast", "slow").run()
    with pytest.raises(JournalMismatch, match=r'parameters changed: \["fast", "slow"\] then, \["slow", "fast"\] now'):
        run("slow", "fast").resume()


def test_a_limit_of_a_parameter_is_named(tmp_path):
    class Narrower(Crossover):
        fast = Integer(2, 6, step=2)

    Narrower.__name__ = "Crossover"
    optimizer(tmp_path / "run", Crossover).run()
    with pytest.raises(JournalMismatch, match="space.fast.high changed: 8 then, 6 now"):
        optimizer(tmp_path / "run", Narrower).resume()
