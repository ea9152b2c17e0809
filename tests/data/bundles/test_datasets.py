"""Point-in-time tables come into a bundle as they are known, and are asked by SQL."""

import numpy as np
import pandas as pd
import pytest

from rustybt.data import bundles
from rustybt.data.bundles.asset_writer import AssetWriter
from rustybt.data.bundles.datasets import read_dataset
from rustybt.errors import BadData, IngestWarning, InvalidParameter
from tests.data.bundles.histories import SESSIONS

TABLE = pd.DataFrame(
    {
        "Symbol": ["b", "A", "A", "A"],
        "date": ["2019-12-31", "2019-12-31", "2019-09-30", "2019-12-31"],
        "published": ["2020-01-20", "2020-01-25 21:00", None, "2020-01-28"],
        "eps": [1.5, 2.0, np.nan, 2.1],
        "sector": ["steel", None, "software", "software"],
        "audited": [True, False, True, True],
    }
)


def prices(*symbols):
    days = SESSIONS[:3]
    return {
        symbol: pd.DataFrame(dict.fromkeys(("open", "high", "low", "close", "volume"), 1.0), days) for symbol in symbols
    }


def ingested(name="mine", *symbols, **how):
    bundles.ingest_frames(prices(*(symbols or ("A", "B"))), name, **how)
    return bundles.load(name)


@pytest.fixture(params=["frame", "parquet", "csv"])
def given(request, tmp_path):
    if request.param == "frame":
        return TABLE
    path = tmp_path / f"table.{request.param}"
    TABLE.to_parquet(path) if request.param == "parquet" else TABLE.to_csv(path, index=False)
    return path


def test_rows_are_sorted_by_asset_and_by_when_they_were_known(given):
    bundle = ingested(datasets={"fundamentals": given})
    assert bundle.datasets == ("fundamentals",)
    table = bundle.dataset("fundamentals").to_pandas()
    assert list(table.columns) == ["sid", "timestamp", "asof_date", "eps", "sector", "audited"]
    assert table["sid"].tolist() == [0, 0, 0, 1]
    assert table["timestamp"].astype(str).tolist()[:2] == ["2019-09-30 00:00:00", "2020-01-25 21:00:00"]
    np.testing.assert_array_equal(table["eps"], [np.nan, 2.0, 2.1, 1.5])
    assert bundle.fingerprint == ingested("other", datasets={"fundamentals": TABLE.sample(frac=1)}).fingerprint
    assert bundle.fingerprint != ingested("none").fingerprint
    changed = TABLE.assign(eps=[1.5, 2.0, np.nan, 2.2])
    assert bundle.fingerprint != ingested("changed", datasets={"fundamentals": changed}).fingerprint


def test_a_dataset_is_a_table_of_queries():
    bundle = ingested(datasets={"fundamentals": TABLE})
    known = bundle.sql(
        "SELECT symbol, eps FROM fundamentals JOIN assets USING (sid) WHERE timestamp <= $1 ORDER BY timestamp, sid",
        [pd.Timestamp("2020-01-26")],
    )
    assert known.to_pandas()["symbol"].tolist() == ["A", "B", "A"]


def test_a_file_is_read_again_with_its_bundle(tmp_path):
    (tmp_path / "daily").mkdir()
    prices("A")["A"].rename_axis("date").to_csv(tmp_path / "daily" / "A.csv")
    path = tmp_path / "facts.csv"
    TABLE[TABLE["Symbol"] == "A"].to_csv(path, index=False)
    bundles.ingest_csvdir(tmp_path, "files", datasets={"facts": path})
    bundles.ingest("files")
    assert bundles.load("files").dataset("facts").num_rows == 3
    assert bundles.load("files").manifest.source["datasets"] == {"facts": str(path)}


def test_appending_keeps_what_was_known_and_refuses_another_past():
    ingested(datasets={"facts": TABLE[:3], "other": TABLE[:1]})
    bundle = ingested(datasets={"facts": TABLE[2:]}, append=True)
    assert (bundle.dataset("facts").num_rows, bundle.dataset("other").num_rows) == (4, 1)
    assert bundle.fingerprint == ingested("full", datasets={"facts": TABLE, "other": TABLE[:1]}).fingerprint
    changed = {"facts": TABLE.assign(eps=9.0)[3:]}
    with pytest.raises(
        BadData, match=r"dataset 'facts': what sid 0 had about 2019-12-31, known since .* is another now"
    ):
        ingested(datasets=changed, append=True)
    restated = ingested(datasets=changed, append=True, restate=True)
    assert restated.dataset("facts").to_pandas()["eps"].tolist()[2] == 9.0
    with pytest.raises(BadData, match=r"dataset 'facts' had other columns before \(eps, more\)"):
        ingested(datasets={"facts": TABLE.rename(columns={"eps": "more"})}, append=True)


def test_appended_values_of_another_type_are_refused():
    facts = TABLE[["Symbol", "date", "published", "eps", "sector"]]
    ingested(datasets={"facts": facts[2:]})
    with pytest.raises(
        BadData, match="^dataset 'facts', column 'eps': its values were of type double and are of type s"
    ):
        ingested(datasets={"facts": facts[:1].assign(eps="n/a")}, append=True)


