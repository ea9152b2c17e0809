"""Corrections and extras reach every backtest of an optimization, in any process."""

import pytest
from pandas.testing import assert_frame_equal

from rustybt import Optimizer
from rustybt.errors import InvalidParameter
from rustybt.finance.rules import rules_of
from tests.optimization.strategies import SPAN, Crossover

RULES = rules_of("all", fill_at="open", cash="scale", fractional_shares=True, borrow_rate=0.02, margin_rate=0.05)


def test_rules_change_the_trials_and_are_the_same_in_workers(market):
    plain = Optimizer(strategy_class=Crossover, **SPAN).run()
    options = {"rules": RULES, "result_cache": False, **SPAN}
    serial, shared = (Optimizer(strategy_class=Crossover, num_workers=n, **options).run() for n in (1, 2))
    assert_frame_equal(
        serial.trials.drop(columns=["seconds", "worker"]),
        shared.trials.drop(columns=["seconds", "worker"]),
        check_exact=True,
    )
    assert set(serial.trials["status"]) == {"complete"}
    assert (serial.trials["total_return"] != plain.trials["total_return"]).all()


def test_the_best_trial_is_run_again_under_its_rules(market):
    best = Optimizer(strategy_class=Crossover, rules=RULES, **SPAN).run().best
    assert (best.trades["shares"] % 1 != 0).any()


def test_what_are_no_rules_is_refused():
    with pytest.raises(InvalidParameter, match=r"rules .'all'. are none: make them with"):
        Optimizer(strategy_class=Crossover, rules={"all"}, **SPAN)
