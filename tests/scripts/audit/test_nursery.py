"""Each run has a fresh process, whose errors are told, and one that does not end is ended."""

import json

import pytest

from rustybt.data.bundles import ingest
from scripts.benchmarks.audit import nursery
from scripts.benchmarks.audit.nursery import Nursery, SideFailed
from scripts.benchmarks.audit.workload import Scale

TINY = Scale("mag-7", "2023-01-01", "2023-01-31", 2, 1)


@pytest.fixture
def asked(data_root):
    ingest("mag-7", show_progress=False)
    made = Nursery()
    yield lambda **changes: made.ask(request_of(**changes))
    made.close()


def request_of(**changes):
    return {"kind": "loop", "scale": TINY._replace(**changes)._asdict()}


def test_runs_find_the_same_in_processes_that_know_nothing_of_one_another(asked):
    first, second = asked(), asked()
    assert first.digest == second.digest and first.seconds > 0
    assert asked(backtests=2).digest != first.digest


def test_an_error_of_a_run_is_told_and_the_next_one_works(asked):
    with pytest.raises(SideFailed, match=r"ended with exit code 1:\n(.|\n)*UnknownBundle: bundle 'nope'"):
        asked(bundle="nope")
    assert asked().seconds > 0


def test_a_run_that_does_not_end_is_ended(asked, monkeypatch):
    assert asked().seconds > 0
    monkeypatch.setattr(nursery, "TIMEOUT_S", 0.05)
    with pytest.raises(SideFailed, match="took longer than 0.05 s"):
        asked(backtests=400)
    monkeypatch.setattr(nursery, "TIMEOUT_S", 60)
    assert json.dumps(asked().notes) == "{}", "another one is started"


def test_runs_in_turns_find_what_they_find_alone_and_one_that_fails_is_told(asked):
    made = asked.__closure__[0].cell_contents
    alone, other = asked(backtests=3), asked(backtests=2)
    found = made.ask_in_turns([request_of(backtests=3), request_of(backtests=2), request_of(backtests=3)])
    assert [one.digest for one in found] == [alone.digest, other.digest, alone.digest]
    assert all(one.seconds > 0 for one in found)
    assert made.ask_in_turns([request_of(backtests=2)])[0].digest == other.digest
    with pytest.raises(SideFailed, match="UnknownBundle: bundle 'nope'"):
        made.ask_in_turns([request_of(), request_of(bundle="nope")])
    assert asked().seconds > 0
