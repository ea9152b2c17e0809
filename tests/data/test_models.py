"""A model is fixed when it is wrapped, known by all it was made of, and answers in one form."""

import copy
import datetime
import pickle

import cloudpickle
import numpy as np
import pandas as pd
import pytest

from rustybt import Model
from rustybt.data.models import ask
from rustybt.data.predictions import disable_prediction_cache, take_statistics
from rustybt.errors import InvalidParameter, ModelLooksAhead

DAY = pd.Timestamp("2016-01-04").value
UNTIL = "2015-12-31"


class Linear:
    """What scikit-learn's estimators look like: rows in, one answer a row out."""

    def __init__(self, *weights):
        self.weights = np.array(weights)

    def predict(self, rows):
        assert rows.ndim == 2
        return np.asarray(rows) @ self.weights

    def predict_proba(self, rows):
        return 1 / (1 + np.exp(-self.predict(rows)))


class Heads:
    """Four outputs a row."""

    def predict(self, rows):
        return np.asarray(rows).sum(axis=1, keepdims=True) * [1.0, 2.0, 3.0, 4.0]


def linear(*weights, until=UNTIL, **options):
    return Model.of(Linear(*weights), trained_until=until, **options)


def test_one_dimension_is_one_row_and_two_are_several():
    model = linear(1.0, 10.0)
    assert ask(model, [1.0, 2.0], None, DAY) == 21.0
    assert ask(model, [[1.0, 2.0], [3.0, 4.0]], None, DAY).tolist() == [21.0, 43.0]
    assert ask(linear(3.0), 2.0, None, DAY) == 6.0
    assert ask(model, pd.Series([1.0, 2.0], index=["a", "b"]), None, DAY) == 21.0
    assert ask(model, pd.DataFrame({"a": [1.0], "b": [2.0]}), None, DAY).tolist() == [21.0]


def test_a_method_may_be_named_or_a_function_given():
    expected = 1 / (1 + np.exp(-3.0))
    assert ask(linear(1.0, predict="predict_proba"), 3.0, None, DAY) == expected
    net = Model.of({"w": 2.0}, predict=lambda artefact, rows: artefact["w"] * rows[:, 0], trained_until=UNTIL)
    assert ask(net, [3.0, 0.0], None, DAY) == 6.0
    raw = Model.of(b"\x02", predict=lambda artefact, rows: artefact[0] * rows[:, 0], trained_until=UNTIL)
    assert ask(raw, [3.0, 0.0], None, DAY) == 6.0


def test_a_function_gets_features_as_they_come():
    def forecast(features):
        return repr(type(features))

    model = Model.of(forecast, trained_until=None)
    given = (1.0, [1.0], [[1.0]], pd.Series([1.0]), pd.DataFrame([1.0]))
    seen = [str(ask(model, features, None, DAY)) for features in given]
    assert [name.split(".")[-1][:-2] for name in seen] == ["float64", "ndarray", "ndarray", "Series", "DataFrame"]
    doubled = Model.of(lambda window: 2 * window, trained_until=None)
    assert ask(doubled, [[1.0, 2.0]], None, DAY).tolist() == [[2.0, 4.0]]


def test_a_function_of_rows_says_so():
    model = Model.of(lambda rows: rows.sum(axis=1), trained_until=None, batch=True)
    assert ask(model, [1.0, 2.0], None, DAY) == 3.0


def test_outputs_are_chosen_by_place_or_name():
    plain, named = (Model.of(Heads(), trained_until=UNTIL, outputs=names) for names in ((), "a b c d".split()))
    assert ask(plain, [1.0, 1.0], None, DAY).tolist() == [2.0, 4.0, 6.0, 8.0]
    assert [ask(plain, [1.0, 1.0], k, DAY) for k in (0, 3, -1, np.int64(1))] == [2.0, 8.0, 8.0, 4.0]
    assert ask(named, [1.0, 1.0], "c", DAY) == 6.0
    assert ask(named, [[1.0], [2.0]], "b", DAY).tolist() == [2.0, 4.0]
    vector = Model.of(lambda x: x * np.array([1.0, 2.0]), trained_until=None)
    assert ask(vector, 3.0, 1, DAY) == 6.0


