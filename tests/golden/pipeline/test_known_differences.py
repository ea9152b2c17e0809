"""What do terms say where Zipline raises, or has integers made of NaN?"""

import numpy as np
import pytest

from rustybt.pipeline import Pipeline, run_pipeline
from rustybt.pipeline.data import EquityPricing
from rustybt.pipeline.factors import Aroon, Returns
from rustybt.pipeline.filters import StaticSids


def columns(bundle, **terms):
    return run_pipeline(Pipeline(terms), "2017-05-15", "2017-08-04", bundle)


def test_aroon_of_a_window_without_bars_is_nan(holes):
    aroon = Aroon(window_length=2)
    got = columns(holes, down=aroon.down, up=aroon.up, close=EquityPricing.close.latest)
    gone = got.close.isna().groupby(level=1).transform(lambda missing: missing & missing.shift(fill_value=False))
    assert gone.sum() > 5
    np.testing.assert_array_equal(got.up.isna(), gone)
    np.testing.assert_array_equal(got.down.isna(), gone)


@pytest.mark.parametrize("bins", [2, 5])
def test_quantiles_of_a_session_without_values_are_missing(holes, bins):
    nobody = StaticSids([])
    close = EquityPricing.close.latest
    got = columns(holes, bins=close.quantiles(bins, mask=nobody), top=Returns(window_length=2, mask=nobody).top(1))
    assert (got.bins == -1).all()
    assert not got.top.any()
