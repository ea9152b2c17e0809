"""A minute run: fills within the day, prices over a night, what a session sees before its first minute."""

import math

import numpy as np
import pandas as pd
import pytest

from rustybt import api
from rustybt.data import bundles
from rustybt.engine.strategy import Hooks
from rustybt.errors import HistoryWindowStartsBeforeData, NoMinuteBars
from rustybt.finance.cancel_policy import EODCancel
from rustybt.finance.commission import NoCommission
from rustybt.finance.slippage import FixedBasisPointsSlippage, NoSlippage
from rustybt.run import simulate
from tests.builders import bars, make_bundle

MINUTES = pd.DatetimeIndex(
    [
        *pd.date_range("2020-01-02 14:31", periods=390, freq="min"),
        *pd.date_range("2020-01-03 14:31", periods=390, freq="min"),
    ],
    tz="UTC",
)


def ingest_minutes(closes, volume=1000, splits=()):
    """One asset's minutes of two sessions; closes is a float an element, NaN for a minute without a bar."""
    frame = pd.DataFrame({name: closes for name in ("open", "high", "low", "close")}, index=MINUTES[: len(closes)])
    frame["volume"] = np.where(np.isnan(closes), 0, volume)

    def ingest(
        environ, asset_db_writer, minute_bar_writer, daily_bar_writer, adjustment_writer, calendar, start_session,
        end_session, cache, show_progress, output_dir,
    ):  # fmt: skip
        days = pd.to_datetime(["2020-01-02", "2020-01-03"])
        asset_db_writer.write(
            equities=pd.DataFrame(
                {"symbol": ["A"], "start_date": days[:1], "end_date": days[1:], "exchange": ["NYSE"]}
            ),
            exchanges=pd.DataFrame([{"exchange": "NYSE", "canonical_name": "NYSE", "country_code": "US"}]),
        )
        minute_bar_writer.write([(0, frame.dropna())])
        rows = [{"sid": 0, "effective_date": pd.Timestamp(day), "ratio": ratio} for day, ratio in splits]
        adjustment_writer.write(splits=pd.DataFrame(rows) if rows else None)

    bundles.register("minutes-made", ingest, calendar_name="XNYS", start_session="2020-01-02", end_session="2020-01-03")
    try:
        bundles.ingest("minutes-made", show_progress=False)
    finally:
        bundles.unregister("minutes-made")
    return bundles.load("minutes-made")


def run(bundle, at_minute, slippage=None, policy=None, before=None):
    """Call at_minute[n](context, data) at the n-th minute of the run; return the result and the calls' values."""
    seen = []

    def initialize(context):
        context.n = 0
        api.set_slippage(slippage or NoSlippage())
        api.set_commission(NoCommission())
        if policy:
            api.set_cancel_policy(policy)

    def handle_data(context, data):
        if context.n in at_minute:
            seen.append(at_minute[context.n](context, data))
        context.n += 1

    def before_trading_start(context, data):
        seen.append(before(context, data))

    hooks = Hooks(initialize, handle_data, before_trading_start if before else None)
    return simulate(hooks, bundle, None, None, 1e6, data_frequency="minute"), seen


def a():
    return api.symbol("A")


RISING = np.arange(780) / 100 + 10


def test_an_order_fills_at_the_next_minute():
    result, _ = run(ingest_minutes(RISING), {5: lambda c, d: api.order(a(), 100)})
    (fill,) = result.records.transactions[0]
    assert (fill.amount, fill.price, fill.dt) == (100, pytest.approx(RISING[6]), MINUTES[6])
    assert len(result.perf) == 2


def test_volume_limits_hold_for_a_minute():
    slippage = FixedBasisPointsSlippage(0, 0.1)
    result, _ = run(ingest_minutes(RISING, volume=1000), {0: lambda c, d: api.order(a(), 250)}, slippage)
    assert [fill.amount for fill in result.records.transactions[0]] == [100, 100, 50]


