"""Terms cross to other processes, and are there what was made alike: a strategy in a worker may hold them."""

import pickle
import subprocess
import sys
import textwrap

import cloudpickle
import pytest

from rustybt import Optimizer, Strategy
from rustybt.api import attach_pipeline, order_target_percent, pipeline_output
from rustybt.optimization import GridSearch, Integer
from rustybt.pipeline import CustomFactor, Pipeline
from rustybt.pipeline.data import Column, DataSet, EquityPricing, USEquityPricing
from rustybt.pipeline.domain import GB_EQUITIES, GENERIC, US_EQUITIES
from rustybt.pipeline.factors import RSI, BollingerBands, Returns
from rustybt.pipeline.filters import StaticSids


class Own(DataSet):
    value = Column(float)
    name = Column(str)


class Spread(CustomFactor):
    inputs = (EquityPricing.high, USEquityPricing.low)
    window_length = 3
    params = {"scale": 1.0}

    def compute(self, today, assets, out, high, low, scale):
        out[:] = (high - low).mean(axis=0) * scale


MOMENTUM = Returns(window_length=20)
TERMS = [
    EquityPricing.close,
    USEquityPricing.close.latest,
    Own.value.latest,
    Own.name.latest.startswith("a"),
    MOMENTUM,
    MOMENTUM.rank(mask=StaticSids([1, 2])),
    MOMENTUM.zscore(groupby=RSI().quartiles()),
    -MOMENTUM > 2.0,
    MOMENTUM.downsample("month_start").alias("slow"),
    RSI().fillna(50.0),
    BollingerBands(window_length=5, k=2.0).upper,
    Spread(scale=2.0),
    MOMENTUM.mean(),
    (RSI() > 3).if_else(RSI(), MOMENTUM),
]


@pytest.mark.parametrize("dumps", [pickle.dumps, cloudpickle.dumps], ids=["pickle", "cloudpickle"])
@pytest.mark.parametrize("term", TERMS, ids=repr)
def test_a_term_comes_back_as_itself(term, dumps):
    assert pickle.loads(dumps(term)) is term


def test_domains_come_back_as_themselves():
    for domain in (GENERIC, US_EQUITIES, GB_EQUITIES):
        assert pickle.loads(pickle.dumps(domain)) is domain


def test_a_script_of_ones_own_terms_crosses_to_another_process(tmp_path):
    script = """
        import sys, cloudpickle
        from rustybt.pipeline import CustomFactor, Pipeline
        from rustybt.pipeline.data import Column, DataSet, USEquityPricing
        from rustybt.pipeline.factors import Returns

        class Own(DataSet):
            value = Column(float)

        class Twice(CustomFactor):
            inputs = (USEquityPricing.close, Own.value)
            window_length = 2
            def compute(self, today, assets, out, close, value):
                out[:] = close[-1] * value[-1]

        columns = {"twice": Twice(), "rank": Returns(window_length=3).rank(), "latest": Own.value.latest}
        sys.stdout.buffer.write(cloudpickle.dumps((columns, Own)))
    """
    file = tmp_path / "script.py"
    file.write_text(textwrap.dedent(script))
    done = subprocess.run([sys.executable, str(file)], capture_output=True, check=True)
    columns, dataset = pickle.loads(done.stdout)
    assert columns["rank"] is Returns(window_length=3).rank()
    assert columns["latest"] is dataset.value.latest
    assert columns["twice"].inputs == (USEquityPricing.close, dataset.value)


class Momentum(Strategy):
    count = Integer(1, 3)
    capital_base = 1e5

    def initialize(self, context):
        attach_pipeline(Pipeline({"r": MOMENTUM, "s": Spread()}, screen=MOMENTUM.top(self.count)), "top")

    def handle_data(self, context, data):
        chosen = pipeline_output("top").index
        for asset in {*chosen, *context.portfolio.positions}:
            order_target_percent(asset, 1 / len(chosen) if asset in chosen else 0)


def test_an_optimization_of_a_pipeline_is_the_same_on_any_number_of_workers(ingested):
    def run(workers):
        return Optimizer(
            strategy_class=Momentum,
            bundle="mag-7",
            start="2015-01-02",
            end="2015-06-30",
            search=GridSearch(),
            objective="sharpe",
            num_workers=workers,
        ).run()

    alone, together = run(1), run(2)
    assert alone.trials["status"].eq("complete").all()
    assert alone.trials["sharpe"].tolist() == together.trials["sharpe"].tolist()
    assert alone.trials["sharpe"].nunique() == 3
