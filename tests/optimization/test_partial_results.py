"""What is left of a run that an error ends, and what a run that cannot be repeated says."""

import subprocess
import sys

import pytest

from rustybt import Strategy
from rustybt.cli.trials import PARTIAL_FOLDER, keep_beside
from rustybt.errors import InvalidParameter, ReproducibilityWarning, ZeroCapitalError
from rustybt.optimization import Integer, OptimizationResult, Optimizer, RandomSearch
from rustybt.optimization.result import OptimizationInterrupted
from rustybt.optimization.result_cache import ResultCache
from rustybt.run import run_algorithm

SPAN = {"bundle": "mag-7", "start": "2015-01-02", "end": "2015-02-27"}


class Drifting(Strategy):
    """Ends elsewhere with every run: it keeps state on the class."""

    shares = Integer(1, 3)
    runs = 0

    def initialize(self, context):
        type(self).runs += 1

    def handle_data(self, context, data):
        from rustybt.api import order_target, symbol

        order_target(symbol("AAPL"), self.shares * type(self).runs)


def test_trials_that_came_back_outlive_an_error_of_the_search(ingested):
    draws = []

    def condition(params):
        draws.append(params)
        if len(draws) > 5:
            raise ZeroDivisionError("drawn too often")
        return True

    class Hold(Strategy):
        shares = Integer(1, 1000)

        def handle_data(self, context, data):
            pass

    optimizer = Optimizer(strategy_class=Hold, search=RandomSearch(50), conditions=condition, **SPAN)
    with pytest.raises(ZeroDivisionError):
        optimizer.run()
    assert 0 < len(optimizer.partial) < 50


class Interrupted(Strategy):
    """Is interrupted at its twentieth size."""

    shares = Integer(1, 21)

    def initialize(self, context):
        if self.shares == 20:
            raise KeyboardInterrupt

    def handle_data(self, context, data):
        pass


def test_known_trials_are_whole_when_a_run_is_interrupted_after_them(ingested):
    cache = ResultCache()
    Optimizer(Interrupted, conditions="5 <= shares and shares < 17", result_cache=cache, **SPAN).run()
    with pytest.raises(OptimizationInterrupted, match="interrupted after 19 of 21 trials") as raised:
        Optimizer(Interrupted, result_cache=cache, **SPAN).run()
    partial = raised.value.result
    assert [trial.is_cached for trial in partial.records] == [4 < shares < 17 for shares in range(1, 20)]
    assert partial.returns.shape == (len(partial.returns), 19) and partial.returns.notna().all().all()


def test_a_rerun_that_ends_elsewhere_is_pointed_out(ingested):
    result = Optimizer(strategy_class=Drifting, objective="fills", **SPAN).run()
    with pytest.warns(ReproducibilityWarning, match="the strategy depends on what differs between processes or runs"):
        _ = result.best.run


def test_a_partial_result_goes_beside_a_complete_one(ingested, tmp_path):
    result = Optimizer(strategy_class=Drifting, objective="fills", **SPAN).run()
    assert keep_beside(result, tmp_path) == tmp_path / "trials.parquet"
    complete = (tmp_path / "trials.parquet").read_bytes()
    assert keep_beside(result, tmp_path) == tmp_path / PARTIAL_FOLDER / "trials.parquet"
    assert (tmp_path / "trials.parquet").read_bytes() == complete
    assert len(OptimizationResult.load(tmp_path / PARTIAL_FOLDER)) == 3


SCRIPT = """
import pathlib, sys
from rustybt import Optimizer, Strategy
from rustybt.optimization import Integer

class Sized(Strategy):
    plus = Integer(0, 1)
    def handle_data(self, context, data):
        from rustybt.api import order_target, symbol
        from sizes import SHARES
        order_target(symbol("AAPL"), SHARES + self.plus)

def commission():
    run = Optimizer(strategy_class=Sized, bundle="mag-7", start="2015-01-02", end="2015-01-30", num_workers=2).run()
    return round(run.trials["commission"].sum(), 6)

first = commission()
pathlib.Path("sizes.py").write_text("SHARES = 3000\\n")
print(first, commission())
"""


def test_a_module_imported_in_a_hook_is_read_anew_by_living_workers(ingested, tmp_path):
    (tmp_path / "sizes.py").write_text("SHARES = 10\n")
    (tmp_path / "main.py").write_text(SCRIPT)
    done = subprocess.run([sys.executable, "main.py"], cwd=tmp_path, capture_output=True, text=True, check=True)
    first, second = map(float, done.stdout.split())
    assert second > 100 * first > 0


@pytest.mark.parametrize("capital", [float("inf"), "1000"])
def test_capital_is_a_finite_number(ingested, capital):
    with pytest.raises(ZeroCapitalError, match="must be above 0 and finite: give the cash to start with"):
        run_algorithm("2015-01-02", "2015-01-09", capital_base=capital)


def test_a_strategy_is_an_instance(ingested):
    with pytest.raises(InvalidParameter, match=r"strategy is the class Drifting: pass an instance, Drifting\(...\)"):
        run_algorithm("2015-01-02", "2015-01-09", strategy=Drifting)
