"""Runs strung together are one run, in every figure."""

import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rustybt import Strategy, VectorStrategy
from rustybt.data.portal import portal_of
from rustybt.engine.capital_changes import capital_changes_of
from rustybt.engine.setup import Setup
from rustybt.engine.span import Span
from rustybt.engine.strategy import hooks_of
from rustybt.errors import InvalidParameter
from rustybt.finance.commission import PerDollar
from rustybt.finance.rules import rules_of
from rustybt.finance.slippage import NoSlippage
from rustybt.results.metrics import compute_metrics
from rustybt.results.stitched import Piece, cash_piece, piece_of, stitched
from rustybt.run import simulate_span
from tests.builders import bars, days, make_bundle
from tests.oracles import metrics as oracle
from tests.results.test_metrics import run_of

DAY = 86_400 * 10**9


class Hold(Strategy):
    shares = 100

    def initialize(self, context):
        context.set_slippage(NoSlippage())
        context.set_commission(PerDollar(0.01))

    def handle_data(self, context, data):
        context.order_target(context.sid(0), self.shares)


@pytest.fixture
def portal():
    return portal_of(make_bundle({"A": bars([10.0, 10.0, 12.0, 10.0, 10.0, 15.0, 20.0, 10.0, 10.0, 5.0])}))


def run(portal, first, last, strategy=None, setup=None, capital=10_000.0):
    return simulate_span(hooks_of(strategy or Hold()), portal, Span(first, last), capital, setup=setup or Setup())


def bits(metrics):
    return {name: np.float64(value).tobytes() for name, value in metrics.items()}


def pieces(returns, capital=100.0, first=0):
    """Give a piece without trades of given returns."""
    sessions = (first + np.arange(len(returns))) * DAY
    return Piece(sessions, run_of(returns, leverage=0.5, capital=capital), capital)


# By hand ------------------------------------------------------------------------------------------------------------


def test_two_runs_by_hand(portal):
    """100 shares at 10, 1% of commission: 9,990 after the fill, 10,190 at 12; then W/C = 1.019 for 10, 10, 15, 20."""
    both = stitched([run(portal, 0, 2), run(portal, 3, 6)])
    scale = 1.019
    first, second = [10_000.0, 9_990.0, 10_190.0], [10_000.0, 9_990.0, 10_490.0, 10_990.0]
    assert both.portfolio_value == pytest.approx([*first, *(scale * value for value in second)])
    assert both.equity.index.tolist() == days(7).tolist()
    assert both.transactions["session"].tolist() == [1, 4]
    assert both.transactions["amount"] == pytest.approx([100.0, 101.9])
    assert both.transactions["price"].tolist() == [10.0, 10.0]
    assert both.piece.tolist() == [0, 0, 0, 1, 1, 1, 1]
    metrics = both.metrics
    assert metrics["ending_value"] == pytest.approx(scale * 10_990)
    assert metrics["pnl"] == pytest.approx(scale * 10_990 - 10_000)
    assert metrics["commission"] == pytest.approx(10 + 10 * scale)
    assert metrics["open_trades"] == 2
    assert metrics["time_in_market"] == pytest.approx(5 / 7)
    trades = both.trades
    assert trades["symbol"].tolist() == ["A", "A"]
    assert trades["entry"].tolist() == [days(7)[1], days(7)[4]]
    assert trades["exit"].isna().all()
    assert trades["pnl"].tolist() == pytest.approx([200 - 10, scale * (1000 - 10)])
    assert trades["return"].tolist() == pytest.approx([0.19, 0.99])


def test_a_trade_that_closes_is_counted_in_the_sessions_of_the_whole(portal):
    class Out(Hold):
        def handle_data(self, context, data):
            context.order_target(context.sid(0), 0 if context.portfolio.positions else 100)

    both = stitched([run(portal, 0, 2), run(portal, 5, 8, Out())])
    closed = both.round_trips[~both.round_trips["is_open"]]
    assert (closed["entry_session"].tolist(), closed["exit_session"].tolist()) == ([4], [5])
    assert closed["bars_held"].tolist() == [1]
    assert both.sessions[4] == days(8)[6]


def test_a_gap_is_no_time(portal):
    near, far = stitched([run(portal, 0, 2), run(portal, 3, 4)]), stitched([run(portal, 0, 2), run(portal, 7, 8)])
    assert near.returns.tolist() == far.returns.tolist()
    assert near.metrics["annual_return"] == far.metrics["annual_return"]
    assert far.sessions[-1] == days(9)[8]


