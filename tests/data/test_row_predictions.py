"""What a vector strategy is told of every session: only what was known, and the same bits whoever asked before."""

import numpy as np
import pytest

from rustybt import Model
from rustybt.data.bars import Bars
from rustybt.data.models import ask
from rustybt.data.portal import portal_of
from rustybt.data.predictions import disable_prediction_cache, shared_predictions, take_statistics
from rustybt.data.row_predictions import SESSIONS_A_BLOCK
from rustybt.errors import InvalidParameter, ModelLooksAhead


class Linear:
    """Counts what it is asked for."""

    def __init__(self, weights):
        self.weights = np.asarray(weights)
        self.sizes = []

    def predict(self, rows):
        self.sizes.append(len(rows))
        return rows @ self.weights


def counted(weights, **options):
    """Give a model of rows, and the sizes of the calls that reach it."""
    model = Model.of(Linear(weights), **{"trained_until": None, **options})
    return model, model._artefact.value.sizes


def day(read, session):
    return str(read.sessions[session])[:10]


@pytest.fixture(autouse=True)
def fresh():
    shared_predictions().clear()
    take_statistics()


@pytest.fixture
def read(quad):
    return reading(quad, 0, 299)


def reading(bundle, first, last):
    portal = portal_of(bundle)
    return Bars(portal, first, last, portal.finder.equities)


def drawn(*shape):
    return np.random.default_rng(0).normal(size=shape)


def test_every_session_gets_its_answer(read):
    features, weights = drawn(300, 3), np.array([1.0, -2.0, 0.5])
    answers = read.predict(counted(weights)[0], features)
    assert answers.shape == (300,)
    assert (answers.dtype, answers.flags.writeable) == (np.float64, False)
    expected = [sum(w * x for w, x in zip(weights, row, strict=True)) for row in features]
    np.testing.assert_allclose(answers, expected, rtol=1e-12)


def test_and_every_asset(read):
    features, weights = drawn(*read.shape, 3), np.array([1.0, -2.0, 0.5])
    answers = read.predict(counted(weights)[0], features)
    expected = [[sum(w * x for w, x in zip(weights, row, strict=True)) for row in session] for session in features]
    np.testing.assert_allclose(answers, expected, rtol=1e-12)
    assert answers.shape == read.shape


def test_all_outputs_lie_along_a_last_axis_and_one_may_be_chosen(read):
    model, _ = counted(np.eye(2) * [2.0, 3.0], outputs=["low", "high"])
    features = drawn(*read.shape, 2)
    both = read.predict(model, features)
    assert both.shape == (*read.shape, 2)
    np.testing.assert_array_equal(read.predict(model, features, "high"), both[..., 1])


def test_blocks_are_counted_from_the_bundles_first_session(quad):
    model, sizes = counted([1.0])
    reading(quad, 100, 299).predict(model, drawn(200, 1))
    assert sizes == [2 * SESSIONS_A_BLOCK - 100, 64, 64, 300 - 256]


def test_other_spans_find_the_whole_blocks(quad):
    model, sizes = counted([1.0])
    features = drawn(300, 1)
    reading(quad, 0, 299).predict(model, features)
    sizes.clear()
    reading(quad, 100, 259).predict(model, features[100:260])
    assert sizes == [28, 4]
    statistics = take_statistics()
    assert (statistics.calls, statistics.unique) == (300 + 160, 300 + 32)


def test_bits_do_not_depend_on_what_was_asked_before(quad):
    model, _ = counted(drawn(40, 3))
    features = drawn(300, 40)
    spans = [(0, 299), (100, 259), (3, 270), (0, 130), (0, 131)]
    with disable_prediction_cache():
        alone = [reading(quad, a, b).predict(model, features[a : b + 1]) for a, b in spans]
    for order in (spans, spans[::-1]):
        shared_predictions().clear()
        found = {span: reading(quad, *span).predict(model, features[span[0] : span[1] + 1]) for span in order}
        assert [found[span].tobytes() for span in spans] == [answers.tobytes() for answers in alone]


def test_asked_again_nothing_is_computed(read):
    model, sizes = counted([1.0, 2.0])
    features = drawn(300, 2)
    first = read.predict(model, features)
    sizes.clear()
    assert read.predict(model, features.copy()).tobytes() == first.tobytes()
    assert sizes == []
    assert take_statistics()[:2] == (600, 300)


def test_a_changed_feature_computes_its_block_anew_and_changes_nothing_earlier(read):
    model, sizes = counted([1.0, 2.0])
    features = drawn(300, 2)
    before = read.predict(model, features)
    sizes.clear()
    features[200, 0] += 1.0
    after = read.predict(model, features)
    assert sizes == [64]
    assert after[:200].tobytes() == before[:200].tobytes()
    assert np.flatnonzero(after != before).tolist() == [200]


