"""Does Optuna see the same trials, the same best one, and the same values?"""

import json
import math

import optuna
import pytest
from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution
from optuna.storages import InMemoryStorage, JournalStorage
from optuna.storages.journal import JournalFileBackend
from optuna.trial import TrialState

from rustybt.errors import InvalidParameter
from rustybt.optimization.objective import Objective
from rustybt.optimization.optuna_export import to_optuna_study
from rustybt.optimization.parameter_space import Categorical, Float, Integer, ParameterSpace
from rustybt.optimization.trial import Trial, TrialStatus

SPACE = ParameterSpace(
    {
        "kind": Categorical(["a", "b"]),
        "n": Integer(1, 10, step=4, when="kind == 'a'"),
        "x": Float(0.1, 0.45, step=0.1),
        "log": Float(1e-4, 1.0, log=True),
        "basket": Categorical([["AAPL"], ("AAPL", "<b>"), None]),
    }
)
SHARPE = [Objective("sharpe")]


def params(**more):
    return {"kind": "a", "n": 5, "x": 0.3, "log": 0.01, "basket": ["AAPL"], **more}


def complete(number, score, fills=3.0, **fields):
    metrics = {"sharpe": score, "fills": fills, "alpha": math.nan}
    return Trial(number, params(), TrialStatus.COMPLETE, (score,), metrics, 0.25, bars=500, **fields)


TRIALS = [
    complete(0, 1.0),
    complete(1, 3.0, failed_constraints=("trades > 50",)),
    complete(2, 4.0, fills=0.0),
    complete(3, 2.0),
    complete(4, math.nan),
    complete(5, math.inf),
    complete(7, 9.0, budget=0.5),
    Trial(8, params(kind="b", n=None), TrialStatus.STOPPED, metrics={"sharpe": 0.5}, error="max_drawdown", bars=9),
    Trial(9, params(basket=None), TrialStatus.FAILED, error="Traceback\nValueError: no"),
    Trial(10, params(basket=("AAPL", "<b>")), TrialStatus.TIMEOUT),
]


def study_of(trials=TRIALS, objectives=SHARPE, **options):
    return to_optuna_study(trials, SPACE, objectives, constraints=["trades > 50"], **options)


def test_every_trial_is_there_in_its_state():
    found = study_of().trials
    assert [trial.user_attrs["trial"] for trial in found] == [0, 1, 2, 3, 4, 5, 7, 8, 9, 10]
    states = [trial.state for trial in found]
    assert states == [TrialState.COMPLETE] * 4 + [TrialState.FAIL] * 2 + [TrialState.PRUNED] * 2 + [TrialState.FAIL] * 2
    assert [trial.value for trial in found[:4]] == [1.0, 3.0, 4.0, 2.0]
    assert found[6].intermediate_values == {500: 9.0}
    assert found[8].user_attrs["error"] == "Traceback\nValueError: no"
    assert found[9].user_attrs["status"] == "timeout" and "seconds" not in found[9].user_attrs
    assert found[0].user_attrs["sharpe"] == 1.0 and "alpha" not in found[0].user_attrs
    assert [trial.duration.total_seconds() for trial in found] == [0.25] * 7 + [0.0] * 3


def test_the_best_trial_is_ours():
    assert study_of().best_trial.user_attrs["trial"] == 3
    assert study_of(objectives=[Objective("sharpe", "minimize")]).best_trial.user_attrs["trial"] == 0


def test_values_and_distributions_are_those_of_the_parameters():
    found = study_of().trials
    assert found[0].params == {"kind": "a", "n": 5, "x": 0.3, "log": 0.01, "basket": '["AAPL"]'}
    assert "n" not in found[7].params and found[7].params["kind"] == "b"
    assert found[8].params["basket"] == "null"
    assert found[9].params["basket"] == '{"$tuple":["AAPL","<b>"]}'
    assert found[0].distributions == {
        "kind": CategoricalDistribution(("a", "b")),
        "n": IntDistribution(1, 9, step=4),
        "x": FloatDistribution(0.1, 0.4, step=0.1),
        "log": FloatDistribution(1e-4, 1.0, log=True),
        "basket": CategoricalDistribution(('["AAPL"]', '{"$tuple":["AAPL","<b>"]}', "null")),
    }


