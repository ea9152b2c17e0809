"""Which trials are blamed for the end of a worker? By endings that are hand-made, apart from any process."""

import pytest

from rustybt.optimization.trial import TrialStatus
from rustybt.optimization.workers.ending import Ending, MemoryShortage, oom_kills
from rustybt.optimization.workers.returns import MAX_DEATHS, MAX_DEATHS_FROM_OUTSIDE, Returns
from rustybt.optimization.workers.seat import Queued, Verdict

SEGFAULT, KILLED, EXITED, UNKNOWN = Ending.of(-11), Ending.of(-9), Ending.of(3), Ending("is not known")
TIMEOUT = Verdict(TrialStatus.TIMEOUT, "it ran past its limit of 1 s")


@pytest.fixture
def returned(tmp_path):
    made = Returns()
    made.shortage = MemoryShortage(tmp_path / "vmstat")
    return made


def outcomes_of(returned, *ends):
    """Give what comes of a lone task whose worker ends again and again, end by end."""
    task = Queued(7, "payload", alone=True)
    for ending, verdict in ends:
        outcomes = returned.judge([task], 1, ending, verdict, innocent=False)
        if outcomes:
            return outcomes[0][1]
        task = returned.suspects.popleft()
    return None


@pytest.mark.parametrize("ending", [SEGFAULT, EXITED])
def test_two_deaths_by_its_own_doing_are_enough(returned, ending):
    assert outcomes_of(returned, (ending, None)) is None
    outcome = outcomes_of(returned, (ending, None), (ending, None))
    assert outcome.status is TrialStatus.CRASHED
    assert outcome.error == f"tried 2 times; the last time its worker process {ending.text}"
    assert outcome.worker == 1


@pytest.mark.parametrize("ending", [KILLED, Ending.of(-15), UNKNOWN])
def test_kills_from_outside_need_many(returned, ending):
    assert outcomes_of(returned, *[(ending, None)] * (MAX_DEATHS_FROM_OUTSIDE - 1)) is None
    assert outcomes_of(returned, *[(ending, None)] * MAX_DEATHS_FROM_OUTSIDE).status is TrialStatus.CRASHED
    assert MAX_DEATHS < MAX_DEATHS_FROM_OUTSIDE


def test_a_kill_from_outside_before_does_not_hide_a_crash(returned):
    assert outcomes_of(returned, (KILLED, None), (SEGFAULT, None)) is None
    outcome = outcomes_of(returned, (KILLED, None), (SEGFAULT, None), (SEGFAULT, None))
    assert outcome.error == "tried 3 times; the last time its worker process was killed by SIGSEGV"


def test_a_kill_by_the_pool_is_the_tasks_own_doing(returned):
    outcome = outcomes_of(returned, (KILLED, TIMEOUT), (KILLED, TIMEOUT))
    assert (outcome.status, outcome.error) == (
        TrialStatus.TIMEOUT,
        "tried 2 times; the last time it ran past its limit of 1 s",
    )


def test_a_kill_for_want_of_memory_is_the_tasks_own_doing(returned, tmp_path):
    (tmp_path / "vmstat").write_text("nr_free_pages 10\noom_kill 3\n")
    returned.shortage = MemoryShortage(tmp_path / "vmstat")
    task = Queued(7, "payload", alone=True)
    for count in (4, 6):
        (tmp_path / "vmstat").write_text(f"nr_free_pages 10\noom_kill {count}\n")
        outcomes = returned.judge([task], 1, KILLED, None, innocent=False)
        task = returned.suspects.popleft() if returned.suspects else None
    ((number, outcome),) = outcomes
    assert (number, outcome.status) == (7, TrialStatus.CRASHED)
    assert outcome.error == (
        "tried 2 times; the last time its worker process was killed by SIGKILL, as the system was out of memory: "
        "limit it, or run fewer workers"
    )


def test_a_kill_while_the_count_stands_still_is_from_outside(tmp_path):
    (tmp_path / "vmstat").write_text("oom_kill 3\n")
    shortage = MemoryShortage(tmp_path / "vmstat")
    assert not shortage.explains(KILLED)
    (tmp_path / "vmstat").write_text("oom_kill 4\n")
    assert not shortage.explains(SEGFAULT)
    assert shortage.explains(KILLED)
    assert not shortage.explains(KILLED)
    assert oom_kills(tmp_path / "none") == 0


def test_no_task_of_several_is_blamed_and_each_is_next_alone(returned):
    chunk = [Queued(number, "x") for number in (4, 5, 6)]
    returned.put_back([Queued(9, "x"), Queued(10, "x")])
    assert returned.judge(chunk, 1, SEGFAULT, None, innocent=False) == []
    assert [returned.next_chunk(10) for _ in range(4)] == [
        [Queued(4, "x", alone=True)],
        [Queued(5, "x", alone=True)],
        [Queued(6, "x", alone=True)],
        [Queued(9, "x"), Queued(10, "x")],
    ]
    assert not returned.suspects


def test_a_task_that_ran_while_the_pool_ended_its_worker_for_another_is_as_before(returned):
    returned.judge([Queued(4, "x")], 1, KILLED, None, innocent=True)
    assert list(returned.tasks) == [Queued(4, "x")]
