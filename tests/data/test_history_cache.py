"""Blocks that all backtests of a process share: never more than the limit, never another number than without them."""

import functools
import subprocess
import sys
import threading
from contextlib import nullcontext

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rustybt.data import history
from rustybt.data.bar_data import BarData
from rustybt.data.history import HISTORY_FIELDS
from rustybt.data.history_cache import (
    BYTES_A_NOTE,
    ENTRY_BYTES,
    BlockKey,
    HistoryCache,
    disable_history_cache,
    shared_history,
)
from rustybt.data.instant import Instant
from rustybt.data.market import DailyMarket
from rustybt.data.minute_market import MinuteMarket
from rustybt.data.portal import Portal
from rustybt.errors import HistoryWindowStartsBeforeData, InvalidParameter
from tests.builders import bars, days, make_bundle
from tests.minute_builders import make_minute_bundle, minute_bars, minutes_of


def key(number: int, **changes) -> BlockKey:
    return BlockKey(("f", "s", 0.001), (1, 2), "close", number, 64, "1d")._replace(**changes)


@given(
    st.integers(0, 50_000),
    st.lists(st.tuples(st.integers(0, 30), st.integers(0, 4_000)), max_size=60),
    st.integers(0, 50_000),
)
def test_it_never_holds_more_than_its_limit(limit, requests, later):
    cache, made = HistoryCache(limit), 0
    for number, size in requests:
        rows = cache.get(key(number), lambda size=size: np.full((size, 1), 1.0))
        made += 1
        found = cache.statistics
        assert found.total_bytes <= limit
        assert found.total_bytes >= found.blocks * ENTRY_BYTES
        assert not rows.flags.writeable
    found = cache.statistics
    assert found.hits + found.misses == made
    assert found.blocks + found.evictions <= found.misses
    cache.max_memory_bytes = later
    assert cache.statistics.total_bytes <= later


def test_what_was_asked_for_longest_ago_goes_first():
    rows = np.ones((100, 1))
    cache = HistoryCache(3 * (800 + ENTRY_BYTES + 16))
    for number in (1, 2, 3, 1, 4):
        cache.get(key(number), rows.copy)
    before = cache.statistics
    assert (before.hits, before.misses, before.evictions, before.blocks) == (1, 4, 1, 3)
    for number in (1, 3, 4):
        cache.get(key(number), rows.copy)
    assert cache.statistics.hits == before.hits + 3
    cache.max_memory_bytes = 2 * (800 + ENTRY_BYTES + 16)
    cache.get(key(1), rows.copy)
    assert cache.statistics.misses == before.misses + 1


@pytest.mark.parametrize(
    "changes",
    [
        {"source": ("g", "s", 0.001)},
        {"source": ("f", "t", 0.001)},
        {"source": ("f", "s", None)},
        {"sids": (2, 1)},
        {"field": "open"},
        {"end": 8},
        {"length": 63},
        {"frequency": "5m"},
    ],
)
def test_each_part_of_a_key_tells_blocks_apart(changes):
    cache = HistoryCache()
    cache.get(key(7), lambda: np.zeros((1, 1)))
    assert cache.get(key(7, **changes), lambda: np.ones((1, 1)))[0, 0] == 1.0


