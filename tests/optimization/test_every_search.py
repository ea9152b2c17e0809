"""Every search class in a whole run: any number of workers, killed and resumed, run again."""

import shutil

import pytest
from pandas.testing import assert_frame_equal

from rustybt import Optimizer
from rustybt.optimization import (
    BayesianSearch,
    BOHBSearch,
    CMAESSearch,
    DirectSearch,
    GridSearch,
    NSGA2Search,
    PersistentWorkerPool,
    RandomSearch,
    ResultCache,
    SobolSearch,
    TPEHyperbandSearch,
    WalkForward,
)
from rustybt.optimization.workers.serial import SerialPool
from tests.optimization.vector_strategies import SPAN, Cross

SEARCHES = {
    "grid": lambda: GridSearch(["fast % 6 == 2", "slow % 20 == 0"]),
    "random": lambda: RandomSearch(30, seed=3),
    "sobol": lambda: SobolSearch(32, seed=3),
    "bayesian": lambda: BayesianSearch(30, seed=3),
    "bohb": lambda: BOHBSearch(blocks=9, check=10, seed=3),
    "tpe_hyperband": lambda: TPEHyperbandSearch(12, blocks=9, seed=3),
    "cmaes": lambda: CMAESSearch(30, seed=3),
    "nsga2": lambda: NSGA2Search(30, seed=3, population=8),
    "direct": lambda: DirectSearch(20),
    "walk_forward": lambda: WalkForward(BayesianSearch(12, seed=3), in_sample=80, out_of_sample=40),
    "anchored": lambda: WalkForward(RandomSearch(12, seed=3), in_sample=80, out_of_sample=40, anchored=True),
}
OBJECTIVES = {"nsga2": ["sharpe", "minimize turnover"]}


@pytest.fixture(scope="module")
def pools():
    made = {count: PersistentWorkerPool(count) for count in (1, 2, 4)}
    yield made
    for pool in made.values():
        pool.close()


def optimizer(name, **options):
    options.setdefault("result_cache", ResultCache())
    objective = OBJECTIVES.get(name, "total_return")
    return Optimizer(Cross, search=SEARCHES[name](), objective=objective, **SPAN, **options)


@pytest.fixture(scope="module")
def serial(sample_root):
    """Serial runs by search, each made when it is first asked for."""
    made = {}

    def of(name):
        if name not in made:
            made[name] = optimizer(name, pool=SerialPool()).run()
        return made[name]

    return of


def same(one, other):
    apart = ["seconds", "worker", "cached"]
    assert_frame_equal(one.trials.drop(columns=apart), other.trials.drop(columns=apart), check_exact=True)
    assert_frame_equal(one.returns, other.returns, check_exact=True)
    assert (one.best.number, one.best.params) == (other.best.number, other.best.params)
    if one.walk_forward is not None:
        assert_frame_equal(one.walk_forward.windows, other.walk_forward.windows)
        assert one.walk_forward.equity.equals(other.walk_forward.equity)


@pytest.mark.parametrize("workers", [1, 2, 4])
@pytest.mark.parametrize("name", SEARCHES)
def test_any_number_of_workers_gives_the_same_trials(market, serial, pools, name, workers):
    same(serial(name), optimizer(name, pool=pools[workers]).run())


@pytest.mark.parametrize("name", SEARCHES)
def test_params_stay_in_bounds_and_within_conditions(market, serial, name):
    result = serial(name)
    for trial in result.records:
        assert result.space.check(trial.params) == trial.params
        assert trial.params["fast"] < trial.params["slow"]


@pytest.mark.parametrize("kept", [1, 16])
@pytest.mark.parametrize("name", SEARCHES)
def test_a_run_that_was_killed_ends_as_if_it_had_not_been(market, serial, pools, tmp_path, name, kept):
    whole, cut = tmp_path / "whole", tmp_path / "cut"
    optimizer(name, pool=pools[2], storage=whole).run()
    shutil.copytree(whole, cut)
    lines = (cut / "trials.jsonl").read_bytes().splitlines(keepends=True)
    (cut / "trials.jsonl").write_bytes(b"".join(lines[:kept]) + lines[kept][: len(lines[kept]) // 2])
    same(serial(name), optimizer(name, pool=pools[2], storage=cut).resume())
    assert len((cut / "trials.jsonl").read_bytes().splitlines()) == len(lines)


@pytest.mark.parametrize("name", SEARCHES)
def test_a_run_again_costs_no_simulation(market, pools, name):
    cache = ResultCache()
    first = optimizer(name, pool=pools[2], result_cache=cache).run()
    again = optimizer(name, pool=pools[2], result_cache=cache).run()
    assert again.trials["cached"].all()
    assert set(again.trials["worker"]) == {0} and again.trials["seconds"].sum() == 0
    same(first, again)


@pytest.mark.parametrize("name", [name for name in SEARCHES if name not in ("walk_forward", "anchored")])
def test_enqueued_params_come_first_and_a_duplicate_costs_nothing(market, name):
    search = SEARCHES[name]()
    known = {"fast": 8, "slow": 20, "weight": 1.0}
    for _ in range(2):
        search.enqueue(known)
    objective = OBJECTIVES.get(name, "total_return")
    result = Optimizer(Cross, search=search, objective=objective, result_cache=ResultCache(), **SPAN).run()
    whole = [trial for trial in result.records if trial.params == known and trial.budget == 1.0]
    assert whole[0].params == known
    assert [trial.is_cached for trial in whole] == [False] + [True] * (len(whole) - 1)
