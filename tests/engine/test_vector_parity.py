"""Both tiers give the same run for the same decisions: every cell of the perf frame and every metric to 1e-9."""

import shutil

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.vector_cases import disagreement, random_market, trials

pytestmark = pytest.mark.filterwarnings("ignore::rustybt.errors.IngestWarning")

markets = st.builds(random_market, st.integers(0, 2**32 - 1), n_assets=st.integers(1, 5), n_sessions=st.integers(2, 60))
many = given(market=markets, runs=st.lists(trials, min_size=1, max_size=12))
slow = [HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.function_scoped_fixture]


def require_no_disagreement(root, market, runs):
    shutil.rmtree(root)  # each example has a bundle of its own
    root.mkdir()
    bundle = market.ingest()
    found = {number: text for number, trial in enumerate(runs) if (text := disagreement(bundle, trial))}
    assert found == {}


@settings(max_examples=60, suppress_health_check=slow)
@many
def test_tiers_agree_on_random_runs(data_root, market, runs):
    require_no_disagreement(data_root, market, runs)


@pytest.mark.soak
@settings(max_examples=3000, suppress_health_check=slow)
@many
def test_tiers_agree_on_many_more_random_runs(data_root, market, runs):
    require_no_disagreement(data_root, market, runs)