def test_runs_of_different_capital(portal):
    small = run(portal, 3, 6, Hold(shares=10), capital=1_000.0)
    assert stitched([run(portal, 0, 2), small]).portfolio_value == pytest.approx(
        stitched([run(portal, 0, 2), run(portal, 3, 6)]).portfolio_value
    )


def test_capital_from_outside_is_no_gain(portal):
    changes = capital_changes_of({str(days(6)[4].date()): {"type": "delta", "value": 1_000.0}})
    setup = Setup(capital_changes=changes)
    both = stitched([run(portal, 0, 2), run(portal, 3, 6, setup=setup)])
    plain = stitched([run(portal, 0, 2), run(portal, 3, 6)])
    assert both.metrics["ending_value"] == pytest.approx(plain.metrics["ending_value"] + 1_019)
    assert both.metrics["pnl"] == pytest.approx(plain.metrics["pnl"])


def test_cash_between_runs_returns_nothing(portal):
    benchmark = np.array([0.01, -0.02])
    idle = cash_piece(portal.session_ns[3:5], 777.0, benchmark)
    whole = stitched([run(portal, 0, 2), idle, run(portal, 5, 6)])
    assert whole.returns[3:5].tolist() == [0.0, 0.0]
    assert whole.portfolio_value[3:5].tolist() == [whole.portfolio_value[2]] * 2
    assert whole.benchmark_returns[3:5].tolist() == [0.01, -0.02]
    assert whole.gross_leverage[3:5].tolist() == [0.0, 0.0]


def test_cash_at_first_hands_its_capital_on(portal):
    whole = stitched([cash_piece(portal.session_ns[:2], 5_000.0), run(portal, 3, 4)])
    assert whole.portfolio_value == pytest.approx([5_000, 5_000, 5_000, 4_995])
    assert whole.metrics["pnl"] == pytest.approx(-5)


def test_an_account_without_money_trades_no_more(portal):
    lost = pieces([0.5, -1.0], first=0)
    after = run(portal, 3, 6)
    whole = stitched([lost, after])
    assert whole.portfolio_value.tolist() == [150.0, 0.0, 0.0, 0.0, 0.0, 0.0]
    assert whole.returns.tolist() == [0.5, -1.0, 0.0, 0.0, 0.0, 0.0]
    assert (whole.metrics["fills"], whole.metrics["total_return"]) == (0.0, -1.0)
    debt = stitched([pieces([-1.5]), after])
    assert debt.portfolio_value.tolist() == [-50.0] * 5
    assert len(debt.round_trips) == 0


# One run alone ------------------------------------------------------------------------------------------------------


class Weights(VectorStrategy):
    def target_percent(self, bars):
        return np.resize([0.5, 0.9, 0.0, 0.3, -0.2], bars.shape[0])[:, None] * np.ones(bars.shape)


@pytest.mark.parametrize("strategy", [Hold(), Weights(), Strategy()])
@pytest.mark.parametrize("rules", [{}, {"borrow_rate": 0.03, "margin_rate": 0.05, "fractional_shares": True}])
def test_one_run_alone_is_itself_to_the_last_bit(portal, strategy, rules):
    alone = run(portal, 1, 9, strategy, Setup(rules=rules_of((), **rules)))
    whole = stitched([alone])
    assert bits(whole.metrics) == bits(alone.metrics)
    assert whole.transactions.tobytes() == alone.transactions.tobytes()
    assert whole.round_trips.tobytes() == alone.round_trips.tobytes()
    pd.testing.assert_frame_equal(whole.trades, alone.trades)
    assert whole.sessions.tolist() == days(10).tolist()[1:]


def test_one_run_with_capital_from_outside_is_itself(portal):
    changes = capital_changes_of({str(days(6)[4].date()): {"type": "target", "value": 1_234.5}})
    alone = run(portal, 0, 9, setup=Setup(capital_changes=changes))
    assert bits(stitched([alone]).metrics) == bits(alone.metrics)


def test_a_piece_is_its_run(portal):
    first, second = run(portal, 0, 2), run(portal, 3, 6)
    by_runs, by_pieces = stitched([first, second]), stitched([piece_of(first), piece_of(second)], {0: "A"})
    assert bits(by_runs.metrics) == bits(by_pieces.metrics)
    pd.testing.assert_frame_equal(by_runs.trades, by_pieces.trades)
    assert stitched([piece_of(first)]).trades["symbol"].tolist() == ["0"]


def test_the_runs_stay_as_they_are(portal):
    first, second = run(portal, 0, 2), run(portal, 3, 6)
    before = second.transactions.tobytes(), second.round_trips.tobytes(), second.portfolio_value.tobytes()
    stitched([first, second])
    assert (second.transactions.tobytes(), second.round_trips.tobytes(), second.portfolio_value.tobytes()) == before


