"""What a vector strategy may be, what its method gets and gives, and what only the event tier can do."""

import numpy as np
import pandas as pd
import pytest

from rustybt import Strategy, VectorStrategy, run_algorithm, run_batch
from rustybt.engine.setup import DEFAULT_SETUP, setup_of
from rustybt.engine.strategy import hooks_of
from rustybt.errors import InvalidParameter, RustyBTError, ZeroCapitalError
from rustybt.finance.blotter import Blotter, SimulationBlotter
from rustybt.finance.cancel_policy import EODCancel, NeverCancel
from rustybt.finance.commission import CommissionModel, PerShare, PerTrade
from rustybt.finance.metrics import default_metrics
from rustybt.finance.rules import rules_of
from rustybt.finance.slippage import FixedBasisPointsSlippage, NoSlippage, SlippageModel
from rustybt.run import simulate
from tests.builders import bars, days, make_bundle
from tests.vector_cases import AtBars, at_once, costs


@pytest.fixture(scope="module")
def bundle(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("RUSTYBT_ROOT", str(tmp_path_factory.mktemp("strategies")))
        yield make_bundle({"A": bars([10.0] * 6), "B": bars([20.0] * 6)})


def run(strategy, bundle, setup=DEFAULT_SETUP, capital=1000.0, **options):
    return simulate(hooks_of(strategy), bundle, None, None, capital, setup=setup, **options)


def fills(result):
    return [(fill.asset.symbol, fill.amount, fill.price) for day in result.records.transactions for fill in day]


# Parameters ---------------------------------------------------------------------------------------------------------


def seen_by(decide, **members):
    """Make a strategy of a method and class attributes, call it, and give what the method got."""
    got = []

    def note(self, bars, *args, **params):
        got.append(params)
        return np.full(bars.shape, np.nan)

    return got, type("Noting", (VectorStrategy,), {"orders": decide(note), **members})


def test_the_method_gets_the_parameters_it_names(bundle):
    got, noting = seen_by(
        lambda note: lambda self, bars, fast, slow: note(self, bars, fast=fast, slow=slow), fast=1, slow=2, other=3
    )
    run(noting(), bundle)
    run(noting(slow=5, other=6), bundle)
    assert got == [{"fast": 1, "slow": 2}, {"fast": 1, "slow": 5}]


def test_with_params_it_gets_what_was_passed(bundle):
    got, noting = seen_by(lambda note: lambda self, bars, **params: note(self, bars, **params), fast=1, slow=2)
    run(noting(), bundle)
    run(noting(slow=5), bundle)
    assert got == [{}, {"slow": 5}]


def test_with_both_it_gets_both(bundle):
    got, noting = seen_by(
        lambda note: lambda self, bars, fast, **params: note(self, bars, fast=fast, **params), fast=1, slow=2
    )
    run(noting(slow=5), bundle)
    assert got == [{"fast": 1, "slow": 5}]


def test_a_default_of_the_methods_own_holds(bundle):
    got, noting = seen_by(lambda note: lambda self, bars, fast=7: note(self, bars, fast=fast))
    run(noting(), bundle)
    assert got == [{"fast": 7}]


def test_a_method_may_name_only_keywords(bundle):
    got, noting = seen_by(lambda note: lambda self, bars, *, fast: note(self, bars, fast=fast), fast=4)
    run(noting(), bundle)
    assert got == [{"fast": 4}]


class Forgetful(VectorStrategy):
    weight = 0.5

    def __init__(self, **params):
        self.weight = params.get("weight", 1.0)

    def target_percent(self, bars, weight):
        return np.full(bars.shape, weight)


class ForgetfulAtBars(Strategy):
    def __init__(self, **params):
        self.seen = 0

    def handle_data(self, context, data):
        self.seen += 1


@pytest.mark.parametrize("kind", [Forgetful, ForgetfulAtBars])
def test_an_init_that_leaves_out_the_bases_is_named(bundle, kind):
    said = rf"{kind.__name__}.__init__ does not call super\(\).__init__\(\*\*params\): do so first, or .* initialize"
    with pytest.raises(InvalidParameter, match=said):
        run(kind(), bundle)


def test_an_init_that_leaves_out_the_bases_is_named_in_a_batch_too(bundle):
    with pytest.raises(InvalidParameter, match=r"Forgetful.__init__ does not call super"):
        run_batch(Forgetful, [{"weight": 0.5}], bundle)


def test_a_parameter_that_is_not_declared_is_refused_with_a_suggestion():
    class Fast(VectorStrategy):
        window = 5

        def orders(self, bars, window):
            return np.zeros(bars.shape)

    with pytest.raises(InvalidParameter, match="Fast has no parameter 'windw' .did you mean 'window'.*class attribute"):
        Fast(windw=3)
    for reserved in ("target_percent", "target_shares", "orders", "params", "analyze", "handle_data"):
        with pytest.raises(InvalidParameter, match=f"Fast has no parameter '{reserved}'"):
            Fast(**{reserved: 3})


# Decisions ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("methods", "found"),
    [
        ((), "none"),
        (("orders", "target_shares"), "target_shares and orders"),
        (("target_percent", "orders"), "target_percent and orders"),
    ],
)
def test_a_strategy_has_exactly_one_method(bundle, methods, found):
    strategy = type("Odd", (VectorStrategy,), dict.fromkeys(methods, lambda self, bars: np.zeros(bars.shape)))()
    with pytest.raises(InvalidParameter, match=f"Odd overrides {found} of target_percent.*exactly one"):
        run(strategy, bundle)


