"""The fingerprint is of the content: how it was stored does not enter, every value does."""

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rustybt.data import bundles
from rustybt.data.bundles.fingerprint import bars_digests
from tests.builders import bars, days

FRAMES = {"A": bars([1.0, 2.0, 3.0, 4.0]), "B": bars([5.0, 6.0, 7.0, 8.0]), "C": bars([9.0, 1.0])}
SPLITS = [("A", "2020-01-03", 0.5), ("A", "2020-01-06", 0.25), ("B", "2020-01-03", 0.1)]


def fingerprint(
    frames=FRAMES, splits=SPLITS, sids=None, order=None, name="fp", calendar="XNYS", start="2020-01-02", quantum=0.001,
    assets=None, timestamp=None,
):  # fmt: skip
    """Ingest and give the fingerprint."""
    sids = sids or {symbol: sid for sid, symbol in enumerate(sorted(frames))}
    order = order or sorted(frames)

    def ingest(environ, asset_writer, minutes, daily, adjustments, *rest):
        rows = {sids[s]: {"symbol": s, "exchange": "NYSE", "end_date": "2030-01-02", **(assets or {})} for s in order}
        asset_writer.write(equities=pd.DataFrame.from_dict(rows, orient="index"))
        daily.write((sids[s], frames[s]) for s in order)
        if splits:
            table = [{"sid": sids[s], "effective_date": pd.Timestamp(d), "ratio": r} for s, d, r in splits]
            adjustments.write(splits=pd.DataFrame(table))

    bundles.register(name, ingest, calendar, start_session=start, price_quantum=quantum)
    bundles.ingest(name, timestamp=timestamp)
    bundles.unregister(name)
    return bundles.load(name, timestamp=timestamp).fingerprint


def test_how_data_is_stored_does_not_enter(monkeypatch):
    want = fingerprint()
    assert fingerprint(name="elsewhere", timestamp="2001-01-01") == want
    assert fingerprint(sids={"A": 7, "B": 3, "C": 0}) == want
    assert fingerprint(order=["C", "A", "B"]) == want
    assert fingerprint(splits=SPLITS[::-1]) == want
    monkeypatch.setattr("rustybt.data.bundles.daily_writer.ROWS_PER_GROUP", 3)
    assert fingerprint() == want
    monkeypatch.setattr(
        "pyarrow.parquet.ParquetWriter", lambda path, schema, **_: PLAIN_WRITER(path, schema, compression="none")
    )
    assert fingerprint() == want


PLAIN_WRITER = pq.ParquetWriter


def test_a_missing_bar_is_the_same_with_and_without_a_row():
    with_row = FRAMES["A"].copy()
    with_row.iloc[1] = [np.nan] * 4 + [0.0]
    without = FRAMES["A"].drop(days(4)[1])
    assert fingerprint({**FRAMES, "A": with_row}) == fingerprint({**FRAMES, "A": without})


def test_negative_zero_is_zero():
    zero, negative = FRAMES["A"].copy(), FRAMES["A"].copy()
    zero.iloc[2, 4], negative.iloc[2, 4] = 0.0, -0.0
    assert fingerprint({**FRAMES, "A": zero}) == fingerprint({**FRAMES, "A": negative})


@pytest.mark.parametrize("column", ["open", "high", "low", "close", "volume"])
def test_every_value_of_a_bar_enters(column):
    changed = FRAMES["B"].copy()
    changed[["open", "high", "low", "close"]] = [[2.0, 9.0, 1.0, 2.0]] * 4
    want = fingerprint({**FRAMES, "B": changed})
    position = changed.columns.get_loc(column)
    changed = changed.astype(float)
    changed.iloc[3, position] = np.nextafter(changed.iloc[3, position], 0)
    assert fingerprint({**FRAMES, "B": changed}) != want


@pytest.mark.parametrize(
    "change",
    [
        {"frames": {**FRAMES, "C": FRAMES["C"].set_axis(days(3)[1:])}},
        {"frames": {"A": FRAMES["A"], "B": FRAMES["B"], "D": FRAMES["C"]}},
        {"frames": {"A": FRAMES["A"], "B": FRAMES["B"]}},
        {"splits": SPLITS[:2]},
        {"splits": [("A", "2020-01-03", 0.5000001), *SPLITS[1:]]},
        {"splits": [("A", "2020-01-07", 0.5), *SPLITS[1:]]},
        {"splits": [("C", "2020-01-03", 0.5), *SPLITS[1:]]},
        {"calendar": "24/5"},
        {"start": "2019-12-31"},
        {"quantum": None},
        {"assets": {"asset_name": "x"}},
        {"assets": {"exchange": "NASDAQ"}},
        {"assets": {"end_date": "2030-01-03"}},
        {"assets": {"auto_close_date": "2030-01-03"}},
        {"assets": {"first_traded": "2020-01-03"}},
    ],
)
def test_whatever_changes_a_result_enters(change):
    assert fingerprint(**change) != fingerprint()


def test_two_events_of_one_day_enter_in_their_order():
    twice = [("A", "2020-01-03", 0.3), ("A", "2020-01-03", 0.7)]
    assert fingerprint(splits=twice) != fingerprint(splits=twice[::-1])


@given(
    st.lists(st.integers(0, 20_000), min_size=1, max_size=30, unique=True).map(sorted),
    st.integers(0, 4),
    st.data(),
)
def test_a_changed_value_changes_its_year_alone(day_list, column, data):
    day = np.array(day_list)
    values = np.arange(5.0 * len(day)).reshape(5, -1)
    before = bars_digests(day, values)
    row = data.draw(st.integers(0, len(day) - 1))
    values[column, row] += 0.5
    after = bars_digests(day, values)
    year = int(np.datetime64(int(day[row]), "D").astype("datetime64[Y]").astype(int)) + 1970
    assert {y for y in before if before[y] != after[y]} == {year}
    assert set(before) == {d.year for d in pd.to_datetime(day, unit="D")}


def test_digests_ignore_memory_layout():
    day, values = np.arange(4), np.arange(20.0).reshape(5, 4)
    assert bars_digests(day.astype(np.int32), np.asfortranarray(values)) == bars_digests(day, values)
