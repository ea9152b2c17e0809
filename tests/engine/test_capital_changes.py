"""Cash from outside: when it comes, what it does not count as, and what is no capital change.

What it makes of the perf frame is held to Zipline's numbers in tests/golden/test_by_hand.py.
"""

import warnings

import pandas as pd
import pytest

from rustybt import api
from rustybt.engine.setup import setup_of
from rustybt.engine.strategy import Hooks
from rustybt.errors import InvalidParameter
from rustybt.finance.commission import NoCommission
from rustybt.finance.slippage import NoSlippage
from rustybt.run import simulate
from tests.builders import bars, make_bundle


def run(changes, closes=(10.0, 11.0, 12.0, 13.0), hold=100):
    def initialize(context):
        api.set_slippage(NoSlippage())
        api.set_commission(NoCommission())

    def handle_data(context, data):
        api.order_target(api.symbol("A"), hold)

    bundle = make_bundle({"A": bars(closes)})
    return simulate(
        Hooks(initialize, handle_data), bundle, None, None, 10_000.0, setup=setup_of(capital_changes=changes)
    )


def test_a_delta_is_neither_gain_nor_cash_flow_nor_return():
    plain, changed = run({}), run({"2020-01-06": {"type": "delta", "value": 5000}})
    assert (changed.portfolio_value - plain.portfolio_value).tolist() == [0, 0, 5000, 5000]
    for column in ("pnl", "capital_used"):
        assert changed.perf[column].tolist() == plain.perf[column].tolist()
    assert changed.perf["starting_cash"].tolist() == [10_000, 10_000, 13_900, 13_900]
    assert changed.returns[2] == pytest.approx(100 / 15_000)
    assert changed.metrics["pnl"] == plain.metrics["pnl"] == 200


def test_a_target_is_of_the_value_at_the_last_close():
    changed = run({"2020-01-07": {"type": "target", "value": 1000.0}})
    assert changed.portfolio_value.tolist() == [10_000, 10_000, 10_100, 1100]


def test_moments_may_have_a_zone_or_none():
    east = pd.Timestamp("2020-01-05 19:00", tz="America/New_York")
    results = [
        run({when: {"type": "delta", "value": 5.0}}) for when in ("2020-01-06", pd.Timestamp("2020-01-06"), east)
    ]
    assert {tuple(result.portfolio_value) for result in results} == {(10_000, 10_000, 10_105, 10_205)}


@pytest.mark.parametrize("when", ["2020-01-04", "2020-01-06 21:00"])
def test_a_moment_at_which_nothing_happens_is_warned_of(when):
    with pytest.warns(UserWarning, match=f"capital change at {when}.* has no effect: no session is labelled so$"):
        result = run({when: {"type": "delta", "value": 5.0}})
    assert result.portfolio_value[-1] == 10_200


def test_what_lies_outside_of_the_run_is_another_runs():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        run({when: {"type": "delta", "value": 5.0} for when in ("2019-12-31", "2020-02-03")})


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"soon": {"type": "delta", "value": 5.0}}, "'soon' is no date"),
        ({None: {"type": "delta", "value": 5.0}}, "None is no date"),
        ({"2020-01-06": 5000.0}, r"at 2020-01-06 is 5000.0, write it as \{'type': 'delta'"),
        ({"2020-01-06": {"type": "delta"}}, "at 2020-01-06 is .*, write it as"),
        ({"2020-01-06": {"type": "dleta", "value": 5.0}}, r"the type is 'dleta' \(did you mean 'delta'\?\)"),
        ({"2020-01-06": {"type": "delta", "value": float("nan")}}, "the value is nan, pass a finite number"),
        ({"2020-01-06": {"type": "delta", "value": "5"}}, "the value is '5', pass a finite number"),
        ({"2020-01-06": {"type": "delta", "value": True}}, "the value is True, pass a finite number"),
    ],
)
def test_what_is_no_capital_change_is_said(changes, message):
    with pytest.raises(InvalidParameter, match=message):
        setup_of(capital_changes=changes)
