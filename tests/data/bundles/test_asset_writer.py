"""Frames of equities and exchanges become assets, with Zipline's defaults."""

import pandas as pd
import pytest

from rustybt.data.bundles.asset_writer import AssetWriter
from rustybt.errors import BadData


def frame(index=None, **columns):
    return pd.DataFrame({"exchange": "NYSE", **columns}, index=index)


def finder(equities, **frames):
    writer = AssetWriter()
    writer.write(equities=equities, **frames)
    return writer.finder()


def test_defaults():
    (asset,) = finder(frame([4], symbol=["aapl"])).equities
    assert (asset.sid, asset.symbol, asset.asset_name) == (4, "AAPL", "")
    assert (asset.exchange, asset.exchange_full, asset.country_code) == ("NYSE", "NYSE", "??")
    assert asset.start_date == pd.Timestamp(0) and asset.end_date == pd.Timestamp.max
    assert asset.first_traded is None and asset.auto_close_date is None


def test_exchanges_give_name_and_country():
    equities = pd.DataFrame({"symbol": ["A", "B"], "exchange": ["NEW YORK STOCK EXCHANGE", "LSE"]})
    exchanges = pd.DataFrame(
        {"exchange": ["NEW YORK STOCK EXCHANGE", "LSE"], "canonical_name": ["NYSE", None], "country_code": ["US", "GB"]}
    )
    for table in (exchanges, exchanges.set_index("exchange")):
        one, two = finder(equities, exchanges=table).equities
        assert (one.exchange, one.exchange_full, one.country_code) == ("NYSE", "NEW YORK STOCK EXCHANGE", "US")
        assert (two.exchange, two.exchange_full, two.country_code) == ("LSE", "LSE", "GB")


def test_sid_column_and_synonyms():
    (asset,) = finder(frame(sid=[9], file_name=["x"], company_name=["Xylo"])).equities
    assert (asset.sid, asset.symbol, asset.asset_name) == (9, "X", "Xylo")


@pytest.mark.parametrize(
    "make", [pd.Timestamp, str, lambda day: pd.Timestamp(day, tz="UTC"), lambda day: pd.Timestamp(day).value]
)
def test_dates_of_any_kind(make):
    day = make("2020-01-02")
    (asset,) = finder(frame(symbol=["A"], start_date=[day], end_date=[day], auto_close_date=[day])).equities
    if isinstance(day, int):
        day = pd.Timestamp(day, unit=pd.Timestamp("2020-01-02").unit)
    assert asset.start_date == asset.end_date == asset.auto_close_date == pd.Timestamp("2020-01-02")


def test_missing_dates_become_defaults():
    table = frame(symbol=["A", "B"], end_date=pd.to_datetime(["2020-01-02", None]), auto_close_date=[None, None])
    one, two = finder(table).equities
    assert str(one.end_date.date()) == "2020-01-02" and two.end_date == pd.Timestamp.max
    assert one.auto_close_date is None


def test_several_writes_add_up():
    writer = AssetWriter()
    writer.write(exchanges=pd.DataFrame([{"exchange": "NYSE", "country_code": "US"}]))
    writer.write(equities=frame([0], symbol=["A"]))
    writer.write(equities=frame([1], symbol=["B"]))
    writer.write()
    assert [(e.symbol, e.country_code) for e in writer.finder().equities] == [("A", "US"), ("B", "US")]


def test_an_asset_may_change_its_symbol():
    table = frame(
        [1, 1],
        symbol=["FB", "META"],
        start_date=["2012-05-18", "2022-06-09"],
        end_date=["2022-06-08", "2024-12-31"],
    )
    got = finder(table)
    (asset,) = got.equities
    assert asset.symbol == "META" and str(asset.start_date.date()) == "2012-05-18"
    assert str(asset.end_date.date()) == "2024-12-31"
    assert got.lookup_symbol("FB", pd.Timestamp("2015-01-02")) is asset


def test_a_symbol_with_two_owners_at_once_is_refused():
    table = frame(symbol=["A", "A"], start_date=["2010-01-04", "2012-01-03"], end_date=["2015-01-02", "2020-01-02"])
    with pytest.raises(
        BadData, match=r"symbol 'A' in country \?\? belongs to sid 0 until 2015-01-02.* and to sid 1 from 2012"
    ):
        finder(table)
    finder(table.assign(end_date=["2012-01-02", "2020-01-02"]))
    countries = pd.DataFrame({"exchange": ["NYSE", "LSE"], "country_code": ["US", "GB"]})
    finder(table.assign(exchange=["NYSE", "LSE"]), exchanges=countries)


@pytest.mark.parametrize(
    ("table", "message"),
    [
        (pd.DataFrame({"symbol": ["A"], "exchnge": ["N"]}), r"no column 'exchange' \(did you mean 'exchnge'\?\)"),
        (frame(["x"], symbol=["A"]), r"equities have sid 'x': the index must hold whole numbers"),
        (frame([-1], symbol=["A"]), r"equities have sid -1"),
        (frame(symbol=["A"], start_date=["soon"]), r"equities column 'start_date' holds something else than dates"),
        (
            frame(symbol=["A"], start_date=["2020-01-03"], end_date=["2020-01-02"]),
            r"0 \[A\] starts on 2020-01-03 .*after its end",
        ),
    ],
)
def test_broken_frames_are_refused(table, message):
    with pytest.raises(BadData, match=message):
        finder(table)


def test_unknown_exchange_is_refused():
    with pytest.raises(BadData, match=r"trades on 'NYSE', which the exchanges frame lacks \(did you mean 'NYSEX'\?\)"):
        finder(frame(symbol=["A"]), exchanges=pd.DataFrame([{"exchange": "NYSEX"}]))


@pytest.mark.parametrize("name", ["futures", "root_symbols", "equity_supplementary_mappings"])
def test_futures_are_refused(name):
    with pytest.raises(BadData, match=rf"{name} has 1 rows, but only equities are supported"):
        AssetWriter().write(**{name: pd.DataFrame({"symbol": ["CLF20"]})})
    AssetWriter().write(**{name: pd.DataFrame()})


def test_no_assets_at_all():
    with pytest.raises(BadData, match="wrote no assets"):
        AssetWriter().finder()
