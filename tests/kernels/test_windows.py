"""Kernels over windows give what NumPy gives for each window by itself, with all that its last row has seen applied."""

import numpy as np
import pytest

from rustybt.kernels import lane_statistics, window_statistics
from rustybt.kernels.windows import ADD, LANES, MULTIPLY, OVERWRITE, over_lanes, over_windows

N_ROWS, LENGTH = 30, 6
BY_LANES = {
    name: over_lanes(getattr(lane_statistics, name))
    for name in ("change_over_window", "mean", "weighted_by_input", "mean_product", "scaled_std", "bands")
}
BY_LANES["relative_strength"] = over_lanes(lane_statistics.relative_strength)
BY_WINDOWS = {"max_drawdown": over_windows(window_statistics.max_drawdown)}
N_INPUTS = {"weighted_by_input": 2, "mean_product": 2}
N_RESULTS = {"bands": 3}
PARAM = 1.5

pytestmark = pytest.mark.filterwarnings("ignore:invalid value|divide by zero|Mean of empty|Degrees of freedom|All-NaN")


def strength(x):
    moved = np.diff(x[0])
    ups, downs = np.nanmean(np.clip(moved, 0, np.inf)), abs(np.nanmean(np.clip(moved, -np.inf, 0)))
    return [100 - 100 / (1 + ups / downs)]


def drawdown(x):
    falls = np.fmax.accumulate(x[0]) - x[0]
    low = np.argmax(np.where(np.isnan(falls), -np.inf, falls))
    return [(np.nanmax(x[0][: low + 1]) - x[0][low]) / x[0][low]]


ORACLES = {
    "change_over_window": lambda x: [(x[0][-1] - x[0][0]) / x[0][0]],
    "mean": lambda x: [np.nanmean(x[0])],
    "weighted_by_input": lambda x: [np.nansum(x[0] * x[1]) / np.nansum(x[1])],
    "mean_product": lambda x: [np.nansum(x[0] * x[1]) / LENGTH],
    "scaled_std": lambda x: [np.nanstd(x[0]) * PARAM],
    "bands": lambda x: [np.nanmean(x[0]) + sign * PARAM * np.nanstd(x[0]) for sign in (-1, 0, 1)],
    "relative_strength": strength,
    "max_drawdown": drawdown,
}


def drawn(rng, n_assets, n_changes):
    """A table with gaps, and changes as rows of (seen from, column, first, last, kind, factor), in order of rows."""
    table = rng.uniform(5.0, 50.0, (N_ROWS, n_assets))
    table[rng.random(table.shape) < 0.15] = np.nan
    rows = np.sort(rng.integers(0, N_ROWS, n_changes))
    return table, [
        (row, rng.integers(n_assets), rng.integers(0, max(row, 1)), row, rng.choice([MULTIPLY, ADD, OVERWRITE]), factor)
        for row, factor in zip(rows.tolist(), rng.uniform(0.3, 3.0, n_changes).tolist(), strict=True)
    ]


def laid_out(changes, n_assets):
    """The same changes as kernels read them: by column."""
    ordered = sorted(changes, key=lambda change: change[1])
    columns = np.array([change[1] for change in ordered], dtype=np.int64)
    starts = np.searchsorted(columns, np.arange(n_assets + 1))
    places = np.array([[c[0], c[2], c[3], c[4]] for c in ordered], dtype=np.int64).reshape(-1, 4)
    return starts, places, np.array([change[5] for change in ordered], dtype=np.float64)


def seen_from(table, changes, last):
    seen = table.copy()
    for row, column, first, until, kind, factor in changes:
        if row <= last:
            part = seen[first : until + 1, column]
            part[:] = part * factor if kind == MULTIPLY else part + factor if kind == ADD else factor
    return seen


