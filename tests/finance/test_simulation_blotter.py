"""Which order book a run has: costs and cancel policy given outside of the algorithm, or a class of one's own."""

import pytest

from rustybt import api, extensions
from rustybt.engine.setup import setup_of
from rustybt.engine.strategy import Hooks
from rustybt.errors import InvalidParameter
from rustybt.finance.blotter import Blotter, SimulationBlotter, blotter_of
from rustybt.finance.cancel_policy import EODCancel
from rustybt.finance.commission import NoCommission, PerTrade
from rustybt.finance.slippage import FixedSlippage, NoSlippage
from rustybt.run import simulate
from tests.builders import bars, make_bundle


def run(blotter, initialize=None, volume=1_000_000):
    def handle_data(context, data):
        if context.get_datetime().day == 2:
            context.first, context.second = api.order(api.symbol("A"), 100), api.order(api.symbol("A"), 50)

    bundle = make_bundle({"A": bars([10.0, 10.0, 10.0], volume=volume)})
    return simulate(Hooks(initialize, handle_data), bundle, None, None, 1e4, setup=setup_of(blotter=blotter))


def test_costs_are_those_of_the_blotter_unless_the_algorithm_sets_others():
    blotter = SimulationBlotter(equity_slippage=FixedSlippage(1.0), equity_commission=PerTrade(3.0))
    assert run(blotter).portfolio_value[-1] == 1e4 - 150 * 0.5 - 6
    assert run(blotter, lambda context: api.set_commission(NoCommission())).portfolio_value[-1] == 1e4 - 150 * 0.5


def test_one_blotter_serves_many_runs():
    blotter = SimulationBlotter(equity_slippage=NoSlippage())
    first, second = run(blotter), run(blotter)
    assert first.portfolio_value.tolist() == second.portfolio_value.tolist()
    assert len(first.transactions) == len(second.transactions) == 2


def test_a_cancel_policy_cancels_the_first_of_two_orders_at_the_days_end(caplog):
    assert run("default").transactions["amount"].tolist() == [100, 50]
    assert run(SimulationBlotter(cancel_policy=EODCancel())).transactions["amount"].tolist() == [50]
    assert "Your order for 100 shares of A was canceled" in caplog.text


class Halved(Blotter):
    def place(self, asset, amount, style, now, bracket=None):
        return super().place(asset, amount // 2, style, now, bracket)


@pytest.mark.parametrize("blotter", [Halved, SimulationBlotter(book=Halved)])
def test_a_class_of_ones_own(blotter):
    assert run(blotter).transactions["amount"].tolist() == [50, 25]


def test_a_blotter_by_name():
    @extensions.register(Blotter, "halved")
    def halved():
        return Halved

    try:
        assert run("halved").transactions["amount"].tolist() == [50, 25]
        assert extensions.load(Blotter, "halved") is Halved
    finally:
        extensions.unregister(Blotter, "halved")
    with pytest.raises(InvalidParameter, match="blotter 'halved' is not registered: choose one of default"):
        run("halved")


def test_nothing_else_is_registered():
    with pytest.raises(
        InvalidParameter, match="nothing is registered for <class 'dict'>: pass rustybt.finance.blotter"
    ):
        extensions.register(dict, "mine", dict)


@pytest.mark.parametrize("blotter", [5, dict, None])
def test_what_is_no_blotter_is_said(blotter):
    with pytest.raises(InvalidParameter, match="is no order book: pass 'default', a registered name"):
        blotter_of(blotter)
