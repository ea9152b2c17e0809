"""The way of trials through a run, with a pool that computes nothing and comes back in any order."""

import random

import pytest

from rustybt.data.bundles import load
from rustybt.engine.span import Span
from rustybt.errors import JournalMismatch, WorkerError
from rustybt.optimization import Integer, ParameterSpace, RandomSearch, ResultCache
from rustybt.optimization.backtest import BacktestJob, Evaluation
from rustybt.optimization.flow import Flow
from rustybt.optimization.goal import Goal
from rustybt.optimization.journal import Journal
from rustybt.optimization.known_results import KnownResults
from rustybt.optimization.objective import objectives_of
from rustybt.optimization.scope import Scope
from rustybt.optimization.search import Proposals
from rustybt.optimization.search.base import Proposal
from rustybt.optimization.source import ClassSource
from rustybt.optimization.study import Study
from rustybt.optimization.trial import TrialStatus
from rustybt.optimization.workers.base import Outcome
from tests.optimization.strategies import Idle

pytestmark = pytest.mark.usefixtures("market")

SPACE = ParameterSpace({"x": Integer(0, 999)})
GOAL = Goal(objectives_of("sharpe"))


class Given(Proposals):
    """Proposes what it is given."""

    def __init__(self, *xs):
        super().__init__()
        self.xs = list(xs)

    def ask(self, count):
        taken, self.xs = self.xs[:count], self.xs[count:]
        return [Proposal({"x": x}) for x in taken]


class Pool:
    """Holds a few tasks at a time and answers them in random order."""

    num_workers = 3

    def __init__(self, answer=None, seed=0):
        self.answer = answer or (lambda keys, scope: value_of(keys, scope))
        self.chance, self.ran = random.Random(seed), []

    def run(self, job, take, total=None):
        waiting = []
        while True:
            while len(waiting) < 5 and (tasks := take(self.chance.randint(1, 3))):
                waiting += tasks
            if not waiting:
                return
            number, (_, keys, scope) = waiting.pop(self.chance.randrange(len(waiting)))
            self.ran.append((keys, scope))
            found = self.answer(keys, scope)
            yield number, found if isinstance(found, Outcome) else Outcome(TrialStatus.COMPLETE, 0.5, found, "", 7)


def value_of(keys, scope, end=None):
    """Give an outcome that depends on the params and on the sessions that were run."""
    first, last = scope.spans[0]
    last = last if end is None else end
    metrics = {"sharpe": keys[0] + last / 1000, "fills": 1.0}
    bars = last - first + 1
    prefixes = tuple((value_of(keys, scope, e).metrics, e - first + 1) for e in scope.ends) if end is None else ()
    return Evaluation(metrics, bytes(4 * bars), "", prefixes)


def job_of_sample():
    bundle = load("mag-7")
    key = (str(bundle.root), bundle.name, bundle.version, bundle.fingerprint)
    return BacktestJob(ClassSource(Idle), SPACE, key, Span(0, 99), 1e6)


def study_of(name="search", xs=(), begin=None, span=(0, 9), **options):
    return Study(name, 0, job_of_sample(), GOAL, begin or (lambda: Given(*xs)), Scope((span,)), **options)


def run(studies, pool=None, cache=None, journal=None):
    trials = []
    known = KnownResults(cache, [studies[0].job])
    flow = Flow(studies, known, journal, lambda study, trial: trials.append((study.name, trial)))
    flow.run(pool or Pool(), None)
    return trials, flow


def test_every_proposal_comes_back_once_with_its_own_outcome():
    study = study_of(xs=range(40))
    trials, _ = run([study])
    assert sorted(trial.number for _, trial in trials) == list(range(40))
    assert all(trial.score == trial.params["x"] + 0.009 for _, trial in trials)
    assert study.best.params == {"x": 39} and study.has_finished


@pytest.mark.parametrize("seed", range(5))
def test_equal_trials_cost_one_simulation_in_flight_or_later(seed):
    pool = Pool(seed=seed)
    study = study_of(xs=[1, 2, 1, 1, 3, 2, *range(10), 1])
    trials, flow = run([study], pool, ResultCache())
    assert len(pool.ran) == 10 == len(set(pool.ran))
    assert flow.cached == sum(trial.is_cached for _, trial in trials) == 7
    assert [study.trials[n].is_cached for n in (0, 2, 3, 16)].count(False) == 1
    assert {study.trials[n].score for n in (0, 2, 3, 16)} == {1.009}


def test_without_a_cache_equal_trials_are_all_simulated():
    pool = Pool()
    trials, _ = run([study_of(xs=[1, 1, 1])], pool)
    assert len(pool.ran) == 3 and not any(trial.is_cached for _, trial in trials)