@pytest.mark.parametrize("shape", [(6,), (6, 1), (5, 2), (2, 6), (6, 2, 1), ()])
def test_another_shape_is_refused(bundle, shape):
    with pytest.raises(
        InvalidParameter, match=r"AtOnce.orders gave an array of shape \(.*return one of shape \(6, 2\)"
    ):
        run(at_once("orders", np.zeros(shape))(), bundle)


@pytest.mark.parametrize("given", [None, "many", [["a", "b"]] * 6, [[1.0], [1.0, 2.0]], object(), {}])
def test_what_is_no_array_of_numbers_is_refused(bundle, given):
    with pytest.raises(InvalidParameter, match="AtOnce.target_percent gave (no numbers|an array of shape)"):
        run(at_once("target_percent", given)(), bundle)


@pytest.mark.parametrize(
    "given",
    [
        [[3, -2]] + [[0, 0]] * 5,
        np.array([[3, -2]] + [[0, 0]] * 5, dtype=np.int8),
        np.asfortranarray(np.array([[3.0, -2.0]] + [[0.0, 0.0]] * 5)),
        np.array([[3.0, -2.0]] + [[np.nan, np.nan]] * 5, dtype=np.float32),
        pd.DataFrame([[3.0, -2.0]] + [[np.nan, np.nan]] * 5, columns=["A", "B"], index=days(6)),
    ],
)
def test_all_numbers_will_do(bundle, given):
    setup = setup_of(blotter=costs(NoSlippage(), None))
    assert fills(run(at_once("orders", given)(), bundle, setup)) == [("A", 3, 10.0), ("B", -2, 20.0)]


def test_true_is_all_of_it(bundle):
    decisions = np.array([[True, False]] * 6)
    setup = setup_of(blotter=costs(NoSlippage(), None))
    assert fills(run(at_once("target_percent", decisions)(), bundle, setup)) == [("A", 100, 10.0)]


def test_decisions_are_not_written_to_and_may_be_read_only(bundle):
    decisions = np.full((6, 2), 0.25)
    decisions.flags.writeable = False
    run(at_once("target_percent", decisions)(), bundle)


