"""The same data has the same fingerprint, however it is kept and in however many steps it came."""

import os

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rustybt.data import bundles
from rustybt.errors import BadData, InvalidParameter
from tests.data.bundles.histories import (
    MINUTES,
    SESSIONS,
    columns,
    histories,
    ingested,
    minute_histories,
    split_in_two,
    write_csvs,
    write_long,
    write_parquets,
)

pytestmark = pytest.mark.filterwarnings("ignore::rustybt.errors.IngestWarning")


@pytest.fixture(scope="module")
def places(tmp_path_factory):
    """Give an environment with a data folder, and new folders as they are asked for."""
    environ = {"RUSTYBT_ROOT": str(tmp_path_factory.mktemp("root"))}
    return environ, lambda: tmp_path_factory.mktemp("source") / "data"


@settings(max_examples=int(os.environ.get("SAME_DATA_EXAMPLES", "12")))
@given(frames=histories(), seed=st.integers(0, 2**32 - 1))
def test_fingerprints_do_not_depend_on_how_data_is_kept(places, frames, seed):
    environ, folder = places
    rng = np.random.default_rng(seed)
    found = {ingested("plain", "frames", columns(frames), environ).fingerprint}
    for kind, write in (("csvdir", write_csvs), ("csvdir", write_parquets), ("parquetdir", write_long)):
        place = folder()
        write(place, frames, rng)
        found.add(ingested(write.__name__, kind, place, environ).fingerprint)
    assert len(found) == 1


@settings(max_examples=int(os.environ.get("SAME_DATA_EXAMPLES", "12")))
@given(frames=histories(), cut=st.integers(1, len(SESSIONS) - 1), overlaps=st.booleans(), late=st.booleans())
def test_what_came_in_two_steps_is_what_came_in_one(places, frames, cut, overlaps, late):
    environ, _ = places
    whole = ingested("whole", "frames", columns(frames), environ)
    before, after = split_in_two(columns(frames), SESSIONS[cut])
    if late and len(before) > 1:  # a symbol that nobody knew of, whose name comes first
        moved = min(before)
        after[moved] = columns(frames)[moved]
        del before[moved]
    if not before or not after:
        return
    bundles.clean("stepwise", keep_last=0, environ=environ) if bundles.versions("stepwise", environ) else None
    first = ingested("stepwise", "frames", before, environ)
    more = columns(frames) if overlaps else after
    second = ingested("stepwise", "frames", more, environ, append=True)
    assert second.fingerprint == whole.fingerprint
    sids = {equity.symbol: equity.sid for equity in first.asset_finder.equities}
    assert sids.items() <= {equity.symbol: equity.sid for equity in second.asset_finder.equities}.items()
    again = ingested("stepwise", "frames", more, environ, append=True)
    assert again.version == second.version, "nothing is new"


@settings(max_examples=int(os.environ.get("SAME_DATA_EXAMPLES", "12")))
@given(frames=minute_histories(), cut=st.integers(1, len(MINUTES) - 1), overlaps=st.booleans(), restates=st.booleans())
def test_minutes_that_came_in_two_steps_are_those_that_came_in_one(places, frames, cut, overlaps, restates):
    """A step may end inside of a session: its daily bar is made again of all its minutes."""
    environ, _ = places
    whole = ingested("whole", "frames", columns(frames), environ)
    before, after = split_in_two(columns(frames), MINUTES[cut])
    if not before or not after:
        return
    bundles.clean("stepwise", keep_last=0, environ=environ) if bundles.versions("stepwise", environ) else None
    if restates:  # the past was known with other prices
        before = {symbol: frame.assign(high=frame["high"] * 2.0) for symbol, frame in before.items()}
    ingested("stepwise", "frames", before, environ)
    more = columns(frames) if overlaps or restates else after
    second = ingested("stepwise", "frames", more, environ, append=True, restate=restates)
    assert (second.fingerprint, second.manifest.minute_rows) == (whole.fingerprint, whole.manifest.minute_rows)
    assert second.manifest.daily_from_minutes
    again = ingested("stepwise", "frames", more, environ, append=True)
    assert again.version == second.version, "nothing is new"


