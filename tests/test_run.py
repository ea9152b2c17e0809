"""What run_algorithm takes besides functions and dates, and what an algorithm may ask about its run."""

import sys

import pandas as pd
import pytest

from rustybt import api, run_algorithm
from rustybt.calendars import get_calendar
from rustybt.engine import extensions
from rustybt.errors import InvalidParameter, ScriptError
from rustybt.finance import metrics
from rustybt.finance.blotter import SimulationBlotter
from rustybt.finance.commission import PerTrade
from rustybt.utils.run_algo import load_extensions
from tests.builders import bars, make_bundle


@pytest.fixture
def run():
    make_bundle({"A": bars([10.0, 11.0, 12.0]), "B": bars([20.0, 30.0, 15.0])})

    def call(initialize=None, handle_data=None, **given):
        return run_algorithm("2020-01-02", "2020-01-06", initialize, 10_000.0, handle_data, bundle="made", **given)

    return call


@pytest.fixture(autouse=True)
def forget_extensions():
    before = set(sys.modules)
    yield
    extensions._loaded.clear()
    for name in {*sys.modules} - before:
        if name.startswith("_extension_"):
            del sys.modules[name]


def test_the_environment(run):
    asked = {}

    def initialize(context):
        asked.update(api.get_environment("*"), default=api.get_environment())
        asked["params"] = context.sim_params
        assert api.get_environment("capital_base") == 10_000.0
        with pytest.raises(InvalidParameter, match=r"'arean' is not a valid field \(did you mean 'arena'\?\)"):
            api.get_environment("arean")

    run(initialize)
    found = asked.pop("params")
    assert {name: str(value) for name, value in asked.items()} == {
        "arena": "backtest",
        "data_frequency": "daily",
        "start": "2020-01-02 14:31:00+00:00",
        "end": "2020-01-06 21:00:00+00:00",
        "capital_base": "10000.0",
        "platform": "rustybt",
        "default": "rustybt",
    }
    assert (found.start_session, found.end_session) == (pd.Timestamp("2020-01-02"), pd.Timestamp("2020-01-06"))
    assert (found.first_open, found.last_close) == (asked["start"], asked["end"])


def test_a_scripts_own_names_do_not_reach_into_the_run(run):
    def initialize(context):
        context.benchmark = api.symbol("B")
        context.metrics = context.rules = context.setup = 5

    assert run(initialize)["benchmark_period_return"].tolist() == [0, 0, 0]


@pytest.mark.parametrize("calendar", ["XNYS", "NYSE", get_calendar("XNYS"), None])
def test_the_bundles_own_calendar_is_accepted(run, calendar):
    assert len(run(trading_calendar=calendar)) == 3


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"trading_calendar": get_calendar("XLON")}, "trading_calendar 'XLON' is not that of bundle 'made'"),
        ({"trading_calendar": 5}, "trading_calendar 5 is not that of bundle 'made'"),
        ({"blotter": "mine"}, "blotter 'mine' is not registered"),
        ({"metrics_set": "mine"}, "metrics set 'mine' is not registered"),
        ({"capital_changes": {"soon": {}}}, "'soon' is no date"),
    ],
)
def test_what_is_none_is_said(run, given, message):
    with pytest.raises(InvalidParameter, match=message):
        run(**given)


def test_metrics_blotter_and_capital_changes(run):
    def handle_data(context, data):
        api.order_target(api.symbol("A"), 10)
        api.record(held=context.portfolio.positions[api.symbol("A")].amount)

    perf = run(
        handle_data=handle_data,
        metrics_set={metrics.Columns("ending_cash", "ending_value")},
        blotter=SimulationBlotter(equity_commission=PerTrade(5.0)),
        capital_changes={"2020-01-06": {"type": "delta", "value": 1000.0}},
    )
    assert perf.columns.tolist() == ["period_open", "period_close", "ending_value", "ending_cash", "held"]
    assert perf["ending_value"].tolist() == [0, 110, 120]
    assert perf["ending_cash"].tolist() == pytest.approx([10_000, 10_000 - 110.055 - 5, 11_000 - 110.055 - 5])


def test_extensions_come_first_and_once(run, data_root, tmp_path, capsys):
    data_root.mkdir(exist_ok=True)
    (data_root / "extension.py").write_text("print('default', __name__)\n")
    (tmp_path / "more.py").write_text("print('more')\n")
    run(extensions=[str(tmp_path / "more.py")])
    assert capsys.readouterr().out == "default _extension_extension\nmore\n"
    run()
    assert capsys.readouterr().out == ""
    load_extensions(True, [], strict=True, reload=True)
    assert capsys.readouterr().out == "default _extension_extension\n"


def test_a_module_is_imported_and_read_again(tmp_path, monkeypatch, capsys):
    (tmp_path / "_extension_module.py").write_text("print('module')\n")
    monkeypatch.syspath_prepend(tmp_path)
    for again in (False, False, True):
        load_extensions(False, ["_extension_module"], strict=True, reload=again)
    assert capsys.readouterr().out == "module\nmodule\n"


def test_an_extension_that_fails_stops_the_run_or_warns(run, tmp_path):
    path = tmp_path / "bad.py"
    path.write_text("1 / 0\n")
    with pytest.raises(ZeroDivisionError):
        run(extensions=[str(path)])
    with pytest.warns(UserWarning, match=r"extension '.*bad.py' failed: ZeroDivisionError: division by zero"):
        run(extensions=[str(path)], strict_extensions=False)
    with pytest.raises(ScriptError, match=r"extension 'none.py' does not exist"):
        run(extensions=["none.py"])


def test_the_default_extension_can_be_left_out(run, data_root, capsys):
    data_root.mkdir(exist_ok=True)
    (data_root / "extension.py").write_text("print('default')\n")
    run(default_extension=False)
    assert capsys.readouterr().out == ""
