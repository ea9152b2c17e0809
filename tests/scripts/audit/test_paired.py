"""The audit's statistics hold what they promise: chance rejects in 5%, a gain is found as often as theory says."""

import math

import numpy as np
import pytest
from scipy import stats

from scripts.benchmarks.audit.paired import ALPHA, holm, paired_test, power

REPETITIONS = 400
PAIRS = 12
NOISE = 0.08


def audits(gain, seed, noise=NOISE):
    """Simulate audits: pairs share a drifting machine, and each run has noise of its own."""
    draw = np.random.default_rng(seed)
    for _ in range(REPETITIONS):
        machine = np.exp(draw.normal(0, 0.3, PAIRS))
        own = noise / math.sqrt(2)
        baseline = machine * np.exp(draw.normal(0, own, PAIRS))
        optimized = machine * (1 - gain) * np.exp(draw.normal(0, own, PAIRS))
        yield paired_test(baseline.tolist(), optimized.tolist())


def bounds(share, repetitions=REPETITIONS):
    """Give how often an event of that share may come, but in one of 10,000 cases."""
    return stats.binom.ppf([0.00005, 0.99995], repetitions, share)


def test_where_there_is_no_gain_the_test_finds_one_in_a_twentieth_of_audits():
    rejected = sum(found.p < ALPHA for found in audits(0.0, seed=1))
    low, high = bounds(ALPHA)
    assert low <= rejected <= high


def test_a_planted_gain_of_a_tenth_is_found_as_often_as_theory_says():
    noise = 0.16  # at which theory finds it in two of three
    rejected = sum(found.p < ALPHA for found in audits(0.1, seed=2, noise=noise))
    expected = power(0.1, noise, PAIRS)
    assert 0.6 < expected < 0.75
    low, high = bounds(expected)
    assert low <= rejected <= high


@pytest.mark.parametrize("gain", [-0.2, 0.0, 0.1, 0.6])
def test_intervals_hold_the_true_ratio_as_often_as_they_say(gain):
    found = list(audits(gain, seed=3))
    true = 1 - gain
    low, high = bounds(0.95)
    assert low <= sum(one.low <= true <= one.high for one in found) <= high
    assert low <= sum(true <= one.at_most for one in found) <= high
    assert low <= sum(one.at_least <= true for one in found) <= high


def test_the_test_is_that_of_scipy():
    draw = np.random.default_rng(5)
    baseline, optimized = draw.uniform(1, 2, 15), draw.uniform(0.8, 1.9, 15)
    found = paired_test(baseline.tolist(), optimized.tolist())
    logs = np.log(optimized), np.log(baseline)
    theirs = stats.ttest_rel(*logs, alternative="less")
    assert found.p == pytest.approx(theirs.pvalue, rel=1e-9)
    both = stats.ttest_rel(*logs).confidence_interval(0.95)
    assert (math.log(found.low), math.log(found.high)) == pytest.approx(tuple(both), rel=1e-9)
    assert math.log(found.at_most) == pytest.approx(theirs.confidence_interval(0.95).high, rel=1e-9)
    assert found.p_wilcoxon == stats.wilcoxon(logs[0] - logs[1], alternative="less").pvalue
    assert found.factor == pytest.approx(stats.gmean(baseline) / stats.gmean(optimized))
    assert found.gain_at_least == 1 - found.at_most


@pytest.mark.parametrize(("baseline", "optimized", "p"), [([1.0] * 4, [1.0] * 4, 1.0), ([2.0] * 4, [1.0] * 4, 0.0)])
def test_runs_without_noise_are_no_error(baseline, optimized, p):
    found = paired_test(baseline, optimized)
    assert (found.p, found.low, found.high) == (p, found.ratio, found.ratio)


@pytest.mark.parametrize(
    ("baseline", "optimized"),
    [([1.0, 2.0], [1.0, 2.0]), ([1.0] * 3, [1.0] * 4), ([1.0, 2.0, 0.0], [1.0] * 3), ([1.0] * 3, [1.0, math.nan, 1.0])],
)
def test_what_is_no_set_of_pairs_is_refused(baseline, optimized):
    with pytest.raises(ValueError, match="pairs|finite"):
        paired_test(baseline, optimized)


def test_holm_keeps_all_tests_together_at_their_level():
    draw = np.random.default_rng(7)
    wrong = sum(min(holm(dict(enumerate(draw.uniform(size=6)))).values()) < ALPHA for _ in range(2000))
    assert wrong <= bounds(ALPHA, 2000)[1]


def test_holm_is_that_of_its_definition():
    p_values = {"a": 0.04, "b": 0.001, "c": 0.03, "d": 0.7}
    ranked = sorted(p_values.values())
    for name, adjusted in holm(p_values).items():
        rank = ranked.index(p_values[name])
        assert adjusted == pytest.approx(max(min(1, (4 - i) * ranked[i]) for i in range(rank + 1)))


def test_power_grows_with_gain_and_pairs():
    assert power(0.0, 0.1, 10) == pytest.approx(ALPHA)
    assert power(0.05, 0.1, 10) < power(0.1, 0.1, 10) < power(0.1, 0.1, 20) < power(0.1, 0.05, 20) <= 1