@pytest.mark.parametrize(
    ("kind", "value", "error", "match"),
    [
        ("orders", np.inf, OverflowError, "A at 2020-01-03: the amount to order is infinite"),
        ("target_shares", -np.inf, OverflowError, "A at 2020-01-03: the amount to order is infinite"),
        ("target_percent", np.inf, OverflowError, "A at 2020-01-03: the amount to order is infinite"),
        ("orders", 2e11, OverflowError, "A at 2020-01-03: can't order more than 100000000000 shares"),
        ("target_percent", 1e12, OverflowError, "A at 2020-01-03: can't order more than 100000000000 shares"),
    ],
)
@pytest.mark.parametrize("fractional", [False, True])
def test_an_amount_that_is_no_order_is_an_error_as_bar_by_bar(bundle, kind, value, error, match, fractional):
    decisions = np.full((6, 2), np.nan)
    decisions[1, 0] = value
    setup = setup_of(rules=rules_of(fractional_shares=fractional))
    with pytest.raises(error, match=match):
        run(at_once(kind, decisions)(), bundle, setup)
    with pytest.raises(error):
        run(AtBars(kind, decisions, bundle.asset_finder.equities), bundle, setup)


def test_100_billion_shares_are_an_order(bundle):
    decisions = np.full((6, 2), np.nan)
    decisions[1] = 1e11, -1e15  # of sales, there may be more
    result = run(at_once("orders", decisions)(), bundle)
    assert [order["amount"] for order in result.perf["orders"].iloc[1]] == [10**11, -(10**15)]


# Assets -------------------------------------------------------------------------------------------------------------


def test_assets_are_columns_in_their_order(bundle):
    seen = []

    class Two(VectorStrategy):
        assets = ("b", "A")

        def orders(self, bars):
            seen.append((bars.symbols, bars.close[0].tolist()))
            return np.zeros(bars.shape)

    run(Two(), bundle)
    assert seen == [(("B", "A"), [20.0, 10.0])]


@pytest.mark.parametrize(
    ("assets", "match"),
    [
        (["A", "A"], "twice"),
        ([], "hold none"),
        ([2.5], "asset 2.5 is neither a ticker"),
        ([3], "no asset has sid 3"),
        (["C"], "C"),
    ],
)
def test_assets_that_are_none_are_refused(bundle, assets, match):
    with pytest.raises(RustyBTError, match=match):
        run(at_once("orders", np.zeros((6, len(assets))), assets)(), bundle)


def test_a_stock_dividend_may_add_an_asset_that_is_not_decided_on():
    day = [str(d.date()) for d in days(6)]
    frames = {"A": bars([10.0] * 6), "B": bars([20.0] * 6), "C": bars([5.0] * 6)}
    grants = [("A", "B", day[2], day[3], 0.5), ("B", "C", day[4], day[5], 2.0)]
    bundle = make_bundle(frames, stock_dividends=grants)
    result = run(at_once("orders", [[10.0]] + [[np.nan]] * 5, ["A"])(), bundle)
    held = [(p["sid"].symbol, p["amount"]) for p in result.perf["positions"].iloc[-1]]
    assert held == [("A", 10), ("B", 5), ("C", 10)]


# What only the event tier can do ------------------------------------------------------------------------------------


class Half(SlippageModel):
    def process_order(self, data, order):
        return 1.0, order.open_amount


class HalfDefault(FixedBasisPointsSlippage):
    def process_order(self, data, order):
        return super().process_order(data, order)


class Flat(CommissionModel):
    def calculate(self, order, transaction):
        return 1.0


@pytest.mark.parametrize("model", [Half(), HalfDefault()])
@pytest.mark.parametrize("by", ["class", "setup"])
def test_slippage_in_python_is_refused(bundle, model, by):
    members = {"slippage": model} if by == "class" else {}
    setup = setup_of(blotter=costs(model if by == "setup" else None, None))
    text = "written in Python.*NoSlippage, FixedSlippage, FixedBasisPointsSlippage, VolumeShareSlippage.*handle_data"
    strategy = at_once("orders", np.zeros((6, 2)), **members)
    with pytest.raises(InvalidParameter, match=f"slippage {type(model).__name__} is {text}"):
        run(strategy(), bundle, setup)
    with pytest.raises(InvalidParameter, match=f"slippage {type(model).__name__}"):
        run_batch(strategy, [{}], bundle, setup=setup)


