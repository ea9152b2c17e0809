"""What a loader of one's own gives is checked before kernels read it: they do not look where an array ends."""

import numpy as np
import pytest

from rustybt.errors import InvalidParameter
from rustybt.kernels.windows import MULTIPLY
from rustybt.pipeline import Pipeline, run_pipeline
from rustybt.pipeline.adjusted import AdjustedArray, Change
from rustybt.pipeline.data import Column, DataSet
from rustybt.pipeline.factors import SimpleMovingAverage
from tests.builders import bars, days, make_bundle

DAYS = days(60)


class Own(DataSet):
    value = Column(float)


class Loader:
    """Gives ones, in some shape, which a change makes twos from the second row on."""

    def __init__(self, fewer_rows=0, fewer_columns=0, last=0):
        self.fewer = np.array([fewer_rows, fewer_columns])
        self.last = last

    def load_adjusted_array(self, domain, columns, dates, sids, mask):
        changes = [Change(1, column, 0, self.last, MULTIPLY, 2.0) for column in range(len(sids))]
        return {column: AdjustedArray(np.ones(mask.shape - self.fewer), changes) for column in columns}


class Nothing:
    def load_adjusted_array(self, domain, columns, dates, sids, mask):
        return {}


@pytest.fixture
def made():
    return make_bundle({name: bars([10.0] * 60) for name in "AB"})


def run(made, term, loader):
    return run_pipeline(Pipeline({"x": term}), DAYS[10], DAYS[50], made, {Own.value: loader})["x"]


@pytest.mark.parametrize(("loader", "got"), [(Loader(3), "38, 2"), (Loader(0, 1), "41, 1"), (Nothing(), "nothing")])
def test_an_array_of_another_shape_is_refused(made, loader, got):
    with pytest.raises(InvalidParameter, match=rf"gave .*{got}.* for column Own<US>\.value.*of shape \(41, 2\)"):
        run(made, Own.value.latest, loader)


@pytest.mark.parametrize("last", [60, 100_000])
def test_a_change_may_reach_past_the_last_window(made, last):
    mean = SimpleMovingAverage([Own.value], window_length=5)
    assert set(run(made, mean.downsample("week_start"), Loader(last=last))) == {2.0}
    assert set(run(made, mean, Loader(last=last))) == {2.0}
