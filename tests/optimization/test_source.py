import os
import textwrap

import pytest
from pandas.testing import assert_frame_equal

from rustybt import Optimizer, Strategy
from rustybt.errors import InvalidParameter, ScriptError, WorkerError
from rustybt.optimization import Integer, PersistentWorkerPool
from rustybt.optimization.source import read_script, space_from
from tests.optimization.strategies import SPAN

FUNCTIONS = """
    from rustybt.api import order_target, symbol
    from rustybt.optimization import Integer

    parameters = {"shares": Integer(1, 3), "days": Integer(1, 2)}
    conditions = ["shares > days"]
    bars = []

    def initialize(context):
        context.asset = symbol("AAPL")

    def handle_data(context, data):
        bars.append(data.current(context.asset, "close"))
        if len(bars) >= context.params["days"]:
            order_target(context.asset, context.params["shares"] * len(bars))
"""
CLASS = """
    from dataclasses import dataclass
    from rustybt import Strategy
    from rustybt.api import order_target, symbol
    from rustybt.optimization import Integer

    @dataclass
    class Helper:
        shares: "int"

    class Hold(Strategy):
        shares = Integer(1, 3)
        start, end = "2012-01-03", "2012-01-31"

        def handle_data(self, context, data):
            order_target(symbol("AAPL"), Helper(self.shares).shares)
"""


@pytest.fixture(scope="module")
def pool():
    with PersistentWorkerPool(2) as pool:
        yield pool


@pytest.fixture
def script(tmp_path):
    def write(text, name="algo.py"):
        path = tmp_path / name
        path.write_text(textwrap.dedent(text))
        return path

    return write


def test_functions_of_a_script_are_optimized_over_its_parameters(market, script):
    result = Optimizer(script=script(FUNCTIONS), **SPAN).run()
    assert list(zip(result.trials["shares"], result.trials["days"], strict=True)) == [(2, 1), (3, 1), (3, 2)]


def test_every_trial_of_a_script_starts_from_the_globals_it_was_executed_with(market, script, pool):
    serial = Optimizer(script=script(FUNCTIONS), result_cache=False, **SPAN).run()
    pooled = Optimizer(script=script(FUNCTIONS), pool=pool, result_cache=False, **SPAN).run()
    apart = ["seconds", "worker"]
    assert_frame_equal(serial.trials.drop(columns=apart), pooled.trials.drop(columns=apart))
    alone = Optimizer(script=script(FUNCTIONS), conditions=["shares == 3", "days == 2"], **SPAN).run()
    assert alone.best.metrics == serial.records[2].metrics
    assert alone.best.run.metrics == alone.best.metrics


def test_a_space_that_is_passed_goes_before_the_scripts_own(market, script):
    space = {"shares": Integer(5, 6), "days": Integer(1, 1)}
    assert Optimizer(script=script(FUNCTIONS), space=space, **SPAN).run().trials["shares"].tolist() == [5, 6]


def test_a_script_with_a_class_carries_its_settings(market, script, pool):
    result = Optimizer(script=script(CLASS), bundle="mag-7", pool=pool).run()
    assert result.counts == {"complete": 3}
    assert len(result.returns) == 20


def test_a_script_brings_modules_beside_it_by_value(market, script, pool):
    for size in (1, 2):
        helper = script(f"def size():\n    return {size}\n", f"sizing_{size}.py")
        text = f"from {helper.stem} import size\n" + textwrap.dedent(CLASS).replace(
            "self.shares", "self.shares * size()"
        )
        result = Optimizer(script=script(text), bundle="mag-7", pool=pool).run()
        helper.unlink()
        assert result.best.run.transactions["amount"][0] == result.best.params["shares"] * size


@pytest.mark.parametrize("text", [FUNCTIONS, CLASS])
def test_a_script_may_have_any_name(market, script, pool, text):
    assert Optimizer(script=script(text, "algo.v2-final"), pool=pool, **SPAN).run().counts == {"complete": 3}


@pytest.mark.parametrize(
    ("text", "error", "message"),
    [
        ("x = 1", ScriptError, "algo.py defines no strategy"),
        ("def initialize(context)\n  pass", ScriptError, "algo.py, line 1"),
        ("parameters = [1]\ndef initialize(context): pass", InvalidParameter, r"space \[1\] is no mapping"),
        ("parameters = {'fast': 1}\ndef initialize(context): pass", InvalidParameter, "parameter 'fast' is 1"),
        (
            "import threading\nlock = threading.Lock()\ndef initialize(context): lock.acquire()",
            WorkerError,
            "cannot be sent to worker processes",
        ),
    ],
)
def test_bad_scripts_say_what_is_wrong(script, text, error, message):
    with pytest.raises(error, match=message):
        read_script(script(text))


def test_a_missing_script_says_so(tmp_path):
    with pytest.raises(ScriptError, match="does not exist"):
        Optimizer(script=tmp_path / "none.py", bundle="mag-7")


def test_a_space_may_be_under_further_conditions():
    space = space_from({"a": Integer(1, 3)}, ["a > 1"])
    assert space_from(space, "a < 3").allows({"a": 2})
    assert not space_from(space, "a < 3").allows({"a": 3})


def test_a_parameter_cannot_hide_a_hook():
    class Hiding(Strategy):
        handle_data = Integer(1, 2)

    with pytest.raises(InvalidParameter, match="parameter name 'handle_data' has a meaning of its own"):
        Optimizer(strategy_class=Hiding, **SPAN)


def test_the_folder_of_the_process_does_not_matter(market, script, pool, tmp_path, monkeypatch):
    path = script(CLASS)
    monkeypatch.chdir(tmp_path)
    result = Optimizer(script=os.path.basename(path), bundle="mag-7", pool=pool).run()
    assert result.counts == {"complete": 3}