def test_each_output_is_a_question_of_its_own():
    model = Model.of(Heads(), trained_until=UNTIL)
    take_statistics()
    for _ in range(3):
        for output in (0, 1, 2, 3):
            ask(model, [0.5, 0.25], output, DAY)
    assert take_statistics()[:2] == (12, 4)


def test_a_model_that_takes_the_output_is_told():
    def forecast(features, output):
        return {"up": 1.0, None: 2.0}[output] * features

    model = Model.of(forecast, trained_until=None)
    assert ask(model, 3.0, "up", DAY) == 3.0
    assert ask(model, 3.0, None, DAY) == 6.0
    asked = Model.of(Linear(1.0), predict=lambda m, rows, output: m.predict(rows) * output, trained_until=None)
    assert ask(asked, 3.0, 5, DAY) == 15.0


@pytest.mark.parametrize(
    ("model", "output", "message"),
    [
        (linear(1.0), 0, r"gave an array of shape \(1,\) when asked for output 0: it has one of them"),
        (Model.of(Heads(), trained_until=None), 4, "it has 4 of them"),
        (Model.of(Heads(), trained_until=None, outputs=["a", "b"]), "a", "it has 4 of them"),
        (Model.of(Heads(), trained_until=None), "a", "its outputs are none: name them with"),
        (
            Model.of(Heads(), trained_until=None, outputs=["low", "high"]),
            "hihg",
            r"did you mean 'high'\?.*are low, high",
        ),
        (Model.of(Heads(), trained_until=None), True, "output True is neither a name nor a place"),
        (Model.of(Heads(), trained_until=None), 1.0, "output 1.0 is neither a name nor a place"),
    ],
)
def test_outputs_that_are_not_there_are_refused(model, output, message):
    with pytest.raises(InvalidParameter, match=message):
        ask(model, [1.0], output, DAY)


def test_a_refitted_model_never_meets_the_old_ones_answers():
    estimator = Linear(2.0)
    before = Model.of(estimator, trained_until=UNTIL)
    assert ask(before, 1.0, None, DAY) == 2.0
    estimator.weights[0] = 5.0
    after = Model.of(estimator, trained_until=UNTIL)
    assert ask(after, 1.0, None, DAY) == 5.0
    assert ask(before, 1.0, None, DAY) == 2.0
    assert before.fingerprint != after.fingerprint
    with disable_prediction_cache():
        assert ask(before, 1.0, None, DAY) == 2.0


def test_a_function_that_reads_a_refitted_estimator_does_not_either():
    estimator = Linear(2.0)

    def forecast(x):
        return estimator.predict(np.array([[x]]))[0]

    before = Model.of(forecast, trained_until=UNTIL)
    estimator.weights[0] = 5.0
    after = Model.of(forecast, trained_until=UNTIL)
    with disable_prediction_cache():
        assert (ask(before, 1.0, None, DAY), ask(after, 1.0, None, DAY)) == (2.0, 5.0)
    assert before != after


def test_the_end_of_the_training_window_belongs_to_the_artefact():
    fingerprints = {linear(1.0, until=until).fingerprint for until in ("2015-12-30", UNTIL, None)}
    assert len(fingerprints) == 3


@pytest.mark.parametrize(
    "options", [{"predict": "predict_proba"}, {"outputs": ["a"]}, {"batch": False}, {"predict": lambda m, x: x[:, 0]}]
)
def test_how_it_is_asked_belongs_to_it_too(options):
    assert linear(1.0, **options) != linear(1.0)


