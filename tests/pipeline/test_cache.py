"""Costly terms of the library are computed once a process, bundle and span; one's own where the class says so."""

from threading import Lock

import numpy as np
import pytest

from rustybt.data.byte_cache import ByteCache
from rustybt.pipeline import CustomFactor, DataFrameLoader, Pipeline, disable_pipeline_cache, run_pipeline
from rustybt.pipeline.cache import TermCache, is_cacheable, shared_terms
from rustybt.pipeline.data import Column, DataSet, EquityPricing
from rustybt.pipeline.factors import RSI, Returns, SimpleMovingAverage
from tests.builders import bars, days, make_bundle

DAYS = days(30)


@pytest.fixture(autouse=True)
def fresh(monkeypatch):
    monkeypatch.setattr(shared_terms(), "_arrays", ByteCache(10**7))
    rng = np.random.default_rng(5)
    make_bundle({name: bars(100 * np.cumprod(1 + rng.normal(0, 0.02, 30))) for name in "ABCD"})


def run(term, first=20, last=25, **kwargs):
    return run_pipeline(Pipeline({"x": term}), DAYS[first], DAYS[last], bundle="made", **kwargs)


class Counted(CustomFactor):
    inputs = (EquityPricing.close,)
    window_length = 3
    calls = 0

    def compute(self, today, assets, out, close):
        Counted.calls += 1
        out[:] = close.sum(axis=0)


class Kept(CustomFactor):
    inputs = (EquityPricing.close,)
    window_length = 3
    cacheable = True

    def compute(self, today, assets, out, close):
        SEEN.append(today)
        out[:] = close.sum(axis=0) * SCALE


SEEN: list = []
SCALE = 1.0
LOCK = Lock()


def hits():
    return shared_terms().statistics.hits


def test_the_second_run_finds_what_the_first_computed():
    first = run(Returns(window_length=5).rank())
    assert hits() == 0
    assert run(Returns(window_length=5).rank()).equals(first)
    assert hits() == 1  # the rank: its inputs are not even asked for
    assert run(Returns(window_length=5).zscore().rank()).shape == first.shape
    assert hits() == 2


def test_values_depend_on_sessions_bundle_and_term():
    for first, last in ((20, 25), (19, 25), (20, 24), (10, 15)):
        with disable_pipeline_cache():
            want = run(SimpleMovingAverage([EquityPricing.close], window_length=4), first, last)
        assert run(SimpleMovingAverage([EquityPricing.close], window_length=4), first, last).equals(want)
    assert hits() == 0
    before = run(RSI())
    make_bundle({name: bars(np.arange(1.0, 31.0) ** 0.5 * 10) for name in "ABCD"})
    assert not run(RSI()).equals(before)
    assert hits() == 0


def test_nothing_is_kept_while_it_is_disabled():
    with disable_pipeline_cache():
        run(RSI())
        run(RSI())
    assert shared_terms().statistics == (0, 0, 0, 0)


def test_ones_own_terms_are_called_again_unless_their_class_says_otherwise():
    Counted.calls = 0
    for _ in range(2):
        run(Counted())
        run(Counted().rank())
    assert Counted.calls == 4 * 6


def test_ones_own_terms_are_kept_until_code_or_what_it_reads_changes(monkeypatch):
    def total():
        return run(Kept())["x"].sum()

    monkeypatch.setattr(f"{__name__}.SEEN", [])
    first = total()
    kept = hits()
    monkeypatch.setattr(f"{__name__}.SEEN", [])
    assert total() == first
    monkeypatch.setattr(f"{__name__}.SEEN", [])
    monkeypatch.setattr(f"{__name__}.SCALE", 2.0)
    assert total() == pytest.approx(2 * first)
    assert kept == 0


def test_what_a_frame_holds_is_never_kept():
    class Own(DataSet):
        value = Column(float)

    term = SimpleMovingAverage([Own.value], window_length=2)
    assert not is_cacheable(term)
    assert not is_cacheable(Returns(window_length=2, mask=Own.value.latest > 3))
    assert is_cacheable(Returns(window_length=2).downsample("month_start"))
    assert not is_cacheable(Counted().downsample("month_start"))
    import pandas as pd

    for scale in (1.0, 2.0):
        frame = pd.DataFrame(scale, index=DAYS, columns=range(4))
        table = run(term, custom_loader={Own.value: DataFrameLoader(Own.value, frame)})
        assert (table["x"] == scale).all()


def test_the_oldest_goes_when_there_is_no_room():
    cache = TermCache(max_bytes=100)
    assert cache.keep("a", np.zeros(10)).sum() == 0
    cache.keep("b", np.zeros(10))
    assert cache.find("a") is None
    cache.resize(10)
    assert cache.find("b") is None
    assert cache.find(None) is None


class Scaled(Kept):
    cacheable = True
    params = ("scale",)

    def compute(self, today, assets, out, close, scale):
        out[:] = close[-1] * scale()


def test_what_is_made_of_ones_own_terms_changes_with_them(monkeypatch):
    monkeypatch.setattr(f"{__name__}.SEEN", ())
    term = Scaled(scale=lambda: SCALE)
    for one in (term.rank(), term.zscore(), term.downsample("week_start").rank()):
        before = run(one)
        assert run(one).equals(before)
        assert hits()
        monkeypatch.setattr(f"{__name__}.SCALE", -SCALE)
        assert not run(one).equals(before)


def test_an_object_among_the_parameters_may_change():
    class Scale:
        def __init__(self, value):
            self.value = value

        def __call__(self):
            return self.value

    scale = Scale(1.0)
    first = run(Scaled(scale=scale))
    scale.value = 3.0
    assert run(Scaled(scale=scale))["x"].tolist() == pytest.approx((3 * first["x"]).tolist())


def test_a_term_whose_code_cannot_be_told_from_changed_code_is_not_kept(monkeypatch):
    class Locked(Kept):
        cacheable = True

        def compute(self, today, assets, out, close):
            with LOCK:
                out[:] = close[-1] * SCALE

    first = run(Locked())
    monkeypatch.setattr(f"{__name__}.SCALE", 2.0)
    assert run(Locked())["x"].tolist() == (2 * first["x"]).tolist()
