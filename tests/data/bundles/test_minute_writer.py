"""Minute bars on their way to the disk: what is refused, and what does not matter to the content."""

import gc
import re
import weakref

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rustybt.calendars import session_table
from rustybt.constants import OHLCV
from rustybt.data import bundles
from rustybt.data.bundles.fingerprint import RowDigests
from rustybt.data.bundles.minute_writer import MinuteBarWriter
from rustybt.errors import BadData, IngestWarning, InvalidParameter
from tests.builders import bars, make_bundle
from tests.minute_builders import make_minute_bundle, minute_bars, minutes_of

FRAMES = {
    "A": minute_bars(minutes_of("2019-11-27", "2019-12-03"), 1),
    "B": minute_bars(minutes_of("2019-11-29", "2019-12-02")[::7], 2),
    "C": minute_bars(minutes_of("2019-12-03")[100:], 3),
}


def writer(folder, first="2019-11-27", last="2019-12-03", calendar="XNYS"):
    return MinuteBarWriter(folder / "minutes", session_table(calendar, first, last))


def labelled(*labels, **columns):
    frame = pd.DataFrame(dict.fromkeys(OHLCV, 1.0), index=pd.DatetimeIndex(labels))
    return frame.assign(**columns)


@pytest.mark.parametrize(
    ("label", "message"),
    [
        ("2019-11-29 14:30", "session 2019-11-29 has 2019-11-29 14:31 to 2019-11-29 18:00 UTC"),
        ("2019-11-29 18:01", "session 2019-12-02 has 2019-12-02 14:31 to 2019-12-02 21:00 UTC"),
        ("2019-11-29 09:31", "label each minute by its end, in UTC"),
        ("2019-11-28 15:00", "session 2019-11-29 has"),
        ("2019-11-30 15:00", "session 2019-12-02 has"),
        ("2019-11-29", "no market minute of calendar XNYS"),
        ("2019-11-29 15:00:30", "no market minute of calendar XNYS"),
        ("2019-11-29 15:00:00.000000001", "no market minute of calendar XNYS"),
        ("2019-11-26 15:00", "keep to the sessions of the calendar and the bundle"),
        ("2019-12-04 15:00", "session 2019-12-03 has"),
        ("1677-09-22", "no market minute of calendar XNYS"),
        ("2262-04-11", "no market minute of calendar XNYS"),
    ],
)
def test_a_label_must_be_a_market_minute(tmp_path, label, message):
    with pytest.raises(BadData, match=re.escape(message)) as caught:
        writer(tmp_path).write([(4, labelled(label))])
    assert str(caught.value).startswith(f"minute bars of sid 4, {pd.Timestamp(label)}: this is no market minute")


def test_the_number_of_wrong_labels_is_told(tmp_path):
    labels = minutes_of("2019-11-29") - pd.Timedelta(minutes=3)
    with pytest.raises(BadData, match=r"sid 0, 2019-11-29 14:28:00: .* XNYS, nor are 2 more rows: session 2019-11-29"):
        writer(tmp_path).write([(0, minute_bars(labels))])


def test_lunch_is_no_market_minute(tmp_path):
    tokyo = writer(tmp_path, "2024-10-31", "2024-11-01", "XTKS")
    with pytest.raises(BadData, match=r"2024-10-31 06:00 UTC with a break after 02:30 until 03:31"):
        tokyo.write([(0, labelled("2024-10-31 02:30", "2024-10-31 02:31"))])


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        (["2019-11-29 15:00"] * 2, "2019-11-29 15:00:00: the minute comes twice: keep one row a minute"),
        (
            ["2019-11-29 15:00", "2019-11-29 15:02", "2019-11-29 15:01"],
            "2019-11-29 15:01:00: the minute comes after 2019-11-29 15:02:00: sort the rows by time",
        ),
        (["2019-11-29 15:00", None], "row 1: the time is missing: give every row one"),
    ],
)
def test_labels_ascend(tmp_path, labels, message):
    with pytest.raises(BadData, match=re.escape(message)):
        writer(tmp_path).write([(0, labelled(*labels))])


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        ({"high": np.inf}, "2019-11-29 15:00:00: high is infinite"),
        ({"close": -0.01}, "close -0.01 is negative"),
        ({"volume": -1}, "volume -1 is negative"),
        ({"high": 1.0, "low": 1.1}, "high 1 is below low 1.1"),
        ({"open": "1.0"}, "column 'open' holds '1.0', not numbers"),
        ({"open": True}, "True_, not numbers: convert it"),
    ],
)
def test_impossible_values_are_refused(tmp_path, columns, message):
    with pytest.raises(BadData, match=re.escape(message)):
        writer(tmp_path).write([(0, labelled("2019-11-29 15:00", **columns))])