@pytest.mark.parametrize("shift", [0, 3])
@pytest.mark.parametrize("n_assets", [1, 7, 9, LANES, LANES + 3])
@pytest.mark.parametrize("name", ORACLES)
def test_each_window_is_what_numpy_says_of_it_alone(name, n_assets, shift):
    rng = np.random.default_rng(n_assets)
    inputs = [drawn(rng, n_assets, 3 * n_assets) for _ in range(N_INPUTS.get(name, 1))]
    tables = [laid_out(changes, n_assets) for _, changes in inputs]
    lasts = np.arange(LENGTH - 1, N_ROWS - shift)
    mask = rng.random((len(lasts), n_assets)) < 0.7
    mask[:, 0] = True
    out = np.full((N_RESULTS.get(name, 1), *mask.shape), -7.0)
    expected = out.copy()
    for i, last in enumerate((lasts + shift).tolist()):
        seen = [seen_from(table, changes, last)[last - LENGTH + 1 : last + 1] for table, changes in inputs]
        for j in np.flatnonzero(mask[i]).tolist():
            expected[:, i, j] = ORACLES[name]([one[:, j] for one in seen])
    kernel = {**BY_LANES, **BY_WINDOWS}[name]
    kernel(
        tuple(table for table, _ in inputs),
        np.full(len(inputs), shift),
        *(tuple(parts) for parts in zip(*tables, strict=True)),
        lasts,
        LENGTH,
        mask,
        np.array([PARAM]),
        out,
    )
    np.testing.assert_allclose(out, expected, rtol=1e-12)


def run_one(kernel, values, length, n_inputs=1):
    """One asset, all windows, no changes."""
    table = np.asarray(values, dtype=np.float64)[:, None]
    none = (np.zeros(2, np.int64), np.empty((0, 4), np.int64), np.empty(0))
    lasts = np.arange(length - 1, len(table))
    out = np.full((1, len(lasts), 1), -7.0)
    kernel(
        (table,) * n_inputs, np.zeros(n_inputs, np.int64), *((part,) * n_inputs for part in none), lasts, length,
        np.ones((len(lasts), 1), bool), np.array([1.0]), out,
    )  # fmt: skip
    return out[0, :, 0]


def test_infinity_and_great_numbers_leave_no_trace_in_later_windows():
    assert run_one(BY_LANES["mean"], [np.inf, 1.0, 2.0, 1e16, 1.0, 3.0], 2).tolist() == [
        np.inf, 1.5, 5e15 + 1, 5e15 + 0.5, 2.0,
    ]  # fmt: skip


def test_nothing_is_nan_but_its_dollar_volume_is_0():
    gone = [np.nan] * 4
    for name in ("mean", "scaled_std", "relative_strength", "change_over_window"):
        assert np.isnan(run_one(BY_LANES[name], gone, 3)).all()
    assert run_one(BY_LANES["mean_product"], gone, 3, n_inputs=2).tolist() == [0.0, 0.0]


def test_a_constant_does_not_deviate():
    assert run_one(BY_LANES["scaled_std"], [0.1] * 9, 4).tolist() == [0.0] * 6


def test_strength_of_a_window_by_hand():
    assert run_one(BY_LANES["relative_strength"], [1.0, 3.0, 2.0, 2.0], 4).tolist() == [pytest.approx(100 - 100 / 3)]


@pytest.mark.parametrize("kernel", [BY_LANES["mean_product"]])
def test_a_single_column_is_every_asset_s(kernel):
    rng = np.random.default_rng(5)
    wide, single = rng.random((9, 70)), rng.random((9, 1))
    none = np.empty((0, 4), np.int64), np.empty(0)
    out = np.empty((1, 7, 70))
    lasts = np.arange(2, 9)
    kernel(
        (wide, single), np.zeros(2, np.int64), (np.zeros(71, np.int64), np.zeros(2, np.int64)), (none[0],) * 2,
        (none[1],) * 2, lasts, 3, np.ones((7, 70), bool), np.empty(0), out,
    )  # fmt: skip
    expected = np.lib.stride_tricks.sliding_window_view(wide * single, 3, axis=0).mean(axis=2)
    np.testing.assert_allclose(out[0], expected, rtol=1e-12)
