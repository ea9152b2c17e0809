"""The stress run fails where trials fail, memory grows, or a pool leaves anything behind."""

import os
import subprocess
import sys
from multiprocessing import shared_memory

import pytest

from scripts.benchmarks import stress
from scripts.benchmarks.stress_failed import StressFailed
from scripts.benchmarks.stress_traces import CHILDREN, DRIVER, Held, Surroundings, growth_of, held_by

MB = 1 << 20


class Failing(stress.Turns):
    def handle_data(self, context, data):
        if self.days % 2:
            raise ValueError("fails in some trials")


@pytest.mark.parametrize("part", ["strategies", "caches", "memory"])
def test_a_failed_trial_fails_the_part(part, monkeypatch, capsys):
    monkeypatch.setattr(stress, "Turns", Failing)
    assert stress.main(["--quick", "--only", part]) == 1
    shown = capsys.readouterr().out
    assert shown.startswith(f"{part}: FAILED: ") and "trials are not complete; the first: " in shown
    assert "fails in some trials" in shown


def test_one_failed_part_does_not_hide_another(monkeypatch, capsys):
    def fail(quick):
        raise StressFailed("too much")

    monkeypatch.setattr(stress, "PARTS", {"first": fail, "second": lambda quick: "holds"})
    assert stress.main([]) == 1
    shown = capsys.readouterr().out
    assert "first: FAILED: too much" in shown and "second: holds" in shown


def test_a_worker_that_was_replaced_fails_the_part(monkeypatch):
    def search_in(pool, strategy, search_in=stress.search_in):
        search_in(pool, strategy)
        if len(pool.statistics) == 2:
            os.kill(pool.pids[0], 9)

    stress.ingest("mag-7", show_progress=False)
    monkeypatch.setattr(stress, "search_in", search_in)
    with pytest.raises(StressFailed, match="workers were replaced: "):
        stress.watch_memory(3, 2, 0)


def test_growth_of_the_driver_alone_is_found():
    counts = list(range(200, 4_200, 200))
    held = [{DRIVER: Held(50 * MB + 2_000 * n, 60 * MB + 2_000 * n), CHILDREN: Held(9 * MB, 9 * MB)} for n in counts]
    found = growth_of(counts, held, warm_up=1_000)
    assert found.slope == pytest.approx(2_000) and found.parts == {DRIVER: pytest.approx(2_000), CHILDREN: 0.0}
    with pytest.raises(StressFailed, match=r"memory grows.*\+2,000 bytes a backtest \(driver \+2,000"):
        stress.require_flat(found)


def test_what_grows_only_at_first_is_flat():
    counts = list(range(200, 4_200, 200))
    held = [{DRIVER: Held(n, min(n, 1_200) * 9_000)} for n in counts]
    stress.require_flat(growth_of(counts, held, warm_up=1_000))
    with pytest.raises(StressFailed, match="2 measurements after 3,700 backtests: a slope takes 3 or more"):
        growth_of(counts, held, warm_up=3_700)


def test_memory_is_that_of_driver_and_processes():
    before = Surroundings.now()
    code = "kept = bytearray(b'x') * (64 << 20); print('made', flush=True); input()"
    with subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as child:
        child.stdout.readline()
        held = held_by(before.children)
        child.communicate(b"\n")
    assert 64 * MB < held[CHILDREN].own < 128 * MB
    kept = bytearray(b"x") * (64 * MB)
    assert held_by()[DRIVER].own > held[DRIVER].own + len(kept) * 0.9


def test_a_file_that_is_left_open_is_found(tmp_path):
    before = Surroundings.now()
    with (tmp_path / "left").open("w"), pytest.raises(StressFailed, match="file descriptors are left: .*/left'"):
        before.require_nothing_left()
    before.require_nothing_left()


def test_a_process_that_is_left_is_found():
    before = Surroundings.now()
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as child:
        now = Surroundings(Surroundings.now().descriptors, before.children, before.segments)
        with pytest.raises(StressFailed, match=f"processes are left: .*{child.pid}"):
            now.require_nothing_left()
        child.communicate(b"\n")


def test_a_shared_segment_that_is_left_is_found():
    before = Surroundings.now()
    segment = shared_memory.SharedMemory(create=True, size=4_096)
    try:
        now = Surroundings(Surroundings.now().descriptors, Surroundings.now().children, before.segments)
        with pytest.raises(StressFailed, match=f"shared memory is left in /dev/shm: .*{segment.name.strip('/')}"):
            now.require_nothing_left()
    finally:
        segment.close()
        segment.unlink()