def test_a_frame_that_is_no_table_of_bars_is_refused(tmp_path):
    frame = labelled("2019-11-29 15:00")
    with pytest.raises(BadData, match=r"no column 'volume' \(did you mean 'volum'\?\)"):
        writer(tmp_path).write([(0, frame.rename(columns={"volume": "volum"}))])
    with pytest.raises(BadData, match="sid 0: column 'open' comes twice: keep one"):
        writer(tmp_path).write([(0, pd.concat([frame, frame[["open"]]], axis=1))])
    with pytest.raises(BadData, match="the index holds numbers .* make it a DatetimeIndex of minutes in UTC"):
        writer(tmp_path).write([(0, frame.reset_index(drop=True))])
    with pytest.raises(BadData, match="the index holds no dates"):
        writer(tmp_path).write([(0, frame.set_axis(["noon"]))])
    with pytest.raises(BadData, match="minute bars of sid -1: a sid is a number from 0 on"):
        writer(tmp_path).write([(-1, frame)])


def test_bars_that_lack_some_prices(tmp_path):
    frame = labelled("2019-11-29 15:00", "2019-11-29 15:01", close=[1.0, np.nan])
    text = "sid 0: 1 bars lack some of their prices, the first on 2019-11-29 15:01:00: they read as NaN"
    with pytest.warns(IngestWarning, match=text):
        writer(tmp_path).write([(0, frame)])
    with pytest.raises(BadData, match=text):
        writer(tmp_path).write([(0, frame)], invalid_data_behavior="raise")
    writer(tmp_path).write_sid(0, frame, invalid_data_behavior="ignore")
    with pytest.raises(InvalidParameter, match="invalid_data_behavior 'loud' is not known"):
        writer(tmp_path).write([], invalid_data_behavior="loud")


@pytest.mark.parametrize("zone", ["UTC", "America/New_York", "Asia/Tokyo"])
def test_a_timezone_of_the_index_is_heeded(zone):
    frame = FRAMES["A"].tz_localize("UTC").tz_convert(zone)
    assert make_minute_bundle({"A": frame}).fingerprint == make_minute_bundle({"A": FRAMES["A"]}).fingerprint


def test_any_unit_of_the_index_will_do():
    frame = FRAMES["A"].set_axis(FRAMES["A"].index.as_unit("s"))
    assert make_minute_bundle({"A": frame}).fingerprint == make_minute_bundle({"A": FRAMES["A"]}).fingerprint


def test_a_missing_bar_is_the_same_with_and_without_a_row():
    frame = FRAMES["A"].copy()
    frame.iloc[[0, 7, -1]] = [np.nan] * 4 + [0.0]
    frame.iloc[8] = np.nan
    without = frame.drop(frame.index[[0, 7, 8, -1]])
    one, other = make_minute_bundle({"A": frame}), make_minute_bundle({"A": without})
    assert one.fingerprint == other.fingerprint and one.manifest.minute_rows == len(without)


