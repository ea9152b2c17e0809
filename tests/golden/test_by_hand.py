"""Algorithms made by hand give Zipline's numbers: capital changes, composed rules, metrics of one's own, to 1e-9."""

import gzip
import json

import pytest

from tests.golden.by_hand import CASES, EXPECTED, run
from tests.golden.oracle import differences


@pytest.fixture(scope="module")
def expected():
    return json.loads(gzip.decompress(EXPECTED.read_bytes()))


@pytest.mark.parametrize("case", CASES)
def test_an_algorithm_made_by_hand_gives_ziplines_numbers(case, expected, ingested):
    got = run("rustybt", case)
    assert differences(expected[case], got, 1e-9) == []
    assert set(got["columns"]) == set(expected[case]["columns"])
