"""Sets of metrics: what the default names, who is registered, what is none. Their values: tests/golden/by_hand.py."""

import pytest

from rustybt.engine.setup import setup_of
from rustybt.engine.strategy import Hooks
from rustybt.errors import InvalidParameter
from rustybt.finance import metrics
from rustybt.run import simulate
from tests.builders import bars, make_bundle


def perf_of(metrics_set):
    bundle = make_bundle({"A": bars([1.0, 2.0])})
    return simulate(Hooks(), bundle, None, None, 1e5, setup=setup_of(metrics_set=metrics_set)).perf


def test_the_default_set_names_every_column():
    names = [name for metric in metrics.default_metrics() for name in metric.names]
    assert len(names) == len(set(names)) == 35
    assert {*names, "period_open", "period_close"} == {*perf_of("default").columns}


def test_none_leaves_the_sessions_open_and_close():
    assert perf_of("none").columns.tolist() == ["period_open", "period_close"]


def test_one_by_one():
    perf = perf_of([metrics.PNL(), metrics.Columns("sharpe")])
    assert perf.columns.tolist() == ["period_open", "period_close", "pnl", "sharpe"]


def test_ones_own_goes_before_a_standard_column():
    class Pnl:
        def end_of_session(self, packet, ledger, session, session_ix, data_portal):
            packet["daily_perf"]["pnl"] = session_ix
            packet["cumulative_risk_metrics"]["sharpe"] = str(session.date())

    perf = perf_of(metrics.default_metrics() | {Pnl()})
    assert perf["pnl"].tolist() == [0, 1]
    assert perf["sharpe"].tolist() == ["2020-01-02", "2020-01-03"]


def test_a_value_that_some_sessions_lack_is_nan():
    class Odd:
        def end_of_session(self, packet, ledger, session, session_ix, data_portal):
            if session_ix % 2:
                packet["daily_perf"]["odd"] = 1.0

    assert perf_of({Odd()})["odd"].isna().tolist() == [True, False]


def test_sets_are_registered_by_name_and_made_for_every_run():
    made = []

    @metrics.register("mine")
    def mine():
        made.append(1)
        return {metrics.Orders()}

    try:
        assert perf_of("mine").columns.tolist() == perf_of("mine").columns.tolist()
        assert len(made) == 2
        assert metrics.metrics_sets["mine"] is mine
        with pytest.raises(InvalidParameter, match="metrics set 'mine' is already registered: unregister it first"):
            metrics.register("mine", set)
    finally:
        metrics.unregister("mine")
    with pytest.raises(ValueError, match="metrics set 'mine' is not registered: choose one of default, none"):
        metrics.load("mine")
    with pytest.raises(ValueError, match="metrics set 'mine' is not registered"):
        metrics.unregister("mine")


def test_what_is_no_set_is_said():
    with pytest.raises(InvalidParameter, match="metrics_set 5 is neither a name nor a set of metrics"):
        metrics.resolve(5)
    with pytest.raises(InvalidParameter, match=r"the factory of metrics set 'five' is 5: pass a callable"):
        metrics.register("five", 5)
