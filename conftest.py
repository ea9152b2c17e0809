"""What holds for every test and doctest: no file of the user's is touched, and property tests are not timed."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings

# A shared machine is slow at times: a deadline for one example would fail for reasons outside the code. In CI the
# examples are the same every time.
settings.register_profile("suite", deadline=None, derandomize=bool(os.environ.get("CI")))
settings.load_profile("suite")


@pytest.fixture(scope="session", autouse=True)
def bundle_root(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Point RUSTYBT_ROOT at an empty folder of this test process; a test that changes bundles sets its own."""
    root = tmp_path_factory.mktemp("rustybt-root")
    before = os.environ.get("RUSTYBT_ROOT")
    os.environ["RUSTYBT_ROOT"] = str(root)
    yield root
    if before is None:
        del os.environ["RUSTYBT_ROOT"]
    else:
        os.environ["RUSTYBT_ROOT"] = before