def test_an_asset_may_come_in_several_frames_but_not_back_in_time(tmp_path):
    frame = FRAMES["A"]
    minutes = writer(tmp_path)
    minutes.write([(0, frame[:100]), (1, frame[:50]), (0, frame[100:200])])
    minutes.write_sid(1, frame[50:])
    for again in (frame[150:300], frame[:20], frame[199:]):
        with pytest.raises(BadData, match=r"sid 0, .*: minutes up to 2019-11-27 17:50:00 are written already: pass"):
            minutes.write([(0, again)])
    assert {sid: asset.rows for sid, asset in minutes.assets.items()} == {0: 200, 1: len(frame)}


def content(bundle):
    blocks = range(len(bundle.minute_table.block_first) - 1)
    return [np.array(bundle.minute(field, block)) for block in blocks for field in OHLCV]


@settings(max_examples=10)
@given(
    st.lists(st.integers(0, 2000), max_size=4), st.booleans(), st.permutations("ABC"), st.sampled_from([1, 700, 10**9])
)
def test_how_bars_are_handed_over_does_not_matter(cuts, in_rounds, order, rows_in_memory):
    want = make_minute_bundle(FRAMES)
    pieces = {}
    for symbol in order:
        edges = [0, *sorted(cuts), len(FRAMES[symbol])]
        pieces[symbol] = [FRAMES[symbol][begin:end] for begin, end in zip(edges, edges[1:], strict=False)]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("rustybt.data.bundles.minute_writer.ROWS_IN_MEMORY", rows_in_memory)
        patch.setattr("rustybt.data.bundles.made_daily._ROWS_PER_BLOCK", rows_in_memory)
        got = make_minute_bundle(pieces, in_rounds=in_rounds)
    assert (got.fingerprint, got.manifest.sid_map) == (want.fingerprint, want.manifest.sid_map)
    assert got.manifest.minute_rows == want.manifest.minute_rows == sum(map(len, FRAMES.values()))
    stored = pd.read_parquet(got.path / "minutes" / "2019-12.parquet")
    assert stored.equals(stored.sort_values(["sid", "minute"], ignore_index=True))
    for one, other in zip(content(got), content(want), strict=True):
        np.testing.assert_array_equal(one, other)


def test_sids_and_names_do_not_enter_the_fingerprint():
    want = make_minute_bundle(FRAMES)
    other = make_minute_bundle(FRAMES, sids={"A": 9, "B": 2, "C": 5}, name="elsewhere")
    assert other.fingerprint == want.fingerprint and other.manifest.sid_map != want.manifest.sid_map
    np.testing.assert_array_equal(other.minute("close", 0)[:, 2], want.minute("close", 0)[:, 0])


@pytest.mark.parametrize("column", OHLCV)
def test_every_value_of_a_minute_enters_the_fingerprint(column):
    daily = {"A": bars([1.0] * 4, first="2019-11-27")}
    changed = FRAMES["A"].copy()
    changed.loc[changed.index[-1], column] = np.nextafter(changed[column].iloc[-1], 1e9)
    want = make_minute_bundle({"A": FRAMES["A"]}, daily=daily).fingerprint
    assert make_minute_bundle({"A": changed}, daily=daily).fingerprint != want


def test_the_label_enters_the_fingerprint():
    daily = {"A": bars([1.0], first="2019-11-29")}
    one, other = (
        make_minute_bundle({"A": labelled(f"2019-11-29 15:0{minute}")}, daily=daily).fingerprint for minute in (1, 2)
    )
    assert one != other


def test_a_bundle_without_minutes_has_the_fingerprint_it_always_had():
    frames = {"A": bars([1.0, 2.0, 3.0, 4.0]), "B": bars([5.0, 6.0, 7.0, 8.0])}
    bundle = make_bundle(frames, splits=[("A", "2020-01-03", 0.5)])
    assert bundle.fingerprint == "cce1d4cdb8ba49a7666ac310e234a0115838a7aec87cdbf4fe4f683123d0f793"
    assert bundle.manifest.minute_rows == bundle.manifest.market_minutes == 0
    assert not (bundle.path / "minutes").exists() and "breaks.parquet" not in bundle.manifest.files