@pytest.mark.parametrize("options", [{"name": "other"}, {"allow_lookahead": True}, {"cached": False}])
def test_what_changes_no_answer_does_not(options):
    assert linear(1.0, **options) == linear(1.0)
    assert hash(linear(1.0, **options)) == hash(linear(1.0))
    assert linear(1.0) != "model"


def test_the_same_fit_is_the_same_model_in_another_process():
    model = linear(1.0, 2.0)
    for crossed in (
        pickle.loads(pickle.dumps(model)),
        cloudpickle.loads(cloudpickle.dumps(model)),
        copy.deepcopy(model),
    ):
        assert crossed == model == linear(1.0, 2.0)
        with disable_prediction_cache():
            assert ask(crossed, [1.0, 1.0], None, DAY) == 3.0


def test_a_function_crosses_with_what_it_read():
    scale = [2.0]
    model = Model.of(lambda x: scale[0] * x, trained_until=None)
    scale[0] = 5.0
    crossed = cloudpickle.loads(cloudpickle.dumps(model))
    with disable_prediction_cache():
        assert ask(crossed, 1.0, None, DAY) == 2.0
    assert crossed == model


def test_equal_questions_of_another_day_are_asked_anew():
    take_statistics()
    for day in (DAY, DAY, pd.Timestamp("2016-01-05").value):
        ask(linear(0.125), 1.0, None, day)
    assert take_statistics()[:2] == (3, 2)


def test_a_strategy_cannot_spoil_the_answers():
    model, features = linear(1.0, 1.0), np.array([[0.5, 0.25]])
    answer = ask(model, features, None, DAY)
    with pytest.raises(ValueError, match="read-only"):
        answer[0] = 9.0
    features[:] = 9.0
    assert ask(model, [[0.5, 0.25]], None, DAY).tolist() == [0.75]


def test_a_model_that_gives_its_own_buffer_cannot_either():
    buffer = np.zeros(1)

    class Reusing:
        def predict(self, rows):
            buffer[0] = rows[0, 0]
            return buffer

    reusing = Model.of(Reusing(), trained_until=None)
    first = ask(reusing, [[1.0]], None, DAY)
    ask(reusing, [[2.0]], None, DAY)
    assert first.tolist() == [1.0]


def test_uncached_answers_have_the_same_bits():
    weights = np.random.default_rng(0).normal(size=20)
    model, features = linear(*weights), np.random.default_rng(1).normal(size=(30, 20))
    cached = [ask(model, row, None, DAY) for row in features for _ in range(2)]
    with disable_prediction_cache():
        assert [ask(model, row, None, DAY) for row in features for _ in range(2)] == cached


def test_zeros_and_nans_of_one_key_get_one_answer_cached_or_not():
    model = Model.of(lambda x: np.copysign(1.0, x), trained_until=None)
    answers = [ask(model, zero, None, DAY) for zero in (-0.0, 0.0)]
    with disable_prediction_cache():
        assert [ask(model, zero, None, DAY) for zero in (-0.0, 0.0)] == answers == [1.0, 1.0]


def test_a_model_may_keep_out_of_the_cache():
    take_statistics()
    for _ in range(2):
        ask(linear(0.375, cached=False), 1.0, None, DAY)
    assert take_statistics()[:2] == (2, 2)


def test_an_error_names_model_and_day_and_is_not_kept():
    model = Model.of(lambda x: 1 / x, trained_until=None, name="inverse")
    for _ in range(2):
        with pytest.raises(TypeError) as raised:
            ask(Model.of(lambda x: "a" + x, trained_until=None, name="inverse"), 0.0, None, DAY)
        assert raised.value.__notes__ == ["model 'inverse' was asked on 2016-01-04"]
    assert ask(model, 2.0, None, DAY) == 0.5


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        (None, "gave a NoneType of dtype object"),
        ({"a": 1.0}, "gave a dict of dtype object"),
        ([[1.0], [1.0, 2.0]], "gave no array"),
        (pd.Series(["x", None], dtype=object), "gave a Series of dtype object"),
    ],
)
def test_answers_that_are_no_numbers_are_refused(answer, message):
    with pytest.raises(InvalidParameter, match=message):
        ask(Model.of(lambda x: answer, trained_until=None), 1.0, None, DAY)


