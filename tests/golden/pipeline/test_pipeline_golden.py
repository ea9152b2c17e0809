"""Do pipeline terms give Zipline's values? Numbers to 1e-9 with NaN where it has NaN, all else exactly."""

import json
from functools import cache
from pathlib import Path

import numpy as np
import pytest

from tests.golden.pipeline.differences import DIFFERENCES
from tests.golden.pipeline.rustybt_side import computed
from tests.golden.pipeline.spans import SPANS

EXPECTED = Path(__file__).with_name("expected")
NAMES = json.loads((EXPECTED / "names.json").read_text())


@cache
def expected(label):
    with np.load(EXPECTED / f"{label}.npz") as stored:
        return {NAMES[int(key)] if key.isdigit() else key: stored[key] for key in stored.files}


@pytest.mark.parametrize("label", SPANS)
def test_sessions_and_assets_are_ziplines(label, ingested_root):
    want, got = expected(label), computed(ingested_root, label)
    assert want.keys() == got.keys() == {"sessions", "symbols", *NAMES}
    assert (want["sessions"] == got["sessions"]).all()
    assert (want["symbols"] == got["symbols"]).all()


@pytest.mark.parametrize("label", SPANS)
def test_every_term_gives_ziplines_values(label, ingested_root):
    """One test a span, because each of the 400 terms would take longer to set up than to compare."""
    want, got = expected(label), computed(ingested_root, label)
    assert [name for name in NAMES if not agrees(name, want, got)] == []


def agrees(name, want, got):
    """Say whether a term's values are Zipline's, or differ from them as differences.py says."""
    if name in DIFFERENCES:
        DIFFERENCES[name](want[name], got, name)
        return True
    one, other = want[name], got[name]
    if one.dtype.kind != other.dtype.kind:
        return False
    if one.dtype.kind == "f":
        return np.allclose(other, one, rtol=1e-9, atol=1e-9, equal_nan=True)
    if one.dtype.kind == "M":
        one, other = one.view("i8"), other.view("i8")  # NaT equals NaT
    return np.array_equal(one, other)


def test_a_difference_is_found(ingested_root):
    want, got = expected("quad"), dict(computed(ingested_root, "quad"))
    name = "SimpleMovingAverage"
    assert agrees(name, want, got)
    got[name] = got[name] * (1 + 1e-8)
    assert not agrees(name, want, got)


def test_terms_are_not_trivial():
    """A golden value that is the same everywhere would prove little."""
    flat = {
        name
        for name in NAMES
        if all(expected(label)[name].ndim == 0 or len(set(expected(label)[name].tolist())) < 2 for label in SPANS)
    }
    assert flat == {"Classifier.latest/currency", *(name for name in NAMES if flat_on_purpose(name))}


def flat_on_purpose(name):
    zipline_raises = expected("quad")[name].ndim == 0
    return zipline_raises or name in ("Everything",)
