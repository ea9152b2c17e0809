"""The golden scripts under corrections and extras: they run to the same end, and the books stay whole."""

import functools

import numpy as np
import pytest

import rustybt
from rustybt.finance.rules import CORRECTIONS
from tests.golden.oracle import run
from tests.golden.test_zipline import HERE, SCRIPTS

EXTRAS = {
    "all extras": {
        "corrections": "all",
        "fill_at": "open",
        "cash": "scale",
        "fractional_shares": True,
        "borrow_rate": 0.03,
        "margin_rate": 0.05,
    },
    "cash rejects": {"cash": "reject", "fill_at": "open"},
}


@pytest.fixture
def run_with(ingested, monkeypatch):
    """Run a script with further arguments of run_algorithm; give the dump."""

    def run_script(script, **extras):
        with monkeypatch.context() as patch:
            patch.setattr(rustybt, "run_algorithm", functools.partial(rustybt.run_algorithm, **extras))
            return run(HERE / "algos" / f"{script}.py", "rustybt")

    return run_script


@pytest.mark.parametrize("script", SCRIPTS)
@pytest.mark.parametrize("extras", EXTRAS.values(), ids=EXTRAS)
def test_every_script_comes_to_its_end(script, extras, run_with):
    if script == "edges_orders" and "corrections" in extras:  # it places an order with a limit of 0
        assert run_with(script, **extras)["error"] == "BadOrderParameters"
        extras = {**extras, "corrections": {*CORRECTIONS} - {"limit_price_zero_rejected"}}
    got = run_with(script, **extras)
    assert got.get("error") == ("TradingControlViolation" if script == "trading_controls" else None)
    if "columns" in got:
        columns = got["columns"]
        worth = [sum(p["amount"] * p["last_sale_price"] for p in day) for day in columns["positions"]]
        np.testing.assert_allclose(np.add(worth, columns["ending_cash"]), columns["portfolio_value"], rtol=1e-9)
        flows = np.cumsum(columns["capital_used"])
        np.testing.assert_allclose(flows + columns["starting_cash"][0], columns["ending_cash"], rtol=1e-9, atol=1e-4)


@pytest.mark.parametrize("correction", CORRECTIONS)
def test_every_correction_runs_alone(correction, run_with):
    for script in ("order_styles", "thin_volume"):
        assert "error" not in run_with(script, corrections={correction})


def test_the_defaults_by_name_are_zipline(run_with):
    by_name = {"corrections": (), "fill_at": "close", "cash": "allow_negative", "fractional_shares": False}
    assert run_with("order_styles") == run_with("order_styles", **by_name, borrow_rate=0.0, margin_rate=0.0)


def test_corrections_of_daily_runs_leave_minute_runs_alone(run_with):
    daily_only = {"no_lookahead_before_trading_start", "eod_cancel_all"}
    assert run_with("minute_bars") == run_with("minute_bars", corrections=daily_only)