@pytest.mark.parametrize(("answer", "expected"), [(True, True), (3, 3), ("up", "up"), ([1.0, np.nan], [1.0, np.nan])])
def test_labels_and_numbers_of_any_kind_are_fine(answer, expected):
    got = ask(Model.of(lambda x: answer, trained_until=None), 1.0, None, DAY)
    np.testing.assert_equal(np.asarray(got).tolist(), expected)


def test_a_model_of_rows_answers_one_a_row():
    broken = Model.of(lambda rows: np.zeros(3), trained_until=None, batch=True, name="broken")
    with pytest.raises(InvalidParameter, match=r"'broken' gave an array of shape \(3,\) for 1 rows.*batch=False"):
        ask(broken, [1.0], None, DAY)


def test_only_a_wrapped_model_is_asked():
    with pytest.raises(InvalidParameter, match=r"model of type Linear is not wrapped: .*Model\.of"):
        ask(Linear(1.0), 1.0, None, DAY)


@pytest.mark.parametrize(
    ("estimator", "options", "message"),
    [
        (object(), {}, "estimator of type object has no predict and is no function"),
        ("model.txt", {}, r"Model\.from_file"),
        (Linear(1.0), {"predict": "predict_probe"}, r"no method of Linear \(did you mean 'predict_proba'\?\)"),
        (Linear(1.0), {"outputs": ["a", "a"]}, "no list of different names"),
        (Linear(1.0), {"outputs": "ab"}, "no list of different names"),
        (Linear(1.0), {"outputs": [1]}, "no list of different names"),
    ],
)
def test_what_cannot_be_asked_is_refused_at_once(estimator, options, message):
    with pytest.raises(InvalidParameter, match=message):
        Model.of(estimator, trained_until=UNTIL, **options)


@pytest.mark.parametrize(
    ("until", "expected"),
    [
        ("2015-12-31", "2015-12-31"),
        (datetime.date(2015, 12, 31), "2015-12-31"),
        (np.datetime64("2015-12-31T15:00"), "2015-12-31"),
        (pd.Timestamp("2015-12-31 23:00", tz="America/New_York"), "2015-12-31"),
    ],
)
def test_the_end_of_training_is_a_day(until, expected):
    assert linear(1.0, until=until).trained_until == pd.Timestamp(expected)


@pytest.mark.parametrize("until", ["soon", float("nan"), pd.NaT, "", object()])
def test_what_is_no_day_is_refused(until):
    with pytest.raises(InvalidParameter, match="trained_until .* is no day"):
        linear(1.0, until=until)


def test_the_end_of_training_must_be_said():
    with pytest.raises(TypeError, match="trained_until"):
        Model.of(Linear(1.0))


def test_a_model_is_frozen_and_shows_what_it_is():
    model = linear(1.0)
    with pytest.raises(AttributeError):
        model.trained_until = None
    assert repr(model) == f"Model('Linear', trained until 2015-12-31, {model.fingerprint[:8]})"
    assert "never trained" in repr(linear(1.0, until=None))


def test_a_day_before_training_ended_is_refused():
    day = pd.Timestamp("2015-06-01").value
    with pytest.raises(ModelLooksAhead, match=r"'Linear' was trained until 2015-12-31 and is asked on 2015-06-01"):
        linear(1.0).require_known(day, day)
    linear(1.0, allow_lookahead=True).require_known(day, day)
    linear(1.0, until=None).require_known(day, day)
    linear(1.0).require_known(pd.Timestamp(UNTIL).value, DAY)


# Files ----------------------------------------------------------------------------------------------------------