def test_threads_get_their_own_blocks_and_the_counts_are_whole():
    cache, wrong = HistoryCache(40_000), []

    def work(seed: int) -> None:
        for number in np.random.default_rng(seed).integers(0, 60, 500).tolist():
            rows = cache.get(key(number), lambda number=number: np.full((100, 1), float(number)))
            if rows[0, 0] != number:
                wrong.append(number)

    threads = [threading.Thread(target=work, args=(seed,)) for seed in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    found = cache.statistics
    assert not wrong and found.hits + found.misses == 2000 and found.total_bytes <= 40_000


def test_an_error_of_what_makes_a_block_leaves_nothing():
    cache = HistoryCache()
    with pytest.raises(ZeroDivisionError):
        cache.get(key(1), lambda: np.ones((1, 1)) * (1 // 0))
    assert cache.statistics == HistoryCache().statistics


@pytest.mark.parametrize("limit", [-1, True, 1.5, "1"])
def test_a_limit_is_a_number_of_bytes(limit):
    with pytest.raises(InvalidParameter, match="max_memory_bytes .* is no whole number of 0 or more"):
        HistoryCache(limit)
    with pytest.raises(InvalidParameter, match="max_memory_bytes"):
        shared_history().max_memory_bytes = limit


@pytest.fixture(scope="module")
def adjusted():
    """Three assets over 400 sessions with some twenty events."""
    draw = np.random.default_rng(3)
    frames = {s: bars(np.round(50 * np.exp(np.cumsum(draw.normal(0, 0.02, 400))), 3)) for s in "ABC"}
    sessions = days(400)
    when = sorted(draw.choice(np.arange(5, 395), 18, replace=False).tolist())
    splits = [("ABC"[n % 3], str(sessions[row].date()), 0.5 if n % 2 else 2.0) for n, row in enumerate(when[:6])]
    dividends = [
        ("ABC"[n % 3], str(sessions[row].date()), str(sessions[row + 1].date()), 0.37) for n, row in enumerate(when[6:])
    ]
    return make_bundle(frames, splits=splits, dividends=dividends)


def windows(bundle, requests) -> list[bytes]:
    """Give the windows that a backtest would be given, in a portal that has no history."""
    portal = Portal(bundle)
    data = BarData(DailyMarket(portal))
    found = []
    for row, chosen, field, count in requests:
        data._move(Instant(row, row, portal.close_times[row]))
        assets = [portal.finder.equities[place] for place in chosen]
        found.append(data.window(assets, field, min(count, row + 1)).tobytes())
    return found


requests = st.lists(
    st.tuples(
        st.integers(0, 399),
        st.sampled_from([(0, 1, 2), (1,), (2, 0)]),
        st.sampled_from(HISTORY_FIELDS),
        st.integers(1, 300),
    ),
    min_size=1,
    max_size=30,
)


@given(requests, requests)
def test_windows_are_the_same_with_and_without_it_whatever_was_asked_before(adjusted, one, other):
    with disable_history_cache() as cache:
        before = cache.statistics
        plain = [windows(adjusted, [request])[0] for request in (*one, *other)]
        assert cache.statistics[:2] == before[:2], "nothing is looked for"
    assert windows(adjusted, [*one, *other]) == plain
    assert windows(adjusted, [*other, *one]) == plain[len(one) :] + plain[: len(one)]


def test_a_third_backtest_over_the_same_assets_makes_no_block(adjusted):
    wanted = [(row, (0, 1, 2), field, 40) for row in range(60, 400) for field in ("close", "volume")]
    shared_history().clear()
    first = windows(adjusted, wanted)
    assert windows(adjusted, wanted) == first  # it keeps the blocks that few sessions read
    before = shared_history().statistics
    assert windows(adjusted, wanted) == first
    after = shared_history().statistics
    assert after.misses == before.misses and after.hits > before.hits
    assert after.seconds_saved > before.seconds_saved


def held_bytes(portals: list[Portal]) -> int:
    """Add up all blocks that lie with the assets of some portals, each once."""
    found = {}
    for portal in portals:
        for chosen in [(0, 1, 2), (1,), (2, 0), (0, 1), (1, 2)]:
            selection = portal.selection(tuple(portal.finder.equities[place] for place in chosen))
            found |= {id(kept.rows): kept.rows.nbytes for kept in selection.kept.values()}
    return sum(found.values())


@pytest.mark.parametrize("is_on", [True, False])
@pytest.mark.parametrize("limit", [0, 4_000, 30_000])
def test_blocks_at_hand_count_towards_the_limit(adjusted, limit, is_on, monkeypatch):
    cache = HistoryCache(limit)
    monkeypatch.setattr(history, "shared_history", lambda: cache)
    portals, draw = [Portal(adjusted) for _ in range(3)], np.random.default_rng(limit)
    wrong = 0
    for _ in range(300):
        portal, row = portals[draw.integers(3)], int(draw.integers(60, 400))
        chosen = [(0, 1, 2), (1,), (2, 0), (0, 1), (1, 2)][draw.integers(5)]
        assets = [portal.finder.equities[place] for place in chosen]
        bars, field = int(draw.integers(1, 60)), str(draw.choice(["close", "volume"]))
        with nullcontext() if is_on else cache.paused():
            rows = history.daily_window(portal, assets, row, bars, field)
        wrong += not np.array_equal(rows, expected_window(adjusted, assets, row, bars, field), equal_nan=True)
        assert held_bytes(portals) <= cache.statistics.total_bytes <= limit
    assert not wrong
    assert limit == 0 or held_bytes(portals) > 0
    cache.clear()
    assert held_bytes(portals) == 0 and cache.statistics.total_bytes == 0


@functools.cache
def plain_portal(bundle) -> Portal:
    return Portal(bundle)


def expected_window(bundle, assets, row, bars, field):
    """Adjust a window by itself, with nothing kept."""
    portal = plain_portal(bundle)
    own = portal.selection(tuple(portal.finder.equities[asset.column] for asset in assets))
    start = row - bars + 1
    if not own.factors(field, start, row):
        return own.rows(portal.reported(field), start, row + 1)
    rows = np.array(own.rows(portal.array(field), start, row + 1))
    for at, k, factor in own.factors(field, start, row):
        rows[: at - start, k] *= factor
    return portal.rounded(rows)


def test_a_pause_is_of_one_thread():
    seen = []
    with shared_history().paused():
        thread = threading.Thread(target=lambda: seen.append(shared_history().is_on))
        thread.start()
        thread.join()
        assert not shared_history().is_on
    assert seen == [True] and shared_history().is_on


def test_a_process_that_is_forked_while_a_thread_changes_blocks_does_not_wait_for_it():
    script = """
import os, signal, threading
from rustybt.data.history_cache import shared_history
from rustybt.data.predictions import shared_predictions
held, done = threading.Event(), threading.Event()
def hold():
    with shared_history()._lock, shared_predictions()._lock:
        held.set()
        done.wait(30)
threading.Thread(target=hold).start()
held.wait()
child = os.fork()
if child == 0:
    signal.alarm(10)
    shared_history().clear()
    shared_predictions().clear()
    os._exit(3)
print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
done.set()
"""
    done = subprocess.run([sys.executable, "-W", "ignore", "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "3"


def test_blocks_that_few_sessions_read_are_kept_from_the_second_backtest_on():
    """Some asset of 30 has an event nearly every day: one backtest would fill memory with what it reads once."""
    frames = {f"S{n:02}": bars([10.0 + n] * 200) for n in range(30)}
    sessions = days(200)
    dividends = [
        (name, str(sessions[row].date()), str(sessions[row + 1].date()), 0.3)
        for n, name in enumerate(frames)
        for row in range(2 + n, 198, 30)
    ]
    bundle = make_bundle(frames, dividends=dividends)
    wanted = [(row, tuple(range(30)), "close", 20) for row in range(40, 200)]
    shared_history().clear()
    kept = []
    found = []
    for _ in range(3):
        found.append(windows(bundle, wanted))
        kept.append(shared_history().statistics.blocks)
    assert found[0] == found[1] == found[2]
    assert kept[0] == 0 and kept[1] == kept[2] >= 150


def test_a_block_repays_from_its_second_request_on_and_the_oldest_note_goes_first():
    cache = HistoryCache(3 * BYTES_A_NOTE)
    assert [cache.repays(key(number)) for number in (1, 2, 1, 2, 3, 4, 1)] == [
        False, False, True, True, False, False, False,
    ]  # fmt: skip
    cache.max_memory_bytes = 0
    assert not cache.repays(key(2)) and not cache.repays(key(2))


def test_assets_that_are_asked_for_once_get_no_bars_but_their_own():
    """A strategy that looks at other candidates each bar needs 4 bars of them, not a session's."""
    labels = minutes_of("2019-11-27", "2019-11-28")
    market = MinuteMarket(Portal(make_minute_bundle({f"S{n}": minute_bars(labels, n) for n in range(5)})))
    data, equities = BarData(market), market.portal.finder.equities
    moments = market.instants_of(market.row_of(0))
    shared_history().clear()
    for minute, pair in ((100, equities[:2]), (150, equities[1:3]), (200, equities[3:])):
        data._move(moments[minute])
        data.window(pair, "close", 4, "5m")
    assert shared_history().statistics.blocks == 0
    data._move(moments[230])
    data.window(equities[:2], "close", 4, "5m")
    assert shared_history().statistics.blocks == 1


@pytest.mark.parametrize("frequency", ["3m", "7m", "400m"])
@pytest.mark.parametrize("field", HISTORY_FIELDS)
def test_bars_of_minutes_are_the_same_with_and_without_it(frequency, field):
    labels = minutes_of("2019-11-27", "2019-12-02")
    frames = {
        "A": minute_bars(labels, 1),
        "B": minute_bars(labels, 2).iloc[::7],
        "BEGINS": minute_bars(labels, 3).iloc[300:],
        "ENDS": minute_bars(labels, 4).iloc[:500],
    }
    splits = pd.DataFrame([{"sid": 0, "effective_date": pd.Timestamp("2019-12-02"), "ratio": 0.5}])
    market = MinuteMarket(Portal(make_minute_bundle(frames, splits=splits)))
    data, equities = BarData(market), market.portal.finder.equities
    moments = [at for row in range(len(market.portal.session_ns)) for at in market.instants_of(row)][::23]

    def seen() -> list[bytes]:
        found = []
        for at in moments:
            data._move(at)
            for count in (1, 2, 5):
                try:
                    found.append(data.window(equities, field, count, frequency).tobytes())
                except HistoryWindowStartsBeforeData:
                    found.append(b"before the data")
        return found

    with disable_history_cache():
        plain = seen()
    before = shared_history().statistics
    assert seen() == plain == seen()
    after = shared_history().statistics
    assert after.hits > before.hits
