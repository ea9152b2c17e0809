import pytest

from rustybt.data.bundles import ingest


@pytest.fixture(scope="session")
def sample_root(tmp_path_factory):
    """A data folder that holds the sample bundle."""
    root = tmp_path_factory.mktemp("root")
    ingest("mag-7", environ={"RUSTYBT_ROOT": str(root)})
    return root


@pytest.fixture
def market(sample_root, monkeypatch):
    """Let this process, and those that it starts, find the sample bundle."""
    monkeypatch.setenv("RUSTYBT_ROOT", str(sample_root))
    return sample_root