def test_what_is_open_at_the_end_of_the_day_is_cancelled_and_not_filled_the_next():
    steps = {0: lambda c, d: api.order(a(), 10, limit_price=1.0), 400: lambda c, d: api.get_open_orders()}
    result, seen = run(ingest_minutes(RISING), steps, policy=EODCancel(warn_on_cancel=False))
    assert seen[1] == {}
    assert result.perf["orders"].iloc[0][0]["status"] == 2


def test_a_price_filled_forward_over_a_night_is_adjusted_for_its_split():
    closes = np.r_[np.full(390, 20.0), np.full(390, np.nan)]
    closes[395] = 10.5
    bundle = ingest_minutes(closes, splits=[("2020-01-03", 0.5)])

    def look(context, data):
        return (
            data.current(a(), "price"),
            data.current(a(), "close"),
            data.current(a(), "last_traded"),
            data.is_stale(a()),
        )

    _, seen = run(bundle, {392: look, 396: look})
    assert seen[0][0] == 10.0
    assert math.isnan(seen[0][1])
    assert seen[0][2:] == (MINUTES[389], True)
    assert seen[1] == (10.5, pytest.approx(math.nan, nan_ok=True), MINUTES[395], True)


def test_windows_of_minutes_cross_the_night_and_its_split():
    closes = np.r_[np.full(390, 20.0), np.full(390, 10.0)]
    bundle = ingest_minutes(closes, splits=[("2020-01-03", 0.5)])

    def look(context, data):
        return data.history(a(), "close", 4, "1m").tolist(), data.history(a(), "volume", 4, "1m").tolist()

    _, seen = run(bundle, {391: look})
    assert seen == [([10.0] * 4, [2000.0, 2000.0, 1000.0, 1000.0])]


def test_windows_of_sessions_end_with_the_day_so_far():
    def look(context, data):
        return [data.history(a(), field, 2, "1d").tolist() for field in ("open", "high", "low", "close", "volume")]

    _, seen = run(ingest_minutes(RISING), {399: look})
    opens, highs, lows, closes, volumes = seen[0]
    assert (opens[0], highs[0], lows[0], closes[0], volumes[0]) == (10.0, 13.89, 10.0, 13.89, 390_000)
    assert (opens[1], lows[1], volumes[1]) == (13.9, 13.9, 10_000)
    assert highs[1] == closes[1] == pytest.approx(13.99)


def test_before_the_open_a_strategy_sees_yesterday_adjusted_over_the_night():
    closes = np.r_[np.full(390, 20.0), np.full(390, 10.0)]
    bundle = ingest_minutes(closes, splits=[("2020-01-03", 0.5)])

    def before(context, data):
        now = api.get_datetime("America/New_York")
        if now.day == 2:
            with pytest.raises(HistoryWindowStartsBeforeData):
                data.history(a(), "close", 1, "1m")
            return data.can_trade(a())
        window = data.history(a(), "close", 2, "1m").tolist()
        return str(now.time()), data.current(a(), "price"), data.current(a(), "volume"), window, context.portfolio.cash

    _, seen = run(bundle, {}, before=before)
    assert seen == [False, ("08:45:00", 10.0, 2000.0, [10.0, 10.0], 1e6)]


def test_minutes_asked_of_a_daily_bundle_are_refused():
    with pytest.raises(NoMinuteBars, match="bundle 'made' has no minute bars: ingest them, or run with data_frequency"):
        simulate(Hooks(), make_bundle({"A": bars([1.0, 2.0])}), None, None, 1e5, data_frequency="minute")


def test_a_bundle_of_minutes_runs_daily_too():
    seen = []
    hooks = Hooks(handle_data=lambda c, d: seen.append(d.current(a(), "close")))
    simulate(hooks, ingest_minutes(RISING), None, None, 1e5)
    assert seen == [pytest.approx(13.89), pytest.approx(17.79)]
