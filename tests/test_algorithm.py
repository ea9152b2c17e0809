"""Algorithms made by hand: functions, a script or a derived class, run once. Their numbers: tests/golden/by_hand.py."""

import pandas as pd
import pytest

from rustybt import TradingAlgorithm, api, run_algorithm
from rustybt.algorithm import TradingAlgorithm as WhereUsersLook
from rustybt.calendars import get_calendar
from rustybt.errors import InvalidParameter, InvalidSpan, ScriptError, SidsNotFound, ZeroCapitalError
from rustybt.finance.blotter import Blotter
from rustybt.finance.cancel_policy import EODCancel
from rustybt.finance.rules import rules_of
from rustybt.finance.trading import SimulationParameters
from tests.builders import bars, make_bundle

SCRIPT = """
from rustybt.api import order_target, symbol

def initialize(context):
    context.asset = symbol("A")

def handle_data(context, data):
    order_target(context.asset, shares)

def analyze(context, perf):
    context.seen = len(perf)
"""


@pytest.fixture
def bundle():
    return make_bundle({"A": bars([10.0, 11.0, 12.0]), "B": bars([20.0, 30.0, 15.0])})


def params(first="2020-01-02", last="2020-01-06", **given):
    return SimulationParameters(first, last, get_calendar("XNYS"), **{"capital_base": 10_000.0, **given})


def test_it_is_where_users_look():
    assert WhereUsersLook is TradingAlgorithm


def test_functions_get_the_algorithm_and_what_initialize_is_given(bundle):
    def initialize(context, shares):
        context.asset, context.shares = api.symbol("A"), shares

    def handle_data(context, data):
        api.order_target(context.asset, context.shares)

    algorithm = TradingAlgorithm(params(), bundle, initialize=initialize, handle_data=handle_data, shares=7)
    perf = algorithm.run()
    expected = run_algorithm(
        "2020-01-02", "2020-01-06", initialize_with(7, initialize), 1e4, handle_data, bundle="made"
    )
    pd.testing.assert_frame_equal(perf.drop(columns="orders"), expected.drop(columns="orders"))
    assert algorithm.portfolio.positions[algorithm.asset].amount == 7


def initialize_with(shares, initialize):
    return lambda context: initialize(context, shares)


def test_a_derived_class_is_its_own_context(bundle):
    class Hold(TradingAlgorithm):
        def initialize(self, shares):
            self.asset, self.shares, self.mornings = self.symbol("A"), shares, 0

        def before_trading_start(self, data):
            self.mornings += 1

        def handle_data(self, data):
            self.order_target(self.asset, self.shares)

        def analyze(self, perf):
            self.seen = len(perf)

    algorithm = Hold(params(), bundle, shares=3)
    perf = algorithm.run()
    assert [len(fills) for fills in perf["transactions"]] == [0, 1, 0]
    assert (algorithm.mornings, algorithm.seen) == (3, 3)


def test_a_script_starts_with_the_namespace_that_is_given(bundle):
    algorithm = TradingAlgorithm(params(), bundle, namespace={"shares": 4}, script=SCRIPT)
    assert len(algorithm.run()["positions"].iloc[-1]) == 1
    assert algorithm.seen == 3


def test_a_script_that_is_no_python_names_its_file(bundle):
    with pytest.raises(ScriptError, match=r"mine.py, line 1: invalid syntax"):
        TradingAlgorithm(params(), bundle, script="def f(:", algo_filename="mine.py")


def test_it_runs_once(bundle):
    algorithm = TradingAlgorithm(params(), bundle)
    algorithm.run()
    with pytest.raises(InvalidParameter, match="ran already"):
        algorithm.run()


def test_a_benchmark_is_an_asset_or_a_series_or_nothing(bundle):
    def total(**given):
        return TradingAlgorithm(params(), bundle, **given).run()["benchmark_period_return"].iloc[-1]

    series = pd.Series([0.5], index=[pd.Timestamp("2020-01-03")])
    assert total() == 0
    assert total(benchmark_returns=series) == 0.5
    assert total(benchmark_sid=1) == total(benchmark_sid=bundle.asset_finder.retrieve_asset(1)) == -0.25
    assert total(benchmark_sid=1, benchmark_returns=series) == -0.25
    with pytest.raises(SidsNotFound, match="9"):
        total(benchmark_sid=9)


def test_what_it_is_made_with_can_be_asked(bundle):
    class Book(Blotter):
        pass

    asked = {}

    def initialize(context):
        asked.update(api.get_environment("*"))

    given = params(arena="live")
    algorithm = TradingAlgorithm(
        given,
        bundle,
        initialize=initialize,
        blotter_class=Book,
        cancel_policy=EODCancel(),
        platform="mine",
        trading_calendar="XNYS",
        rules=rules_of(fill_at="open"),
    )
    assert type(algorithm.blotter) is Book
    assert isinstance(algorithm.blotter.cancel_policy, EODCancel)
    algorithm.run()
    assert (asked["platform"], asked["arena"]) == ("mine", "live")
    assert algorithm.sim_params is given
    assert algorithm.trading_calendar.name == "XNYS"
    assert algorithm.data_frequency == "daily"


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"asset_finder": None}, "takes no asset_finder: assets are those of data_portal"),
        ({"get_pipeline_loader": None}, "takes no get_pipeline_loader"),
        ({"script": SCRIPT, "handle_data": print}, "a script was passed together with handle_data"),
        ({"trading_calendar": "XLON"}, "trading_calendar 'XLON' is not that of bundle 'made'"),
        ({"sim_params": SimulationParameters("2020-01-02", "2020-01-06", "XLON")}, "trading_calendar 'XLON' is not"),
        ({"data_portal": "made"}, r"data_portal is 'made', pass a bundle: rustybt.data.bundles.load"),
        ({"metrics_set": "mine"}, "metrics set 'mine' is not registered"),
    ],
)
def test_parts_that_do_not_fit_are_said(bundle, given, message):
    with pytest.raises(InvalidParameter, match=message):
        TradingAlgorithm(**{"sim_params": params(), "data_portal": bundle, **given})


def test_sessions_and_cash_are_checked(bundle):
    with pytest.raises(InvalidSpan, match="start 2020-02-03 is after bundle 'made' ends"):
        TradingAlgorithm(params("2020-02-03", "2020-02-04"), bundle)
    with pytest.raises(ZeroCapitalError, match=r"capital_base 0.0 must be above 0"):
        TradingAlgorithm(params(capital_base=0.0), bundle)
