"""Bundles that many tests read, ingested once a session: the packaged sample, and quad and holes of tests/golden."""

from pathlib import Path

import pytest

from rustybt.data import bundles
from rustybt.data.bundles.sample import ingest_sample
from rustybt.data.store import BundleData
from tests.golden.ingest import DATA, SPANS, daily_csvs


@pytest.fixture(scope="session")
def ingested_root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give a data folder that holds mag-7, mag7 (the same under the golden scripts' name), quad and holes."""
    root = tmp_path_factory.mktemp("ingested")
    environ = {"RUSTYBT_ROOT": str(root)}
    bundles.ingest("mag-7", environ)
    for name, (first, last) in SPANS.items():
        function = ingest_sample if name == "mag7" else daily_csvs(DATA / name / "daily")
        bundles.register(name, function, calendar_name="XNYS", start_session=first, end_session=last)
        bundles.ingest(name, environ)
        bundles.unregister(name)
    return root


@pytest.fixture
def ingested(ingested_root: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Make `ingested_root` the RUSTYBT_ROOT of this test, which must only read it."""
    monkeypatch.setenv("RUSTYBT_ROOT", str(ingested_root))
    return ingested_root


@pytest.fixture(scope="session")
def mag7(ingested_root: Path) -> BundleData:
    """Open the packaged sample."""
    return bundles.load("mag-7", {"RUSTYBT_ROOT": str(ingested_root)})


@pytest.fixture(scope="session")
def quad(ingested_root: Path) -> BundleData:
    """Open four symbols, 2012-2014, with splits and dividends."""
    return bundles.load("quad", {"RUSTYBT_ROOT": str(ingested_root)})


@pytest.fixture(scope="session")
def holes(ingested_root: Path) -> BundleData:
    """Open six symbols, 2015-2019, with gaps, a late listing and a delisting."""
    return bundles.load("holes", {"RUSTYBT_ROOT": str(ingested_root)})