def test_a_column_without_values_has_the_type_of_those_that_came_before_or_come_after():
    facts = TABLE[["Symbol", "date", "published", "sector"]]
    empty = facts[2:3].assign(sector=np.nan)
    whole = ingested("whole", datasets={"facts": pd.concat([facts[:2], empty.astype({"sector": object})])})
    for first, second in ((facts[:2], empty), (empty, facts[:2])):
        ingested(datasets={"facts": first})
        assert ingested(datasets={"facts": second}, append=True).fingerprint == whole.fingerprint


def test_a_symbol_that_passed_on_is_the_assets_that_had_it_on_the_day():
    days = {"start_date": ["2010-01-04", "2020-01-02"], "end_date": ["2015-12-31", "2020-12-31"]}
    writer = AssetWriter()
    writer.write(equities=pd.DataFrame({"symbol": ["T", "T"], "exchange": "X", **days}))
    dates = ["2009-12-31", "2010-01-05", "2019-06-30", "2020-01-02"]
    table, _ = read_dataset("facts", pd.DataFrame({"symbol": "t", "date": dates, "eps": 1.0}), writer.finder())
    assert dict(zip(table["asof_date"].cast("string").to_pylist(), table["sid"].to_pylist(), strict=True)) == {
        f"{day} 00:00:00.000000000": sid for day, sid in zip(dates, [0, 0, 0, 1], strict=True)
    }


def test_a_sid_that_is_no_whole_number_is_no_assets():
    with pytest.warns(IngestWarning, match="3 rows of dataset 'facts' are of assets that the bundle does not have"):
        facts = pd.DataFrame({"sid": [0.7, 1, np.inf, None], "date": SESSIONS[0], "x": 1})
        bundle = ingested(datasets={"facts": facts.assign(timestamp=SESSIONS[0])})
    assert bundle.dataset("facts")["sid"].to_pylist() == [1]


def test_symbols_in_csv_are_read_as_they_are_written(tmp_path):
    path, rows = tmp_path / "facts.csv", [("005930", 1), ("NA", 2), ("TRUE", 3)]
    path.write_text("symbol,date,known,x\n" + "".join(f"{symbol},2019-12-31,2020-01-02,{x}\n" for symbol, x in rows))
    bundle = ingested("mine", "005930", "5930", "NA", "TRUE", datasets={"facts": path})
    found = bundle.sql("SELECT symbol, x FROM facts JOIN assets USING (sid) ORDER BY x").to_pandas()
    assert found.to_numpy().tolist() == [["005930", 1.0], ["NA", 2.0], ["TRUE", 3.0]]


def test_assets_that_the_bundle_does_not_have_are_left_out():
    with pytest.warns(IngestWarning, match="1 rows of dataset 'facts' are of assets that the bundle does not have"):
        bundle = ingested("mine", "A", datasets={"facts": TABLE})
    assert bundle.dataset("facts").num_rows == 3


@pytest.mark.parametrize(
    ("table", "message"),
    [
        (TABLE.drop(columns="Symbol"), "has no column 'symbol': name it symbol or ticker"),
        (TABLE.drop(columns="date"), "has no column 'asof_date'"),
        (TABLE[["Symbol", "date"]], "has no column of values"),
        (TABLE.assign(date=None), "row 1: the day that it is about is missing"),
        (TABLE.assign(published="2019-01-01"), "row 1: it was known on 2019-01-01 00:00:00, before the day"),
        (pd.concat([TABLE, TABLE[:1]]), "has two rows of sid 1, about 2019-12-31 and known since 2020-01-20"),
        (
            TABLE.assign(eps=[[1], [2], [3], [4]]),
            "column 'eps' holds .*: values are numbers, truth values, dates or text",
        ),
        (TABLE.assign(date="soon"), "column 'date' holds 'soon': write dates like"),
    ],
)
def test_tables_that_say_nothing_sure_are_refused(table, message):
    with pytest.raises(BadData, match=message):
        ingested(datasets={"facts": table})


@pytest.mark.parametrize("name", ["bars_daily", "Facts", "a b", "", "x'; DROP TABLE assets", "../up", "1st"])
def test_names_that_no_query_can_ask_for_are_refused(name):
    with pytest.raises(InvalidParameter, match="cannot be the name of a table: use small letters, digits"):
        ingested(datasets={name: TABLE})


def test_unreadable_files_and_unknown_names(tmp_path):
    (tmp_path / "x.parquet").write_bytes(b"PAR1")
    for path in (tmp_path / "x.parquet", tmp_path / "nowhere.csv"):
        with pytest.raises(BadData, match=r"dataset file .* cannot be read"):
            ingested(datasets={"facts": path})
    bundle = ingested(datasets={"facts": TABLE})
    with pytest.raises(InvalidParameter, match=r"dataset 'fact' is not in .*did you mean 'facts'"):
        bundle.dataset("fact")
    assert read_dataset("x", TABLE.assign(sid=[1, 0, 0, 5]).drop(columns="Symbol"), bundle.asset_finder)[1] == (
        "1 rows of dataset 'x' are of assets that the bundle does not have, and left out",
    )


def test_rows_without_a_moment_are_known_on_their_day_which_is_told():
    with pytest.warns(
        IngestWarning, match=r"no column 'timestamp' \(did you mean 'time_stamp'\?\): its rows are taken as"
    ):
        bundle = ingested(datasets={"facts": TABLE[:2].rename(columns={"published": "time_stamp"})})
    table = bundle.dataset("facts").to_pandas()
    assert (table["timestamp"] == table["asof_date"]).all()
