import pytest
from hypothesis import given
from hypothesis import strategies as st

from rustybt.errors import InvalidParameter
from rustybt.optimization.search.fidelity import Fidelity


def rows(spans):
    return [row for first, last in spans for row in range(first, last + 1)]


@given(st.integers(2, 40), st.sampled_from(["blocks", "prefix"]), st.integers(0, 5), st.integers(0, 1000), st.data())
def test_a_larger_budget_holds_the_smaller_one(blocks, kind, seed, first, data):
    last = first + data.draw(st.integers(blocks, 500)) - 1
    fidelity, before = Fidelity(blocks, kind, seed), set()
    for budget in range(1, blocks + 1):
        spans = fidelity.spans(first, last, budget)
        found = rows(spans)
        assert found == sorted(set(found)) and before < set(found)
        assert all(second[0] > first[1] + 1 for first, second in zip(spans, spans[1:], strict=False))
        before = set(found)
    assert spans == ((first, last),)


def test_a_prefix_is_one_run_from_the_start():
    assert [Fidelity(4, "prefix").spans(10, 29, k) for k in (1, 2, 3)] == [((10, 14),), ((10, 19),), ((10, 24),)]


def test_blocks_are_shuffled_by_the_seed_alone():
    assert Fidelity(9, seed=1).spans(0, 89, 3) == Fidelity(9, seed=1).spans(0, 89, 3)
    assert len({Fidelity(9, seed=seed).spans(0, 89, 3) for seed in range(8)}) > 4


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Fidelity(1), "blocks 1 is below 2"),
        (lambda: Fidelity(4, "block"), "budget 'block' is neither 'blocks' nor 'prefix'"),
        (lambda: Fidelity(9).spans(0, 7, 1), "blocks 9 is above the 8 sessions of the span: take fewer, or"),
    ],
)
def test_what_cannot_be_divided_says_so(make, message):
    with pytest.raises(InvalidParameter, match=message):
        make()