def test_commission_in_python_is_refused(bundle):
    with pytest.raises(
        InvalidParameter, match="commission Flat is written in Python.*NoCommission, PerShare, PerTrade, PerDollar"
    ):
        run(at_once("orders", np.zeros((6, 2)), commission=Flat())(), bundle)


def test_a_strategys_own_costs_go_before_the_runs(bundle):
    setup = setup_of(blotter=costs(NoSlippage(), PerTrade(7.0)))
    own = at_once("orders", [[1.0, 0.0]] + [[0.0, 0.0]] * 5, commission=PerShare(2.0))
    (fill,) = [fill for day in run(own(), bundle, setup).records.transactions for fill in day]
    assert (fill.price, fill.commission) == (10.0, 2.0)


class OwnBook(Blotter):
    pass


class Hooked:
    def end_of_session(self, packet, ledger, session, session_ix, data_portal):
        packet["daily_perf"]["x"] = 1


@pytest.mark.parametrize(
    ("setup", "match"),
    [
        ({"capital_changes": {"2020-01-06": {"type": "delta", "value": 10.0}}}, "capital_changes"),
        ({"metrics_set": default_metrics() | {Hooked()}}, "metrics of one's own"),
        ({"blotter": OwnBook}, "the order book OwnBook"),
        ({"blotter": SimulationBlotter(cancel_policy=EODCancel())}, "the cancel policy EODCancel"),
    ],
)
def test_extras_that_need_bars_are_refused(bundle, setup, match):
    strategy = at_once("orders", np.zeros((6, 2)))
    with pytest.raises(InvalidParameter, match=f"{match}.*a vector strategy cannot have it, write"):
        run(strategy(), bundle, setup_of(**setup))
    with pytest.raises(InvalidParameter, match=match):
        run_batch(strategy, [{}], bundle, setup=setup_of(**setup))


def test_a_policy_that_never_cancels_is_none(bundle):
    run(at_once("orders", np.zeros((6, 2)))(), bundle, setup_of(blotter=SimulationBlotter(cancel_policy=NeverCancel())))


def test_minutes_are_refused(bundle):
    with pytest.raises(InvalidParameter, match="a vector strategy decides on daily bars.*handle_data"):
        run(at_once("orders", np.zeros((6, 2)))(), bundle, data_frequency="minute")


@pytest.mark.parametrize("capital", [0.0, -1.0, np.nan, np.inf])
def test_capital_is_above_nothing(bundle, capital):
    strategy = at_once("orders", np.zeros((6, 2)))
    with pytest.raises(ZeroCapitalError):
        run(strategy(), bundle, capital=capital)
    with pytest.raises(ZeroCapitalError):
        run_batch(strategy, [{}], bundle, capital_base=capital)


def test_the_metrics_sets_columns_are_the_frames(bundle):
    strategy = at_once("orders", np.zeros((6, 2)))
    assert run(strategy(), bundle, setup_of(metrics_set="none")).perf.columns.tolist() == [
        "period_open",
        "period_close",
    ]


def test_what_would_never_be_called_is_refused(bundle):
    class Chatty(VectorStrategy):
        def orders(self, bars):
            return np.zeros(bars.shape)

        def handle_data(self, context, data):
            raise AssertionError

        before_trading_start = initialize = handle_data

    with pytest.raises(InvalidParameter, match="Chatty overrides initialize and handle_data and before_trading"):
        run(Chatty(), bundle)
    with pytest.raises(InvalidParameter, match="which nothing calls in a vector strategy.*derive from Strategy"):
        run_batch(Chatty, [{}], bundle)


def test_a_class_in_the_place_of_a_strategy_is_refused(ingested):
    with pytest.raises(InvalidParameter, match="strategy is the class AtOnce: pass an instance"):
        run_algorithm("2020-01-02", "2020-01-10", strategy=at_once("orders", None))
    assert issubclass(VectorStrategy, Strategy)