def test_days_before_the_end_of_training_are_nan(read):
    model, sizes = counted([1.0], trained_until=day(read, 70))
    answers = read.predict(model, np.ones((300, 1)))
    assert np.isnan(answers[:70]).all()
    assert (answers[70:] == 1.0).all()
    assert sum(sizes) == 230


def test_unless_looking_ahead_is_allowed(read):
    model, _ = counted([1.0], trained_until=day(read, 70), allow_lookahead=True)
    assert (read.predict(model, np.ones((300, 1))) == 1.0).all()


def test_a_model_that_was_trained_after_the_span_is_refused(read):
    model, _ = counted([1.0], trained_until="2014-06-30")
    with pytest.raises(ModelLooksAhead, match=f"was trained until 2014-06-30 and is asked on {day(read, -1)}"):
        read.predict(model, np.ones((300, 1)))


def test_a_model_may_be_asked_from_the_last_day_of_training_on(read):
    model, _ = counted([1.0], trained_until=day(read, 299))
    assert np.isfinite(read.predict(model, np.ones((300, 1)))).tolist() == [False] * 299 + [True]


def test_rows_with_a_nan_are_not_asked_for(read):
    features = drawn(*read.shape, 2)
    features[:20] = np.nan
    features[50, 1, 0] = np.nan
    model, sizes = counted([1.0, 1.0])
    answers = read.predict(model, features)
    np.testing.assert_array_equal(np.isnan(answers), np.isnan(features).any(axis=-1))
    assert sum(sizes) == answers.size - 20 * 4 - 1


def test_unless_the_model_knows_what_to_do_with_them(read):
    model = Model.of(Linear([1.0]), predict=lambda m, rows: np.nan_to_num(rows[:, 0], nan=7.0), trained_until=None)
    features = np.full((300, 1), np.nan)
    assert (read.predict(model, features, skip_nan=False) == 7.0).all()
    assert np.isnan(read.predict(model, features)).all()


@pytest.mark.parametrize("shape", [(300, 2), (300, 4, 2)])
def test_nothing_asked_is_nan_in_the_shape_of_the_rows(read, shape):
    for batch in (True, False):
        model = Model.of(lambda x: x.sum(), trained_until=None, batch=batch)
        assert read.predict(model, np.full(shape, np.nan)).shape == shape[:-1]


def test_a_model_of_single_sessions_is_asked_as_bar_by_bar(read):
    model = Model.of(lambda x: x.sum(axis=-1), trained_until=None)
    features = drawn(*read.shape, 2)
    by_bar = [ask(model, features[k], None, int(read.portal.session_ns[k])) for k in range(100)]
    take_statistics()
    answers = read.predict(model, features)
    assert answers.shape == read.shape
    np.testing.assert_array_equal(answers[:100], by_bar)
    assert take_statistics()[:2] == (300, 200)


def test_one_call_and_many_rows_are_kept_apart(read):
    model, sizes = counted([1.0, 2.0])
    features = drawn(300, 2)
    read.predict(model, features)
    sizes.clear()
    ask(model, features[0], None, int(read.portal.session_ns[0]))
    assert sizes == [1]


def test_one_session_is_enough(quad):
    model, _ = counted([2.0])
    assert reading(quad, 5, 5).predict(model, [[3.0]]).tolist() == [6.0]


@pytest.mark.parametrize("features", [np.ones(300), np.ones((299, 1)), np.ones((300, 4, 2, 1)), np.ones((0, 1))])
def test_features_are_one_row_a_session(read, features):
    with pytest.raises(InvalidParameter, match="do not fit 300 sessions"):
        read.predict(counted([1.0])[0], features)


def test_answers_are_numbers(read):
    words = Model.of(lambda rows: np.array(["up"] * len(rows)), trained_until=None, batch=True)
    with pytest.raises(InvalidParameter, match="a vector strategy needs numbers"):
        read.predict(words, np.ones((300, 1)))


def test_answers_are_one_a_row(read):
    short = Model.of(lambda rows: np.zeros(3), trained_until=None, batch=True, name="short")
    with pytest.raises(InvalidParameter, match=r"\(3,\) for 64 rows") as raised:
        read.predict(short, np.ones((300, 1)))
    assert raised.value.__notes__ == [f"model 'short' was asked on {day(read, 0)} to {day(read, 63)}"]


def test_answers_of_single_sessions_are_of_one_shape(read):
    growing = Model.of(lambda x: np.zeros(int(x[0])), trained_until=None)
    with pytest.raises(InvalidParameter, match="give one shape always"):
        read.predict(growing, np.arange(300.0)[:, None])


def test_only_a_wrapped_model_is_asked(read):
    with pytest.raises(InvalidParameter, match="is not wrapped"):
        read.predict(Linear([1.0]), np.ones((300, 1)))
