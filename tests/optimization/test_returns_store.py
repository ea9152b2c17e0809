"""Does every trial's return come back bit for bit, wherever it lies, and does memory stay within its limit?"""

import gc
import os
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rustybt.errors import InvalidParameter, ResultCorrupt
from rustybt.optimization.returns_file import ReturnsFile, groups_of, write_returns
from rustybt.optimization.returns_store import ReturnsStore

FLOATS = st.floats(width=32, allow_nan=True, allow_infinity=True)
TRIALS = st.dictionaries(st.integers(0, 2**40), st.lists(FLOATS, max_size=6), max_size=8)


def packed(*values):
    return np.array(values, dtype=np.float32).tobytes()


def filled(store, count, bars=3):
    for number in range(count):
        store.add(number, packed(*range(number, number + bars)))
    return store


@given(trials=TRIALS, max_bytes=st.integers(0, 80))
def test_what_was_added_comes_back_and_memory_stays_within_its_limit(trials, max_bytes):
    with ReturnsStore(max_bytes) as store:
        for number, values in trials.items():
            store.add(number, packed(*values))
            assert store.bytes_in_memory <= max_bytes
        kept = {number: packed(*values) for number, values in sorted(trials.items()) if values}
        assert store.numbers == tuple(kept) and len(store) == len(kept)
        assert {number: returns.tobytes() for number, returns in store.items()} == kept
        assert {number: store.get(number).tobytes() for number in kept} == kept
        assert {number: store.bars(number) * 4 for number in trials} == {n: len(packed(*v)) for n, v in trials.items()}


def test_under_the_limit_nothing_is_written(tmp_path):
    store = filled(ReturnsStore(36, tmp_path), 3)
    assert (store.bytes_in_memory, store.bytes_on_disk, os.listdir(tmp_path)) == (36, 0, [])
    store.add(3, packed(1.0))
    assert store.bytes_in_memory == 4 and store.bytes_on_disk > 0


def test_items_may_be_chosen_and_rise():
    with ReturnsStore(24) as store:
        for number in (5, 1, 4, 2, 3):
            store.add(number, packed(number, number))
        assert [number for number, _ in store.items()] == [1, 2, 3, 4, 5]
        assert [(number, returns.tolist()) for number, returns in store.items([4, 1])] == [(1, [1, 1]), (4, [4, 4])]


@pytest.mark.parametrize("max_bytes", [0, 1000])
def test_a_frame_has_a_column_a_trial_of_the_whole_span(max_bytes):
    with ReturnsStore(max_bytes) as store:
        store.add(7, packed(0.25, 0.5, -0.5))
        store.add(2, packed(1.0, float("nan"), 3.0))
        store.add(3, packed(0.125))
        days = pd.date_range("2024-01-02", periods=3)
        frame = store.frame(sessions=days)
        assert (list(frame.columns), frame.index.equals(days), set(frame.dtypes)) == ([2, 7], True, {np.dtype("f4")})
        np.testing.assert_array_equal(frame, np.float32([[1.0, 0.25], [np.nan, 0.5], [3.0, -0.5]]))
        np.testing.assert_array_equal(store.frame([3, 7], pad=True)[3], np.float32([0.125, np.nan, np.nan]))
        assert list(store.frame([3]).columns) == [3]
        with pytest.raises(InvalidParameter, match="sessions has 2 labels and a trial 3 returns"):
            store.frame(sessions=days[:2])


def test_an_empty_store_is_an_empty_frame():
    assert ReturnsStore().frame().shape == (0, 0)
    assert ReturnsStore().frame(sessions=pd.date_range("2024-01-02", periods=3)).shape == (3, 0)


def test_a_trial_cannot_be_changed():
    store = filled(ReturnsStore(0), 1)
    for returns in (store.get(0), filled(ReturnsStore(), 1).get(0)):
        with pytest.raises(ValueError, match="read-only"):
            returns[0] = 1.0


def test_what_makes_no_sense_is_refused():
    store = filled(ReturnsStore(), 1)
    with pytest.raises(InvalidParameter, match="trial 0 has returns already"):
        store.add(0, packed(1.0))
    with pytest.raises(InvalidParameter, match="trial 1 are 3 bytes"):
        store.add(1, b"abc")
    for ask in (lambda: store.get(9), lambda: list(store.items([0, 9])), lambda: store.frame([9])):
        with pytest.raises(InvalidParameter, match="trial 9 has no returns"):
            ask()
    for limit in (-1, 1.5, True):
        with pytest.raises(InvalidParameter, match="max_bytes .* is no number of bytes"):
            ReturnsStore(limit)


def test_its_files_go_when_it_is_closed_or_collected(tmp_path):
    store = filled(ReturnsStore(0, tmp_path), 2)
    assert len(os.listdir(tmp_path)) == 1
    store.close()
    assert os.listdir(tmp_path) == [] and len(store) == 0
    store = filled(ReturnsStore(0, tmp_path), 2)
    del store
    gc.collect()
    assert os.listdir(tmp_path) == []


SCRIPT = """
import os, sys
from rustybt.optimization.returns_store import ReturnsStore
store = ReturnsStore(0, sys.argv[1])
store.add(0, bytes(8))
if os.fork() == 0:
    sys.exit()  # a fork that ends as a program does
os.wait()
print(len(os.listdir(sys.argv[1])), store.get(0).tolist())
"""


def test_its_files_outlive_a_fork_and_go_at_the_end_of_the_process(tmp_path):
    command = [sys.executable, "-W", "ignore::DeprecationWarning", "-c", SCRIPT, str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stdout == "1 [0.0, 0.0]\n"
    assert os.listdir(tmp_path) == []


def test_row_groups_are_small():
    item = np.zeros(1 << 14, dtype=np.float32)
    assert [len(group) for group in groups_of((n, item) for n in range(10))] == [4, 4, 2]


def test_a_file_that_stays_open_is_not_replaced(tmp_path):
    path, beside = tmp_path / "returns.parquet", tmp_path / "beside"
    write_returns(path, [(1, np.float32([0.5]))], {"key": "é"})
    store = ReturnsStore.of_file(ReturnsFile(path, stays_open=True))
    write_returns(beside, [(n, np.float32([n] * 1000)) for n in range(500)])
    beside.replace(path)
    assert store.get(1).tolist() == [0.5]
    store.close()
    assert path.exists()


@pytest.mark.parametrize("content", [b"", b"PAR1", b"no parquet at all"])
def test_what_is_no_file_of_returns_is_refused(tmp_path, content):
    path = tmp_path / "returns.parquet"
    path.write_bytes(content)
    for stays_open in (False, True):
        with pytest.raises(ResultCorrupt, match="cannot be read"):
            ReturnsFile(path, stays_open=stays_open)
    with pytest.raises(ResultCorrupt, match="cannot be read"):
        ReturnsFile(tmp_path / "missing", stays_open=True)
    pd.DataFrame({"a": [1]}).to_parquet(path)
    with pytest.raises(ResultCorrupt, match=r"its columns are \['a'\]"):
        ReturnsFile(path)


@pytest.mark.parametrize("numbers", [[2, 1], [1, 1]])
def test_trials_rise_in_a_file(tmp_path, numbers):
    write_returns(tmp_path / "r", [(number, np.float32([1.0])) for number in numbers])
    with pytest.raises(ResultCorrupt, match="trials do not rise"):
        ReturnsFile(tmp_path / "r")
