"""Does no term see later than its own morning? Every term of the golden files is computed again after what comes later
was changed, and must say the same up to then, to the last bit."""

import json
from functools import cache
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from rustybt.pipeline import Pipeline, run_pipeline
from tests.golden import pipeline as golden
from tests.golden.pipeline.kit import corrections, kit_of, table
from tests.golden.pipeline.rustybt_side import plain
from tests.pipeline import universe

NAMES = json.loads((Path(*golden.__path__) / "expected" / "names.json").read_text())
CUTS = [pd.Timestamp(day) for day in ("2020-01-31", "2020-03-02", "2020-03-25")]
UNREACHED = {
    # Of days, sids and currencies only.
    *("CustomFactor/no inputs", "Everything", "Classifier.latest/currency", "input.stair", "SingleAsset"),
    *("StaticAssets", "StaticSids", "True | Filter", "False & Filter", "Factor !=", "Factor != number", "Factor.eq"),
    *("Factor.eq/number", "Factor.top/1 ties", "Factor.top/2 ties"),
    *(name for name in NAMES if name.startswith("Factor.rank/") and name.endswith("scending") and name.count("/") == 2),
    # Computed on the year's first session, before the cuts.
    *(f"{kind}.downsample/year_start" for kind in ("Factor", "Filter", "Classifier")),
    # Of which of two prices is greater, or which of two dates is earlier: the change does not exchange them.
    *("Factor.quintiles", "Quantiles", "dates <"),
}
"""Terms that the changes of this test do not reach."""


@cache
def computed(cut=None, last=None):
    """Compute all terms: of the bundle, or of one that is another from a session on; up to the end or to a session."""
    bars, splits, dividends = universe.frames(), [], []
    if cut is not None:
        other = universe.frames(seed=77)
        bars = {symbol: _spliced(frame, other[symbol] * 1.3, cut) for symbol, frame in bars.items()}
        after = str(days_after(cut)[0].date())
        splits, dividends = [("AAA", after, 0.2), ("DDD", after, 4.0)], [("BBB", after, after, 1.5)]
    bundle = universe.bundle_of("whole" if cut is None else f"cut-{cut.date()}", bars, splits, dividends)
    named, custom = universe.named_terms(bundle)
    if cut is not None:
        custom = _with_another_future(cut, custom)
    frame = run_pipeline(Pipeline(named), universe.SPAN[0], last or universe.SPAN[1], bundle, custom)
    return frame.index.get_level_values(0), {name: plain(frame[name]) for name in frame}


def days_after(cut):
    return universe.SESSIONS[universe.SESSIONS.searchsorted(cut, side="right") :]


def _spliced(frame, other, cut):
    return pd.concat([frame[frame.index < cut], other[other.index >= cut]])


def _with_another_future(cut, custom):
    """Give the loaders of a table whose rows, and whose corrections, are others after a session."""
    kit, sids = kit_of("rustybt"), list(range(len(universe.SYMBOLS)))
    whole, other = (table(universe.SESSIONS + pd.Timedelta(days=d), sids) for d in (0, 1301))
    found = {}
    for column in custom:
        frame = whole[column.name].copy()
        later = frame.index > cut
        frame[later] = other[column.name].to_numpy()[later]
        changes = corrections(column.name, universe.SESSIONS, sids)
        changes.loc[changes["apply_date"] > cut, "start_date"] -= pd.Timedelta(days=9)
        found[column] = kit.loader(column, frame, changes)
    return found


def up_to(computation, cut):
    sessions, values = computation
    return {name: array[sessions <= cut] for name, array in values.items()}


def bits(array):
    """Give an array's bytes, with one NaN for all."""
    return np.where(np.isnan(array), np.nan, array).tobytes() if array.dtype.kind == "f" else array.tobytes()


@pytest.mark.parametrize("cut", CUTS)
def test_a_later_bar_changes_nothing_before(cut):
    """One test a cut, because each of the 400 terms would take longer to set up than to compare."""
    before, after = up_to(computed(), cut), up_to(computed(cut), cut)
    seen_early = []
    for name in NAMES:
        width = np.result_type(before[name].dtype, after[name].dtype)  # of text, as long as the longest that there is
        if bits(before[name].astype(width)) != bits(after[name].astype(width)):
            seen_early.append(name)
    assert seen_early == []


@pytest.mark.parametrize("cut", CUTS)
def test_a_run_that_ends_earlier_says_the_same(cut):
    whole, part = up_to(computed(), cut), computed(last=cut)[1]
    for name in NAMES:
        width = np.result_type(whole[name].dtype, part[name].dtype)
        assert bits(whole[name].astype(width)) == bits(part[name].astype(width)), name


def test_the_change_is_seen_afterwards():
    """The sweep is a test only of terms that the change reaches."""
    values = computed()[1]
    same = {name for name in NAMES if all(_equal(values[name], computed(cut)[1][name]) for cut in CUTS)}
    assert same == UNREACHED


def _equal(one, other):
    return np.array_equal(one, other, equal_nan=one.dtype.kind == "f")