def test_digests_of_years_do_not_depend_on_the_pieces():
    years, label_ns, values = np.repeat([2019, 2020, 2022], 4), np.arange(12), np.arange(60.0).reshape(5, 12)
    whole, single = RowDigests(), RowDigests()
    whole.add(years, label_ns, values)
    for row in range(12):
        single.add(years[row : row + 1], label_ns[row : row + 1], values[:, row : row + 1])
        single.digests()
    assert whole.digests() == single.digests() and sorted(whole.digests()) == [2019, 2020, 2022]
    negative = RowDigests()
    negative.add(years, label_ns, np.where(values == 0, -0.0, values))
    assert negative.digests() == whole.digests()


def test_frames_are_let_go_one_after_the_other():
    alive = []

    def frames():
        for sid in range(8):
            gc.collect()
            assert sum(one() is not None for one in alive) <= 1
            frame = minute_bars(minutes_of("2019-11-29"), sid)
            alive.append(weakref.ref(frame))
            yield sid, frame
            del frame

    def ingest(environ, assets, minutes, *rest):
        assets.write(equities=pd.DataFrame({"symbol": list("ABCDEFGH"), "exchange": "X"}))
        minutes.write(frames())

    bundles.register("stream", ingest)
    bundles.ingest("stream")
    bundles.unregister("stream")
    assert bundles.load("stream").manifest.minute_rows == 8 * 210


def test_bars_of_an_asset_that_nobody_described(tmp_path):
    def ingest(environ, assets, minutes, *rest):
        assets.write(equities=pd.DataFrame({"symbol": ["A"], "exchange": ["X"]}))
        minutes.write([(1, FRAMES["A"])])

    bundles.register("lost", ingest)
    with pytest.raises(BadData, match="minute bars of sid 1 were written, but asset_db_writer described no such asset"):
        bundles.ingest("lost")
    bundles.unregister("lost")
    assert bundles.versions("lost") == ()


def test_an_ingest_that_fails_leaves_nothing(monkeypatch):
    monkeypatch.setattr("rustybt.data.bundles.minute_writer.ROWS_IN_MEMORY", 1)
    bundle = make_minute_bundle({"A": FRAMES["A"]}, name="whole")
    bad = pd.concat([FRAMES["A"], FRAMES["A"]])
    with pytest.raises(BadData, match="the minute comes after"):
        make_minute_bundle({"A": FRAMES["A"], "B": bad}, name="whole")
    assert bundles.load("whole").version == bundle.version
    assert sorted(path.name for path in bundle.path.parent.iterdir()) == [".lock", bundle.version]


@pytest.mark.parametrize("frames", [[], [FRAMES["A"][:0]], [FRAMES["A"][:5] * np.nan]])
def test_no_bars_at_all(frames):
    with pytest.raises(BadData, match="wrote no daily bars and no minute bars: call daily_bar_writer.write or"):
        make_minute_bundle({"A": frames}, name="empty")


def test_nothing_but_the_files_of_the_manifest_is_left():
    bundle = make_minute_bundle(FRAMES)
    files = {path.relative_to(bundle.path).as_posix() for path in bundle.path.rglob("*") if path.is_file()}
    assert files == {*bundle.manifest.files, "manifest.json"}
    assert [path.name for path in (bundle.path / "minutes").iterdir() if path.is_dir()] == []


def test_the_manifest_counts_minutes_and_reports_sessions_without_any():
    frame = FRAMES["A"][FRAMES["A"].index.normalize() != "2019-11-29"]
    bundle = make_minute_bundle({"A": [frame[:390], frame[390:400], frame[400:]], "B": FRAMES["B"]})
    manifest = bundle.manifest
    assert (manifest.minute_rows, manifest.market_minutes) == (len(frame) + len(FRAMES["B"]), 390 * 3 + 210)
    assert (
        manifest.minute_gaps
        == manifest.gaps
        == {"A 0": {"missing": 1, "first": "2019-11-29", "spans": [["2019-11-29"] * 2]}}
    )
