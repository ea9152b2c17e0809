"""BOHB is held to time and to what it finds, over the same seeds as random search."""

import numpy as np
import pytest

from rustybt.data.bundles import ingest
from rustybt.optimization import BOHBSearch, RandomSearch
from rustybt.optimization.search.hyperband import Hyperband
from scripts.benchmarks import benchmark_phase6b_bohb as command
from scripts.benchmarks.audit.on_zipline import OtherValues, require_equal
from scripts.benchmarks.audit.paired import paired_test
from scripts.benchmarks.audit.pairs import Measured
from scripts.benchmarks.audit.searching import BLOCKS, BOHB, RANDOM, search_of, search_work
from scripts.benchmarks.audit.workload import Scale


def test_bohb_may_spend_a_third_of_the_blocks_its_check_included():
    random, bohb = search_of(RANDOM, 300, 5), search_of(BOHB, 300, 5)
    assert isinstance(random, RandomSearch) and isinstance(bohb, BOHBSearch)
    assert random.seed == bohb.seed == 5
    spent = bohb.check * (BLOCKS + 1) + bohb.iterations * Hyperband(BLOCKS, bohb.eta).cost
    assert 0.25 * 300 * BLOCKS < spent <= 300 * BLOCKS / 3


def test_a_search_gives_its_best_score_and_what_it_did(data_root):
    ingest("mag-7", show_progress=False)
    scale = Scale("mag-7", "2023-01-03", "2023-12-29", 3, 4)
    (score,), notes = search_work(scale, {"search": RANDOM, "seed": 1, "workers": 1})()
    assert score == notes["score"] and notes["trials"] == 4
    again, _ = search_work(scale, {"search": RANDOM, "seed": 1, "workers": 1})()
    other, _ = search_work(scale, {"search": RANDOM, "seed": 2, "workers": 1})()
    assert again == [score] != other


def rounds(seconds, score, spread=0.01):
    draw = np.random.default_rng(3)
    return [
        Measured(seconds * draw.uniform(0.95, 1.05), None, {"score": score + draw.normal(0, spread)}) for _ in range(10)
    ]


@pytest.mark.parametrize(
    ("seconds", "score", "spread", "holds"),
    [
        (5.0, 1.0, 0.01, [True, True, True]),
        (20.0, 1.0, 0.01, [True, False, True]),
        (5.0, 0.9, 0.01, [True, True, False]),
        (5.0, 1.0, 0.5, [True, True, False]),  # it may be as good, but ten pairs cannot tell
    ],
)
def test_it_has_to_be_faster_and_to_find_as_much(seconds, score, spread, holds):
    found = {RANDOM: rounds(10.0, 1.0), BOHB: rounds(seconds, score, spread)[::-1]}
    gain = paired_test(*([one.seconds for one in found[name]] for name in (RANDOM, BOHB)))
    assert [one.holds for one in command.criteria_of(gain, found)] == holds


def test_each_round_has_a_seed_of_its_own_that_both_sides_share(monkeypatch):
    asked = []
    monkeypatch.setattr(command, "ask", lambda scale, request: asked.append(request) or Measured(1.0, "d", {}))
    sides = [command.seeded(None, name, 2) for name in (RANDOM, BOHB)]
    found = [side() for _ in range(3) for side in sides]
    assert [(one["search"], one["seed"]) for one in asked] == [(name, n) for n in range(3) for name in (RANDOM, BOHB)]
    assert {one.digest for one in found} == {None}, "they find different results"


def test_values_of_zipline_have_to_be_the_same():
    require_equal({"fast": 5}, 10_000_000.000001, 10_000_000.0)
    with pytest.raises(OtherValues, match="with {'fast': 5} Zipline ends at 10000001.0, this project at 10000000.0"):
        require_equal({"fast": 5}, 10_000_001.0, 10_000_000.0)
    with pytest.raises(OtherValues):
        require_equal({"fast": 5}, float("nan"), 10_000_000.0)
