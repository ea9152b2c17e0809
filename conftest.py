"""What holds for every test and doctest: no file of the user's is touched, and property tests are not timed."""

import os
from pathlib import Path

import pytest
from hypothesis import settings

# A shared machine is slow at times: a deadline for one example would fail for reasons outside the code. In CI the
# examples are the same every time.
settings.register_profile("suite", deadline=None, derandomize=bool(os.environ.get("CI")))
settings.load_profile("suite")


@pytest.fixture(autouse=True)
def data_root(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Give each test an empty RUSTYBT_ROOT of its own."""
    root = tmp_path_factory.mktemp("root")
    monkeypatch.setenv("RUSTYBT_ROOT", str(root))
    monkeypatch.delenv("CSVDIR", raising=False)
    return root
