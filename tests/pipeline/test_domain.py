"""Domains name sessions and countries; a bundle's assets of no known country belong to its calendar's."""

import numpy as np
import pandas as pd
import pytest

from rustybt.data import bundles
from rustybt.data.bundles import ingest_frames
from rustybt.errors import InvalidParameter
from rustybt.pipeline import Pipeline, run_pipeline
from rustybt.pipeline.data import EquityPricing, USEquityPricing
from rustybt.pipeline.domain import (
    BUILT_IN_DOMAINS,
    GB_EQUITIES,
    GENERIC,
    US_EQUITIES,
    AmbiguousDomain,
    EquityCalendarDomain,
    domain_of_calendar,
    infer_domain,
)
from tests.builders import bars, make_bundle

CLOSES = Pipeline({"close": EquityPricing.close.latest})


def test_every_built_in_domain_has_a_calendar_of_its_own():
    assert len(BUILT_IN_DOMAINS) == 44
    assert len({domain.calendar_name for domain in BUILT_IN_DOMAINS}) == 44
    assert all(domain_of_calendar(domain.calendar_name) is domain for domain in BUILT_IN_DOMAINS)


def test_data_are_known_45_minutes_before_the_open():
    day = pd.DatetimeIndex(["2020-07-01"])
    assert str(US_EQUITIES.data_query_cutoff_for_sessions(day)[0]) == "2020-07-01 12:45:00+00:00"
    with pytest.raises(ValueError, match="2020-07-04 is no session of calendar 'XNYS'"):
        US_EQUITIES.data_query_cutoff_for_sessions(pd.DatetimeIndex(["2020-07-04"]))
    with pytest.raises(InvalidParameter, match="is not before the open"):
        EquityCalendarDomain("US", "XNYS", np.timedelta64(1, "m"))


def test_dates_roll_forward_to_sessions():
    assert US_EQUITIES.roll_forward("2020-07-03") == pd.Timestamp("2020-07-06")
    with pytest.raises(ValueError, match="past the last session"):
        US_EQUITIES.roll_forward("2200-01-01")


def test_the_one_domain_of_some_terms_is_found():
    assert infer_domain([EquityPricing.close, EquityPricing.open]) is GENERIC
    assert infer_domain([EquityPricing.close, USEquityPricing.open]) is US_EQUITIES
    with pytest.raises(AmbiguousDomain, match=r"EquityCalendarDomain\('GB', 'XLON'\)"):
        infer_domain([EquityPricing.specialize(GB_EQUITIES).close, USEquityPricing.open])


def test_a_pipeline_made_for_another_domain_than_its_terms_is_refused():
    pipeline = Pipeline({"close": USEquityPricing.close.latest}, domain=GB_EQUITIES)
    with pytest.raises(ValueError, match="was made for"):
        pipeline.domain(GENERIC)
    assert Pipeline({"close": EquityPricing.close.latest}, domain=GB_EQUITIES).domain(US_EQUITIES) is GB_EQUITIES


def frame(first, count, freq="B"):
    index = pd.date_range(first, periods=count, freq=freq)
    values = np.arange(10.0, count + 10)
    return pd.DataFrame(dict.fromkeys(["open", "high", "low", "close", "volume"], values), index=index)


def test_assets_of_no_country_belong_to_their_bundles_calendar():
    def ingest(environ, asset_db_writer, minute_bar_writer, daily_bar_writer, adjustment_writer, *others):
        prices = frame("2020-01-06", 5)
        ends = {"start_date": prices.index[0], "end_date": prices.index[-1]}
        asset_db_writer.write(equities=pd.DataFrame([{"symbol": "A", "exchange": "somewhere", **ends}]))
        daily_bar_writer.write([(0, prices)])
        adjustment_writer.write()

    bundles.register("nowhere", ingest, "XNYS", pd.Timestamp("2020-01-06"), pd.Timestamp("2020-01-10"))
    bundles.ingest("nowhere")
    bundles.unregister("nowhere")
    assert bundles.load("nowhere").asset_finder.retrieve_asset(0).country_code == "??"
    for column in (USEquityPricing.close, EquityPricing.close):
        table = run_pipeline(Pipeline({"close": column.latest}), "2020-01-07", "2020-01-10", bundle="nowhere")
        assert table["close"].tolist() == [10.0, 11.0, 12.0, 13.0]


def test_crypto_has_no_country_and_every_day():
    ingest_frames({"BTC": frame("2020-01-03", 5, "D")}, name="coins", calendar_name="24/7")
    table = run_pipeline(CLOSES, "2020-01-04", "2020-01-07", bundle="coins")
    assert table["close"].tolist() == [10.0, 11.0, 12.0, 13.0]
    with pytest.raises(InvalidParameter, match=r"has calendar '24/7': use EquityPricing"):
        run_pipeline(Pipeline({"close": USEquityPricing.close.latest}), "2020-01-04", "2020-01-07", bundle="coins")


def test_countries_are_kept_apart():
    make_bundle({"A": bars([1.0, 2.0, 3.0]), "B": bars([4.0, 5.0, 6.0])})
    with pytest.raises(InvalidParameter, match=r"has calendar 'XNYS'"):
        run_pipeline(Pipeline(CLOSES.columns, domain=GB_EQUITIES), "2020-01-03", "2020-01-06", bundle="made")
    canada = EquityCalendarDomain("CA", "XNYS")
    with pytest.raises(InvalidParameter, match=r"no asset of country 'CA' \(its countries: US\)"):
        run_pipeline(Pipeline(CLOSES.columns, domain=canada), "2020-01-03", "2020-01-06", bundle="made")