def load_weights(path):
    return Linear(*np.loadtxt(path, ndmin=1))


@pytest.fixture
def saved(tmp_path):
    path = tmp_path / "weights.txt"
    np.savetxt(path, [2.0, 3.0])
    return path


def test_a_file_is_loaded_when_it_is_needed_and_once(saved, tmp_path):
    def load(path):
        log = path.with_name("log")
        log.write_text((log.read_text() if log.exists() else "") + "loaded ")
        return load_weights(path)

    model = Model.from_file(saved, load, trained_until=UNTIL)
    assert not (tmp_path / "log").exists()
    for value in (1.0, 2.0):
        assert ask(model, [value, 1.0], None, DAY) == 2.0 * value + 3.0
    assert (tmp_path / "log").read_text() == "loaded "
    assert model.name == "weights.txt"


def test_a_file_is_known_by_its_bytes_and_its_loader(saved, tmp_path):
    model = Model.from_file(saved, load_weights, trained_until=UNTIL)
    same = tmp_path / "copy.txt"
    same.write_bytes(saved.read_bytes())
    assert Model.from_file(same, load_weights, trained_until=UNTIL) == model
    assert Model.from_file(same, lambda path: Linear(1.0, 1.0), trained_until=UNTIL) != model
    np.savetxt(same, [2.0, 4.0])
    assert Model.from_file(same, load_weights, trained_until=UNTIL) != model


def test_a_file_that_changed_is_refused(saved):
    model = Model.from_file(saved, load_weights, trained_until=UNTIL)
    np.savetxt(saved, [9.0, 9.0])
    with pytest.raises(InvalidParameter, match=r"weights\.txt has changed since its model was made"):
        ask(model, [1.0, 1.0], None, DAY)


def test_a_file_crosses_as_its_path(saved):
    model = Model.from_file(saved, load_weights, trained_until=UNTIL)
    ask(model, [1.0, 1.0], None, DAY)
    crossed = cloudpickle.loads(cloudpickle.dumps(model))
    assert "value" not in vars(crossed._artefact)
    with disable_prediction_cache():
        assert ask(crossed, [1.0, 1.0], None, DAY) == 5.0


def test_a_method_of_what_a_file_holds_must_be_there(saved):
    model = Model.from_file(saved, load_weights, predict="predict_probe", trained_until=UNTIL)
    with pytest.raises(AttributeError, match="predict_probe"):
        ask(model, [1.0, 1.0], None, DAY)


def test_a_file_that_is_not_there_is_refused(tmp_path):
    with pytest.raises(InvalidParameter, match=r"missing\.txt' cannot be read \(No such file"):
        Model.from_file(tmp_path / "missing.txt", load_weights, trained_until=UNTIL)


# Real libraries -------------------------------------------------------------------------------------------------


def test_estimators_of_scikit_learn():
    linear_model = pytest.importorskip("sklearn.linear_model")
    ensemble = pytest.importorskip("sklearn.ensemble")
    draw = np.random.default_rng(0)
    frame = pd.DataFrame(draw.normal(size=(60, 3)), columns=list("abc"))
    target = frame["a"] - 2 * frame["b"]
    for estimator in (
        linear_model.LinearRegression(),
        ensemble.GradientBoostingRegressor(n_estimators=5, random_state=0),
    ):
        model = Model.of(estimator.fit(frame, target), trained_until=UNTIL)
        expected = estimator.predict(frame)
        assert [ask(model, row, None, DAY) for _, row in frame.head().iterrows()] == pytest.approx(
            expected[:5], rel=1e-12
        )
        assert Model.of(estimator.fit(frame, target), trained_until=UNTIL) == model
        estimator.fit(frame, -target)
        with disable_prediction_cache():
            assert ask(model, frame, None, DAY).tolist() == expected.tolist()
        assert Model.of(estimator, trained_until=UNTIL) != model
