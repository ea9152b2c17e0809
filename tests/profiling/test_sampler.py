"""Does the sampler see where the main thread is, and leave everything else alone?"""

import os
import random
import signal
import threading
import time

import pytest

from rustybt.errors import CannotProfile
from rustybt.profiling.sampler import INTERVAL_S, Place, Sampler, Samples, add_stacks, is_written_by_user
from tests.profiling.burning import burn, burn_twice


def sampled(function, *arguments, interval_s=INTERVAL_S):
    sampler = Sampler(interval_s)
    sampler.start()
    try:
        function(*arguments)
    finally:
        sampler.stop()
    return sampler.take()


def share(samples, wanted):
    """Give the share of the time whose stack has such a place."""
    seen = sum(seconds for stack, seconds in samples.stacks.items() if any(map(wanted, stack)))
    return seen / sum(samples.stacks.values())


@pytest.fixture(autouse=True)
def timer_is_as_before():
    yield
    assert signal.getsignal(signal.SIGALRM) is signal.SIG_DFL
    assert signal.getitimer(signal.ITIMER_REAL) == (0.0, 0.0)


def test_busy_code_is_seen_with_its_callers_and_lines():
    samples = sampled(burn_twice, 0.3)
    assert samples.seconds >= 0.3
    assert not samples.was_stopped
    assert sum(samples.stacks.values()) == pytest.approx(samples.seconds, abs=0.05)
    assert share(samples, lambda place: place.function == "burn") > 0.9
    first = burn_twice.__code__.co_firstlineno
    for line in (first + 1, first + 2):
        assert 0.3 < share(samples, lambda place, at=line: (place.function, place.line) == ("burn_twice", at)) < 0.7
    files = {place.file for stack in samples.stacks for place in stack if place.is_users}  # not the call that stops it
    assert files == {"test_sampler.py", "burning.py"}
    assert {stack[0].function for stack in samples.stacks} == {"sampled"}


def test_waiting_is_seen_where_it_waits():
    samples = sampled(time.sleep, 0.2)
    assert samples.seconds == pytest.approx(0.2, abs=0.1)
    assert share(samples, lambda place: place.function == "sampled") == 1.0


def test_short_pieces_are_seen_at_every_age():
    """A piece shorter than the interval is seen in its beginning as often as in its end."""
    sampler = Sampler(0.004)
    for _ in range(150):
        sampler.start()
        early(0.0015)
        late(0.0015)
        sampler.stop()
    samples = sampler.take()
    assert 0.25 < share(samples, lambda place: place.function == "early") < 0.75
    assert sum(samples.stacks.values()) == pytest.approx(samples.seconds, rel=0.4)


def early(seconds):
    burn(seconds)


def late(seconds):
    burn(seconds)


def test_what_was_taken_is_forgotten():
    sampler = Sampler()
    for _ in range(2):
        sampler.start()
        burn(0.02)
        sampler.stop()
        samples = sampler.take()
        assert 0.02 <= samples.seconds < 0.5
    assert sampler.take() == Samples(0.0, {})


def test_drawn_numbers_do_not_depend_on_it():
    random.seed(1)
    before = random.getstate()
    sampled(burn, 0.02)
    assert random.getstate() == before


def test_another_thread_cannot_be_sampled():
    errors = []

    def attempt():
        with pytest.raises(CannotProfile, match="main thread") as caught:
            Sampler().start()
        errors.append(caught)

    thread = threading.Thread(target=attempt)
    thread.start()
    thread.join()
    assert len(errors) == 1


def test_one_at_a_time():
    sampler = Sampler()
    sampler.start()
    try:
        with pytest.raises(CannotProfile, match="SIGALRM is in use"):
            Sampler().start()
    finally:
        sampler.stop()


def test_a_system_without_timers_is_told(monkeypatch):
    monkeypatch.delattr(signal, "setitimer")
    with pytest.raises(CannotProfile, match="does not have"):
        Sampler().start()


def test_a_timer_of_the_programs_is_left_alone():
    signal.setitimer(signal.ITIMER_REAL, 100)
    try:
        with pytest.raises(CannotProfile, match="SIGALRM is in use"):
            Sampler().start()
        assert signal.getitimer(signal.ITIMER_REAL)[0] > 50
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)


def use_an_alarm():
    """What a strategy does that limits the time of a call."""
    before = signal.signal(signal.SIGALRM, lambda *_: None)
    signal.alarm(100)
    burn(0.02)
    signal.alarm(0)
    signal.signal(signal.SIGALRM, before)


def test_a_program_that_takes_the_timer_gets_it_and_is_told():
    assert sampled(use_an_alarm).was_stopped


def test_a_program_that_keeps_the_timer_keeps_it():
    def keep():
        signal.signal(signal.SIGALRM, signal.SIG_IGN)
        signal.alarm(100)

    try:
        assert sampled(keep).was_stopped
        assert signal.getsignal(signal.SIGALRM) is signal.SIG_IGN
        assert signal.alarm(0) > 50
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, signal.SIG_DFL)


@pytest.mark.parametrize(
    ("module", "file", "expected"),
    [
        ("_script_crossover", "crossover.py", True),
        ("__main__", "/home/me/run.py", True),
        ("_script_algotext", "<algotext>", True),
        ("__main__", "<ipython-input-3>", True),
        ("rustybt.cli.crossover", "/anywhere/crossover.py", True),
        ("rustybt.data.portal", "/anywhere/portal.py", False),
        ("rustybts.data", "/anywhere/data.py", True),
        ("numpy.core", pytest.__file__, False),
        ("json.decoder", "/anywhere/decoder.py", False),
        ("importlib._bootstrap", "<frozen importlib._bootstrap>", False),
        ("namedtuple_Point", "<string>", False),
        ("", os.__file__, False),
    ],
)
def test_the_users_code_is_told_from_the_rest(module, file, expected):
    assert is_written_by_user(module, file) is expected


def test_seconds_add_up():
    a, b = (Place("m", "a"),), (Place("m", "b"),)
    total = {a: 1.0}
    add_stacks(total, {a: 2.0, b: 0.5})
    assert total == {a: 3.0, b: 0.5}
    assert Samples(7.0, total).scaled() == {a: 6.0, b: 1.0}
    assert Samples(7.0, {}).scaled() == {(): 7.0}
    assert Samples(0.0, {}).scaled() == {}
