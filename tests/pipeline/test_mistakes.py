"""Natural mistakes are errors at the line that makes them, and say what was meant."""

import pytest

from rustybt.errors import InvalidParameter
from rustybt.pipeline import CustomFactor, Pipeline, run_pipeline
from rustybt.pipeline.data import EquityPricing
from rustybt.pipeline.factors import SimpleMovingAverage
from rustybt.pipeline.filters import SingleAsset, StaticAssets

close = EquityPricing.close.latest


class Own(CustomFactor):
    inputs = (EquityPricing.close,)
    window_length = 2


@pytest.mark.parametrize(
    ("mistake", "message"),
    [
        (lambda: (close > 5) and (close < 10), "combine filters with &"),
        (lambda: 5 < close < 10, "combine filters with &"),
        (lambda: not (close > 5), "combine filters with &"),
        (lambda: close / EquityPricing.open, r"factor / the column EquityPricing.open.*\.latest"),
        (lambda: close > EquityPricing.open, r"factor > the column EquityPricing.open.*\.latest"),
        (lambda: Own(window_length="5"), "window_length '5': give a whole number"),
        (lambda: Own(window_length=5.5), "window_length 5.5: give a whole number"),
        (lambda: Own(mask=close), "as mask: pass a filter"),
        (lambda: Own(mask=None), "None as mask: pass a filter"),
        (lambda: SimpleMovingAverage(EquityPricing.close, window_length=3), "which is one term: pass a list"),
        (lambda: close.rank(groupby=close), "as groupby: pass a classifier"),
        (lambda: close.demean(groupby="sector"), "'sector' as groupby: pass a classifier"),
        (lambda: close.top(1, groupby=close), "as groupby: pass a classifier"),
        (lambda: StaticAssets(["AAPL"]), r"'AAPL', which is no asset.*symbol\('AAPL'\)"),
        (lambda: SingleAsset("AAPL"), "'AAPL', which is no asset"),
        (lambda: Pipeline({"x": close == 5}), r"factor.eq\(value\) for =="),
        (lambda: Pipeline({"x": Own}), r"did you mean Own\(\)"),
        (lambda: Pipeline(screen=(close == 5)), "eq for =="),
    ],
)
def test_a_mistake_says_what_was_meant(mistake, message):
    with pytest.raises(TypeError, match=message):
        mistake()


def test_a_misspelled_column_has_a_near_miss():
    with pytest.raises(AttributeError, match=r"EquityPricing has no column 'closs' \(did you mean 'close'\?\)"):
        _ = EquityPricing.closs


def test_what_is_run_must_be_a_pipeline():
    with pytest.raises(InvalidParameter, match="pass a rustybt.pipeline.Pipeline"):
        run_pipeline({"close": close}, "2024-01-02", "2024-01-03")


def test_a_sum_of_a_loop_can_be_explained():
    total = close
    for _ in range(2_000):
        total = total + close
    assert repr(total) == "FactorExpression(...)"
    assert len(Pipeline({"total": total}).explain().plan.order) == 2_003
    assert "FactorExpression(...)" in str(Pipeline({"total": total}).explain())
