"""Frames become a bundle, with the labels and columns that notebooks have."""

import numpy as np
import pandas as pd
import pytest

from rustybt.data import bundles
from rustybt.errors import BadData, IngestWarning, InvalidParameter
from tests.data.bundles.histories import SESSIONS


def frame(rows=3, index=None, **columns):
    index = SESSIONS[:rows] if index is None else index
    values = np.arange(10.0, len(index) + 10)
    return pd.DataFrame({**dict.fromkeys(("open", "high", "low", "close"), values), "volume": 10.0, **columns}, index)


def ingested(frames, **how):
    bundles.ingest_frames(frames, "framed", **how)
    return bundles.load("framed")


def test_labels_are_an_index_or_a_column_in_any_timezone():
    expected = ingested({"A": frame()}).fingerprint
    for made in (
        frame().rename_axis("Date"),
        frame().rename_axis("whatever"),
        frame().rename_axis("date").reset_index(),
        frame(index=SESSIONS[:3].tz_localize("UTC")),
        frame(index=SESSIONS[:3].tz_localize("America/New_York")),
        frame(index=pd.Index(SESSIONS[:3].date)),
        frame(index=pd.Index(SESSIONS[:3].strftime("%Y-%m-%d"))),
        frame().rename(columns=str.title).sample(frac=1, random_state=1),
    ):
        assert ingested({"a": made}).fingerprint == expected


def test_times_are_minutes_by_their_end():
    minutes = pd.date_range("2020-01-02 09:31", periods=3, freq="min", tz="America/New_York")
    bundle = ingested({"A": frame(index=minutes), "B": frame(index=minutes.tz_convert("UTC").tz_localize(None))})
    assert bundle.manifest.minute_rows == 6 and bundle.daily("close").tolist() == [[12.0, 12.0]]


def test_an_adjusted_close_is_not_read_and_zero_is_no_split():
    made = frame(**{"Adj Close": 0.5, "Stock Splits": [0.0, 2.0, 0.0], "Dividends": 0.0})
    with pytest.warns(IngestWarning, match="column 'Adj Close' is not read"):
        bundle = ingested({"A": made})
    assert bundle.daily("close")[:, 0].tolist() == [10.0, 11.0, 12.0]
    assert bundle.adjustments.splits["ratio"].tolist() == [0.5]


def test_an_option_that_is_none_names_those_there_are():
    with pytest.raises(InvalidParameter, match=r"option 'calendar' is not known \(did you mean 'calendar_name'\?\)"):
        ingested({"A": frame()}, calendar="XLON")
    with pytest.raises(InvalidParameter, match=r"option 'path' is not known: .*, datasets$"):
        ingested({"A": frame()}, path="x")
    with pytest.raises(InvalidParameter, match="bundle name is a dict, no string"):
        bundles.ingest_frames("framed", {"A": frame()})


@pytest.mark.parametrize(
    ("frames", "kind", "message"),
    [
        ({}, InvalidParameter, "frames are empty: pass a mapping of at least one symbol"),
        ([frame()], InvalidParameter, "frames are a list: pass a mapping of symbols to DataFrames, such as {'AAPL'"),
        (frame(), InvalidParameter, r"frames are a DataFrame: .*; for a long one, dict\(list\(frame.groupby"),
        ({"A": frame()["close"]}, BadData, r"frames\['A'\] is a Series: pass a DataFrame"),
        ({"A": frame(), "a": frame()}, BadData, "symbol A comes twice, in other capitals"),
        ({3: frame()}, BadData, "symbol 3 is no text"),
        ({"A": frame().drop(columns="low")}, BadData, r"frames\['A'\]: there is no column 'low'"),
        ({"A": frame(index=pd.RangeIndex(3))}, BadData, r"frames\['A'\]: the index holds numbers"),
        ({"A": frame(close=["1", "2", "3"])}, BadData, r"column 'close' holds '1', not numbers"),
        ({"A": frame(close=SESSIONS[:3])}, BadData, r"column 'close' holds Timestamp.*, not numbers"),
        ({"A": pd.concat({"A": frame()})}, BadData, r"frames\['A'\] has 2 levels of index: pass one frame a symbol"),
        (
            {"A": frame(index=np.array(["2020-01-02", "2020-01-03", "9999-01-01"], "datetime64[s]"))},
            BadData,
            r"frames\['A'\]: the index holds no dates \(Out of bounds",
        ),
        ({"A": frame(high=0.1)}, BadData, r"frames\['A'\] line 1 \(A, 2019-12-20\): high 0.1 is below low 10"),
        (
            {"A": frame(), "B": frame(index=pd.date_range("2020-01-02 14:31", periods=3, freq="min"))},
            BadData,
            "A, 2019",
        ),
    ],
)
def test_what_is_no_frame_of_bars_is_refused(frames, kind, message):
    with pytest.raises(kind, match=message):
        ingested(frames)
    assert bundles.versions("framed") == ()


def test_a_bundle_of_frames_cannot_be_read_again_by_its_name():
    ingested({"A": frame()})
    with pytest.raises(LookupError, match="bundle 'framed' was made of frames, which cannot be read again by its name"):
        bundles.ingest("framed")