def test_minutes_of_the_past_that_changed_are_refused(places):
    environ, _ = places
    frame = frames_of(1, 2, 3)["A"].set_axis(MINUTES[:3])
    first = ingested("changed", "frames", {"A": frame}, environ)
    other = {"A": frame.assign(high=[1.0, 9.0, 3.0])}
    with pytest.raises(BadData, match=r"A \(sid 0\), 2020-01-02 14:38:00: high was 2 and is 9; 1 bars of the past"):
        ingested("changed", "frames", other, environ, append=True)
    assert bundles.load("changed", environ).version == first.version


def frames_of(*closes):
    import pandas as pd

    days = SESSIONS[: len(closes)]
    made = {name: list(map(float, closes)) for name in ("open", "high", "low", "close")}
    return {"A": pd.DataFrame({**made, "volume": 1.0}, index=days)}


def test_a_past_that_changed_is_refused_unless_it_is_restated(data_root):
    environ = {"RUSTYBT_ROOT": str(data_root)}
    first = ingested("mine", "frames", frames_of(1, 2, 3), environ)
    with pytest.raises(BadData, match=r"A \(sid 0\), 2019-12-23: open was 2 and is 2.5; 1 bars of the past are others"):
        ingested("mine", "frames", frames_of(1, 2.5, 3, 4), environ, append=True)
    assert bundles.load("mine", environ).version == first.version
    restated = ingested("mine", "frames", frames_of(1, 2.5, 3, 4), environ, append=True, restate=True)
    assert restated.daily("close")[:, 0].tolist() == [1.0, 2.5, 3.0, 4.0]
    assert restated.fingerprint == ingested("other", "frames", frames_of(1, 2.5, 3, 4), environ).fingerprint
    with pytest.raises(InvalidParameter, match="restate changes what append goes on from: give append too"):
        ingested("mine", "frames", frames_of(1), environ, restate=True)


def test_what_does_not_come_again_stays(data_root):
    environ = {"RUSTYBT_ROOT": str(data_root)}
    both = {**frames_of(1, 2, 3), "B": frames_of(5, 6, 7)["A"]}
    ingested("mine", "frames", both, environ)
    second = ingested("mine", "frames", {"B": frames_of(5, 6, 7, 8)["A"]}, environ, append=True)
    assert second.daily("close")[-1].tolist()[1] == 8.0
    assert [equity.symbol for equity in second.asset_finder.equities] == ["A", "B"]
    assert second.daily("close")[:3, 0].tolist() == [1.0, 2.0, 3.0]


def test_changed_dividends_are_refused_unless_they_are_restated(data_root):
    environ = {"RUSTYBT_ROOT": str(data_root)}
    frames = frames_of(1, 2, 3)
    paid = {"A": frames["A"].assign(dividend=[0.0, 0.1, 0.0])}
    ingested("mine", "frames", paid, environ)
    other = {"A": frames["A"].assign(dividend=[0.0, 0.2, 0.0])}
    with pytest.raises(
        BadData, match=r"A \(sid 0\), 2019-12-23: dividends are others than they were .amount 0.1, now amount 0.2."
    ):
        ingested("mine", "frames", other, environ, append=True)
    restated = ingested("mine", "frames", other, environ, append=True, restate=True)
    assert restated.adjustments.dividends["amount"].tolist() == [0.2]


def test_another_calendar_cannot_go_on(data_root):
    environ = {"RUSTYBT_ROOT": str(data_root)}
    ingested("mine", "frames", frames_of(1, 2, 3), environ)
    with pytest.raises(InvalidParameter, match="'mine' has calendar XNYS and price quantum 0.001, the new data 24/7"):
        ingested("mine", "frames", frames_of(1, 2, 3), environ, append=True, calendar_name="24/7")