def test_a_failure_is_not_remembered():
    cache, failing = ResultCache(), Pool(lambda keys, scope: Outcome(TrialStatus.FAILED, 0.1, None, "no"))
    run([study_of(xs=[1])], failing, cache)
    (_, trial), = run([study_of(xs=[1])], Pool(), cache)[0]  # fmt: skip
    assert trial.status is TrialStatus.COMPLETE and not trial.is_cached


def test_a_study_waits_for_the_one_before_it():
    first = study_of("first", xs=range(5))
    second = study_of("second", begin=lambda: Given(first.best.params["x"] + 100), after=first)
    trials, _ = run([second, first])
    assert [name for name, _ in trials][-1] == "second"
    assert second.trials[0].params == {"x": 104}


def anchored(xs, ends=(9, 19, 29), search=None):
    make = search or (lambda: Given(*xs))
    return [study_of(f"window {end}", begin=make, span=(0, end), ends=tuple(ends)) for end in ends]


@pytest.mark.parametrize("seed", range(4))
def test_windows_that_begin_together_share_one_backtest(seed):
    pool, alone = Pool(seed=seed), Pool(seed=seed)
    shared, apart = anchored(range(8)), [study_of(f"{end}", xs=range(8), span=(0, end)) for end in (9, 19, 29)]
    run(shared, pool, ResultCache())
    run(apart, alone, ResultCache())
    assert len(pool.ran) == 8 and {scope.spans for _, scope in pool.ran} == {((0, 29),)}
    assert len(alone.ran) == 24
    for one, other in zip(shared, apart, strict=True):
        assert {n: (t.metrics, t.bars) for n, t in one.trials.items()} == {
            n: (t.metrics, t.bars) for n, t in other.trials.items()
        }


@pytest.mark.parametrize("seed", range(4))
def test_a_backtest_that_does_not_speak_for_shorter_ones_is_run_for_each(seed):
    def answer(keys, scope):
        value = value_of(keys, scope)
        return value._replace(prefixes=None) if scope.ends else value

    pool = Pool(answer, seed)
    studies = anchored(range(6))
    run(studies, pool, ResultCache())
    assert all(t.bars == study.scope.size for study in studies for t in study.trials.values())
    assert sum(bool(scope.ends) for _, scope in pool.ran) <= 6


def test_a_longer_backtest_that_fails_is_not_held_against_shorter_ones():
    def answer(keys, scope):
        if scope.spans[0][1] == 29:
            return Outcome(TrialStatus.FAILED, 0.1, None, "ends badly")
        return value_of(keys, scope)

    studies = anchored(range(3))
    run(studies, Pool(answer), ResultCache())
    assert [t.status.value for study in studies for t in study.trials.values()] == ["complete"] * 6 + ["failed"] * 3


def test_what_the_journal_holds_is_not_run_again(tmp_path):
    with Journal.create(tmp_path / "run", {}) as journal:
        run([study_of(xs=range(10))], journal=journal)
    pool, study = Pool(), study_of(xs=range(15))
    with Journal.resume(tmp_path / "run", {}) as journal:
        run([study], pool, journal=journal)
    assert sorted(keys[0] for keys, _ in pool.ran) == [10, 11, 12, 13, 14]
    assert [study.trials[n].score for n in range(15)] == [n + 0.009 for n in range(15)]
    assert study.trials[3].worker == 7


def test_a_search_that_proposes_something_else_than_the_journal_holds_is_refused(tmp_path):
    with Journal.create(tmp_path / "run", {}) as journal:
        run([study_of(xs=range(4))], journal=journal)
    with (
        Journal.resume(tmp_path / "run", {}) as journal,
        pytest.raises(JournalMismatch, match=r"trial 2 of 'search' was \(2,\) in the journal and is \(9,\) now"),
    ):
        run([study_of(xs=[0, 1, 9])], journal=journal)


class Stuck(Proposals):
    lookahead = 1

    def ask(self, count):
        return []


class Sulking(Proposals):
    """Proposes once, and then nothing, without an end."""

    lookahead = 1

    def __init__(self):
        super().__init__()
        self.asked = False

    def ask(self, count):
        found, self.asked = [] if self.asked else [Proposal({"x": 1})], True
        return found


def test_a_search_that_proposes_nothing_has_ended():
    assert run([study_of(begin=Stuck)])[0] == []
    assert len(run([study_of(begin=Sulking)])[0]) == 1


def test_a_study_whose_turn_never_comes_is_an_error():
    never = study_of("never", xs=[1])
    with pytest.raises(WorkerError, match="the search of 'after' proposes nothing and does not end"):
        run([study_of("after", xs=[1], after=never)])


def test_the_total_is_that_of_all_searches():
    studies = [study_of(begin=lambda: RandomSearch(12).begin(SPACE)), study_of("b", xs=[1])]
    for study in studies:
        study.take(0)
    assert Flow(studies[:1], KnownResults(None, []), None, print).total == 12
    assert Flow(studies, KnownResults(None, []), None, print).total is None