# A run in two halves ------------------------------------------------------------------------------------------------

weights = st.lists(st.sampled_from([0.0, 0.3, 0.9, 1.4, -0.5, math.nan]), min_size=1, max_size=8)


@pytest.fixture(scope="module")
def waves(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("RUSTYBT_ROOT", str(tmp_path_factory.mktemp("root")))
        rng = np.random.default_rng(1)
        closes = {name: (50 * np.exp(rng.normal(0, 0.03, 30).cumsum())).round(3).tolist() for name in "AB"}
        return portal_of(make_bundle({name: bars(values) for name, values in closes.items()}))


@given(first=weights, second=weights)
def test_a_run_that_is_in_cash_between_its_halves_is_both_of_them(waves, first, second):
    """Fractions of shares and costs in proportion: nothing depends on the account's size."""
    plans = [np.array([*plan, 0.0, 0.0]) for plan in (first, second)]
    sizes = [len(plan) for plan in plans]

    def result(begin, plan):
        class Planned(VectorStrategy):
            slippage, commission = NoSlippage(), PerDollar(0.002)

            def target_percent(self, bars):
                return np.outer(plan, [1.0, -0.4])

        rules = rules_of(["full_precision_prices"], fractional_shares=True, borrow_rate=0.1, margin_rate=0.2)
        setup = Setup(rules=rules)
        return simulate_span(hooks_of(Planned()), waves, Span(begin, begin + len(plan) - 1), 10_000.0, setup=setup)

    whole = result(0, np.concatenate(plans))
    halves = stitched([result(0, plans[0]), result(sizes[0], plans[1])])
    for name in ("returns", "portfolio_value", "gross_leverage"):
        assert getattr(halves, name) == pytest.approx(getattr(whole, name), rel=1e-9, abs=1e-9)
    for table, names in (
        (("transactions", ("session", "sid", "amount", "price", "commission", "dt_ns"))),
        (("round_trips", whole.round_trips.dtype.names)),
    ):
        for name in names:
            left, right = getattr(halves, table)[name], getattr(whole, table)[name]
            assert left == pytest.approx(right, rel=1e-9, abs=1e-6, nan_ok=True), (table, name)
    assert halves.metrics == pytest.approx(whole.metrics, rel=1e-7, abs=1e-7, nan_ok=True)


# The returns ---------------------------------------------------------------------------------------------------------

series = st.lists(st.floats(-0.2, 0.25, allow_subnormal=False), min_size=1, max_size=12)


@given(st.lists(series, min_size=1, max_size=6), st.floats(1.0, 1e7))
def test_metrics_are_those_of_all_returns_together(parts, capital):
    begins = np.cumsum([0, *(len(part) + 1 for part in parts)])
    runs = [pieces(part, capital * (k + 1), int(begins[k])) for k, part in enumerate(parts)]
    whole, returns = stitched(runs), [value for part in parts for value in part]
    metrics = whole.metrics
    assert metrics["total_return"] == pytest.approx(oracle.total_return(returns), abs=1e-12)
    assert metrics["max_drawdown"] == pytest.approx(oracle.max_drawdown(returns), abs=1e-12)
    assert metrics["ending_value"] == pytest.approx(capital * (1 + oracle.total_return(returns)))
    if len(returns) > 1 and max(returns) - min(returns) > 1e-3:
        assert metrics["sharpe"] == pytest.approx(oracle.sharpe(returns), rel=1e-9)
        assert metrics["kurtosis"] == pytest.approx(oracle.kurtosis(returns), rel=1e-6)
    of_returns = compute_metrics(run_of(returns, leverage=0.5))
    assert bits({name: metrics[name] for name in RETURN_METRICS}) == bits({n: of_returns[n] for n in RETURN_METRICS})


RETURN_METRICS = (
    "total_return annual_return annual_volatility sharpe sortino downside_risk calmar omega max_drawdown stability "
    "max_drawdown_duration tail_ratio skew psr value_at_risk_95 cvar_95 best_day worst_day win_rate_days"
).split()


# Errors -------------------------------------------------------------------------------------------------------------


def test_nothing_to_string_together():
    for runs in ([], [cash_piece(np.array([], dtype=np.int64))]):
        with pytest.raises(InvalidParameter, match="runs is empty, or one of them has no session"):
            stitched(runs)


def test_runs_must_be_in_time_and_share_no_session(portal):
    for spans in ([(0, 3), (3, 5)], [(4, 5), (0, 2)]):
        with pytest.raises(InvalidParameter, match="a run begins at 2020-01-0., not after 2020-01-0., where the one"):
            stitched([run(portal, *span) for span in spans])