def test_choices_that_optuna_would_take_for_one_another_are_told_apart():
    def hold(context):
        return context

    for choices in ([1, True, 1.0], [hold, hold.__class__, "hold"], [object(), object()], [float("nan"), 1]):
        space = ParameterSpace({"c": Categorical(choices)})
        trials = [Trial(n, {"c": choice}, TrialStatus.COMPLETE, (1.0,)) for n, choice in enumerate(choices)]
        study = to_optuna_study(trials, space, SHARPE)
        assert len({trial.params["c"] for trial in study.trials}) == len(choices)


def test_several_objectives_keep_their_directions():
    trials = [
        Trial(0, params(), TrialStatus.COMPLETE, (1.0, 5.0), {"fills": 1.0}),
        Trial(1, params(), TrialStatus.COMPLETE, (2.0, 9.0), {"fills": 1.0}),
        Trial(2, params(), TrialStatus.COMPLETE, (0.5, 6.0), {"fills": 1.0}),
        Trial(3, params(), TrialStatus.COMPLETE, (3.0, math.nan), {"fills": 1.0}),
        Trial(4, params(), TrialStatus.COMPLETE, (3.0, 1.0), {"fills": 1.0}, budget=0.25),
    ]
    study = study_of(trials, [Objective("sharpe"), Objective("turnover", "minimize")])
    assert [direction.name for direction in study.directions] == ["MAXIMIZE", "MINIMIZE"]
    assert study.metric_names == ["sharpe", "turnover"]
    assert [trial.user_attrs["trial"] for trial in study.best_trials] == [0, 1]
    assert [trial.state.name for trial in study.trials][3:] == ["FAIL", "PRUNED"]


def test_optuna_s_own_views_work():
    study = study_of()
    frame = study.trials_dataframe()
    assert frame["params_n"].iloc[0] == 5 and len(frame) == 10
    sampler = optuna.samplers.TPESampler(seed=0)
    study.sampler = sampler
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    assert set(study.ask(study.trials[0].distributions).params) == set(SPACE.names)


def test_a_journal_holds_the_study(tmp_path):
    path = tmp_path / "study.journal"
    made = study_of(storage=path, name="one")
    again = optuna.load_study(study_name="one", storage=JournalStorage(JournalFileBackend(str(path))))
    for study in (made, again):
        assert [trial.params for trial in study.trials] == [trial.params for trial in study_of().trials]
        assert [trial.user_attrs for trial in study.trials] == [trial.user_attrs for trial in study_of().trials]
        assert study.best_trial.user_attrs["trial"] == 3
    assert len(path.read_text().splitlines()) == 2 + len(TRIALS)
    for line in path.read_text().splitlines():
        json.loads(line, parse_constant=pytest.fail)


def test_a_journal_holds_several_studies(tmp_path):
    path = str(tmp_path / "study.journal")
    study_of(TRIALS[:1], storage=path, name="one")
    study_of(TRIALS[:4], storage=path, name="two")
    storage = JournalStorage(JournalFileBackend(path))
    counts = {name: len(optuna.load_study(study_name=name, storage=storage).trials) for name in ("one", "two")}
    assert counts == {"one": 1, "two": 4}
    before = (tmp_path / "study.journal").read_bytes()
    with pytest.raises(InvalidParameter, match="study 'two' is in the storage already: pass another name"):
        study_of(storage=path, name="two")
    assert len((tmp_path / "study.journal").read_text().splitlines()) - len(before.splitlines()) <= 1


def test_other_storages_hold_it_too(tmp_path):
    storage = InMemoryStorage()
    study_of(storage=storage, name="one")
    assert len(optuna.load_study(study_name="one", storage=storage).trials) == 10
    with pytest.raises(InvalidParameter, match="pass another name"):
        study_of(storage=storage, name="one")


def test_a_folder_that_is_missing_is_named(tmp_path):
    with pytest.raises(InvalidParameter, match="is in a folder that does not exist: make "):
        study_of(storage=tmp_path / "missing" / "study.journal")


def test_optuna_s_notes_are_not_printed(capfd):
    before = optuna.logging.get_verbosity()
    study_of()
    assert capfd.readouterr() == ("", "")
    assert optuna.logging.get_verbosity() == before


def test_no_trial_is_an_empty_study():
    assert study_of([]).trials == []
