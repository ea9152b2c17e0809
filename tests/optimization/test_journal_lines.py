"""A line gives back any trial to the last bit, and no damage to it goes unseen."""

import json
import math

from hypothesis import given
from hypothesis import strategies as st

from rustybt.optimization.journal_lines import Entry, decode, encode, read_head, returns_match
from rustybt.optimization.trial import Trial, TrialStatus
from tests.optimization.journals import exactly

WORDS = st.text(st.characters())  # any code point: control characters and lone surrogates too
KEYS = st.lists(st.none() | st.booleans() | st.integers() | st.floats() | WORDS).map(tuple)


def line_of(study="search", keys=(1,), budget=None, trial=None, entry=3, synced=1, offset=100):
    trial = trial or Trial(0, {}, TrialStatus.COMPLETE, scores=(1.5, math.nan), returns=b"abcd")
    return encode(study, keys, budget, trial, entry=entry, synced=synced, offset=offset)


@given(WORDS, KEYS, st.none() | st.integers(), st.dictionaries(WORDS, st.floats()), WORDS, st.binary(), st.booleans())
def test_any_trial_comes_back(study, keys, budget, metrics, words, returns, is_cached):
    trial = Trial(
        5,
        {},
        TrialStatus.STOPPED,
        tuple(metrics.values()),
        metrics,
        0.5,
        words,
        returns,
        (words, study),
        0.1,
        7,
        99,
        is_cached,
    )
    line = line_of(study, keys, budget, trial)
    assert line.index(b"\n") == len(line) - 1
    head = read_head(line)
    assert head[:-1] == (3, 1, study, 5, 100, len(returns))
    assert returns_match(head, returns)
    assert exactly(decode(line, returns)) == exactly(Entry(study, keys, budget, trial))


def test_a_line_is_json_that_other_programs_can_read():
    fields = json.loads(line_of())
    assert (fields["study"], fields["keys"], fields["status"]) == ("search", [1], "complete")
    assert fields["scores"][0] == 1.5


def test_every_shorter_line_is_torn():
    line = line_of()
    assert [size for size in range(len(line)) if read_head(line[:size])] == []


def test_every_changed_bit_is_seen():
    line = line_of()
    for place in range(len(line)):
        for bit in range(8):
            changed = bytearray(line)
            changed[place] ^= 1 << bit
            assert read_head(bytes(changed)) is None


def test_other_returns_do_not_match():
    head = read_head(line_of())
    assert returns_match(head, b"abcd")
    assert not any(returns_match(head, other) for other in (b"", b"abc", b"abcde", b"abce", bytes(4)))


def test_a_line_of_no_returns_matches_none():
    head = read_head(line_of(trial=Trial(0, {}, TrialStatus.FAILED)))
    assert returns_match(head, b"")
    assert not returns_match(head, b"\0")
