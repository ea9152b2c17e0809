"""Appending by an ingest function of the user's: its sids, its sessions, its symbols, and the time of the version."""

import numpy as np
import pandas as pd
import pytest

from rustybt.data import bundles
from rustybt.errors import BadData, InvalidParameter
from tests.builders import bars

pytestmark = pytest.mark.usefixtures("data_root")


@pytest.fixture
def ingest():
    """Give a function that ingests frames by sid, with a symbol each, as version after version of one bundle."""

    def ingested(symbols, daily=None, minutes=None, start=None, dividends=(), **how):
        def function(environ, assets, minute_writer, daily_writer, adjustments, *rest):
            assets.write(equities=pd.DataFrame({"symbol": symbols, "exchange": "X"}))
            minute_writer.write(enumerate(minutes or ()))
            daily_writer.write(enumerate(daily or ()))
            dates = dict.fromkeys(("ex_date", "declared_date", "record_date", "pay_date"), pd.Timestamp("2020-01-03"))
            adjustments.write(dividends=pd.DataFrame([{"sid": 0, "amount": amount, **dates} for amount in dividends]))

        bundles.register("own", function, "XNYS", start)
        try:
            bundles.ingest("own", **how)
        finally:
            bundles.unregister("own")
        return bundles.load("own")

    return ingested


def minute_bars(day):
    index = pd.date_range(f"{day} 14:31", periods=3, freq="min")
    return pd.DataFrame(1.0, index=index, columns=["open", "high", "low", "close", "volume"])


def test_a_sid_that_becomes_another_assets_is_refused_unless_the_past_is_restated(ingest):
    ingest(["AAA", "CCC"], [bars([1.0, 2.0]), bars([30.0, 31.0])])
    shifted = ["AAA", "BBB", "CCC"], [bars([price], first="2020-01-06") for price in (3.0, 20.0, 32.0)]
    with pytest.raises(BadData, match="^sid 1 was CCC in the version before, and is BBB now: give each asset the sid"):
        ingest(*shifted, append=True)
    assert ingest(*shifted, append=True, restate=True).asset_finder.retrieve_asset(1).symbol == "BBB"


def test_bars_of_the_past_outside_of_the_sessions_of_today_are_refused(ingest):
    ingest(["A"], [bars([1.0, 2.0])])
    with pytest.raises(BadData, match="^daily bars of sid 0 in the version before: 2020-01-02 is no session of calen"):
        ingest(["A"], [bars([3.0], first="2020-01-06")], start="2020-01-03", append=True)


def test_minutes_of_the_past_outside_of_the_sessions_of_today_are_refused(ingest):
    ingest(["A"], minutes=[minute_bars("2020-01-06")])
    with pytest.raises(BadData, match="^minute bars of sid 0 in the version before, 2020-01-06 14:31:00: this is no m"):
        ingest(["A"], minutes=[minute_bars("2020-02-04")], start="2020-02-03", append=True)


def test_a_bar_that_changed_is_named_by_the_field_that_changed(ingest):
    old, new = bars([1.0, 2.0]), bars([1.0, 2.0])
    old["open"] = new["open"] = np.nan
    new.loc[new.index[1], "volume"] = 7.0
    with pytest.warns(UserWarning, match="lack some of their prices"):
        ingest(["A"], [old])
    with (
        pytest.warns(UserWarning, match="lack some of their prices"),
        pytest.raises(BadData, match=r"2020-01-03: volume was 1e\+06 and is 7;"),
    ):
        ingest(["A"], [new], append=True)


def test_dividends_of_one_day_may_come_in_another_order(ingest):
    ingest(["A"], [bars([10.0, 11.0, 12.0])], dividends=[1.0, 0.5])
    again = ingest(["A"], [bars([10.0, 11.0, 12.0])], dividends=[0.5, 1.0], append=True)
    assert sorted(again.adjustments.dividends["amount"].tolist()) == [0.5, 1.0]
    with pytest.raises(BadData, match="2020-01-03: dividends are others than they were"):
        ingest(["A"], [bars([10.0, 11.0, 12.0])], dividends=[0.5, 0.7], append=True)


def test_what_is_appended_is_newer_than_what_it_is_appended_to(ingest):
    ingest(["A"], [bars([1.0])], timestamp="2030-01-01")
    with pytest.raises(
        InvalidParameter, match="has version 2030-01-01T00;00;00, which stays the newest after one of 2"
    ):
        ingest(["A"], [bars([1.0, 2.0])], append=True)
    assert ingest(["A"], [bars([1.0, 2.0])], append=True, timestamp="2030-01-02").manifest.rows == 2


def test_daily_bars_do_not_take_the_place_of_those_made_of_minutes(ingest):
    ingest(["A"], minutes=[minute_bars("2020-01-06")])
    with pytest.raises(
        BadData, match="^the daily bars of the version before were made of its minutes, and daily bars c"
    ):
        ingest(["A"], [bars([1.0], first="2020-01-07")], append=True)


def test_what_was_said_of_an_asset_stays_where_nobody_says_it_again(tmp_path):
    (tmp_path / "daily").mkdir()
    path, facts = tmp_path / "daily" / "A.csv", tmp_path / "assets.csv"
    bars([10.0, 11.0]).rename_axis("date").to_csv(path)
    facts.write_text("symbol,name,exchange,country,tick_size\nA,Alpha,NYSE,US,0.05\n")
    bundles.ingest_csvdir(tmp_path, "told")
    bars([12.0], first="2020-01-06").rename_axis("date").to_csv(path)
    facts.write_text("symbol,name,exchange\nA,Beta,\n")
    bundles.ingest_csvdir(tmp_path, "told", append=True)
    (asset,) = bundles.load("told").asset_finder.equities
    assert (asset.asset_name, asset.exchange, asset.country_code, asset.tick_size) == ("Beta", "NYSE", "US", 0.05)
    assert asset.end_date == pd.Timestamp("2020-01-06")


def test_a_split_that_moved_is_not_kept_beside_itself():
    def prices(day):
        return {"A": bars([50.0, 51.0, 52.0, 53.0]).assign(split=[2.0 if row == day else 1.0 for row in range(4)])}

    bundles.ingest_frames(prices(1), "moved")
    with pytest.raises(
        BadData, match=r"^A \(sid 0\), 2020-01-03: splits were ratio 0.5, and none come now, but some of"
    ):
        bundles.ingest_frames(prices(2), "moved", append=True)
    bundles.ingest_frames(prices(2), "moved", append=True, restate=True)
    splits = bundles.load("moved").adjustments.splits
    assert splits["effective_ns"].tolist() == [pd.Timestamp("2020-01-06").value]
    bundles.ingest_frames({"A": prices(3)["A"][3:]}, "moved", append=True)
    assert len(bundles.load("moved").adjustments.splits) == 2, "bars of the day before did not come again"
