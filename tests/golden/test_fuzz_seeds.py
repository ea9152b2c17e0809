"""Random algorithms give what Zipline gave for them: a sample of the kept seeds here, all of them in the soak."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from scripts.parity import golden
from scripts.parity.packages import Package, this_project, with_mag7

HERE = Path(__file__).parent
KEPT = sorted((HERE / "fuzz").glob("*.json.gz"))
SAMPLE = KEPT[::12]


@pytest.fixture(scope="module")
def project() -> Iterator[Package]:
    """Start this project's worker process, with all data sets ingested when they are first asked for."""
    with with_mag7(HERE / "data") as data, this_project(data) as package:
        yield package


def differences(path: Path, project: Package) -> list[str]:
    kept = golden.read(path)
    return golden.golden_differences(kept, project.answer(golden.case_of(kept)))


def test_there_are_150_seeds():
    assert len(KEPT) == 150


@pytest.mark.parametrize("path", SAMPLE, ids=lambda path: path.name.partition(".")[0])
def test_a_random_algorithm_gives_ziplines_numbers(path, project):
    assert differences(path, project) == []


@pytest.mark.soak
def test_every_random_algorithm_gives_ziplines_numbers(project):
    differing = {path.name: lines for path in KEPT if (lines := differences(path, project))}
    assert differing == {}


def test_a_changed_number_is_found(project):
    kept = golden.read(SAMPLE[0])
    kept["dense"]["portfolio_value"][-1] *= 1 + 1e-8
    assert golden.golden_differences(kept, project.answer(golden.case_of(kept))) != []
