"""What is a statistic of every window of every asset, each window seen as of its last row?

Assets are taken some at a time, from tables with a row a session into a copy. What changes earlier values (a split, a
dividend, a correction) is applied to an asset's copy when the windows reach it, one by one in order, so that a
window's values have the bits that a moving view over the whole table would show.

Most statistics are told of one asset's window, whose values lie side by side. Sums of hundreds of values would wait
for each addition before the next: their statistics are told of many assets' windows at a time, so that each lane of
the processor adds up an asset of its own, first value to last.
"""

from collections.abc import Callable
from typing import Any, Final

import numpy as np
from numba.extending import register_jitable
from numpy.typing import NDArray

from rustybt.kernels.compiled import compiled

Array = NDArray[np.float64]
Rows = NDArray[np.int64]
Statistic = Callable[[Array, int, int, Array, Array], None]
LaneStatistic = Callable[[Array, int, int, Array, Array, Array], None]

MULTIPLY: Final = 0
ADD: Final = 1
OVERWRITE: Final = 2

ROW: Final = 0  # columns of a table of changes: the row from which on a change is seen,
FIRST: Final = 1  # the first
LAST: Final = 2  # and the last row that it changes,
KIND: Final = 3  # and how

NEVER: Final = np.iinfo(np.int64).max

ASSETS: Final = 8  # that are copied at a time: a cache line of a row
LANES: Final = 64  # assets whose sums run together: additions of several registers hide one another's latency
SCRATCH: Final = 4  # numbers that a statistic of lanes may keep for each


@register_jitable
def change(values: Array, first: int, last: int, kind: int, value: float) -> None:
    """Change rows first..last, in place; those past the end are left out, as a slice leaves them out."""
    for row in range(first, min(last + 1, len(values))):
        if kind == MULTIPLY:
            values[row] *= value
        elif kind == ADD:
            values[row] += value
        else:
            values[row] = value


@register_jitable
def copy_columns(table: Array, shift: int, first: int, values: Array) -> None:
    """Fill values[i, a] with row shift + i of column first + a, NaN beyond the last, or of the only column."""
    columns = table.shape[1]
    for a in range(values.shape[1]):
        column = first + a if columns > 1 else 0
        if column >= columns:
            values[:, a] = np.nan
    count = values.shape[1] if columns == 1 else min(values.shape[1], columns - first)
    for row in range(values.shape[0]):
        for a in range(count):
            values[row, a] = table[row + shift, first + a if columns > 1 else 0]


@register_jitable
def note_changes(starts: Rows, changes: Rows, first: int, places: Rows) -> int:
    """Fill places[a] with each column's first change and the one after its last; give the first row that sees any."""
    soonest = NEVER
    for a in range(places.shape[0]):
        column = first + a if len(starts) > 2 else 0
        if column + 1 >= len(starts):
            places[a] = 0
            continue
        places[a, 0] = starts[column]
        places[a, 1] = starts[column + 1]
        if places[a, 0] < places[a, 1]:
            soonest = min(soonest, changes[places[a, 0], ROW])
    return soonest


@register_jitable
def change_columns(
    values: Array, changes: Rows, factors: Array, places: Rows, shift: int, begin: int, last: int
) -> int:
    """Apply the changes that row `last` has seen to rows from `begin` on; give the first row that sees a further one.

    Rows before `begin` are in no window any more. Rows of changes are those of the table, `shift` more than of values.
    """
    soonest = NEVER
    for a in range(places.shape[0]):
        place, stop = places[a]
        while place < stop and changes[place, ROW] - shift <= last:
            due = changes[place]
            change(values[:, a], max(due[FIRST] - shift, begin), due[LAST] - shift, due[KIND], factors[place])
            place += 1
        places[a, 0] = place
        if place < stop:
            soonest = min(soonest, changes[place, ROW])
    return soonest


def over_windows(statistic: Statistic) -> Any:
    """Give the kernel that computes a statistic of every window.

    Parameters
    ----------
    statistic : function of (values, begin, end, params, result)
        Reads values[:, begin:end] (float64, one row an input), writes each of its results into `result`. numba
        compiles it.

    Returns
    -------
    callable
        See `windows_of` below. Compiled at its first call with each number of inputs.
    """
    register_jitable(statistic)

    @compiled
    def windows_of(
        inputs: tuple[Array, ...],
        shifts: Rows,
        starts: tuple[Rows, ...],
        changes: tuple[Rows, ...],
        factors: tuple[Array, ...],
        lasts: Rows,
        length: int,
        mask: NDArray[np.bool_],
        params: Array,
        out: Array,
    ) -> None:
        """Fill out[:, i, j] with the statistic of asset j's window that ends at row lasts[i], where the mask is True.

        Parameters
        ----------
        inputs : tuple of float64 arrays, shape (any, n_assets or 1)
            Values of each session; a single column is every asset's.
        shifts : int64 array, shape (n_inputs,)
            Rows of each input before row 0.
        starts, changes, factors : tuples of arrays, shapes (n_assets or 1 + 1,), (n_changes, 4), (n_changes,)
            Changes of asset j are those from starts[j] up to starts[j + 1], in the order in which they are applied.
        lasts : int64 array, shape (n_rows,)
            Ascending.
        length : int
            Of a window.
        mask : bool array, shape (n_rows, n_assets)
            Where a result is wanted.
        params : float64 array
            Handed on to the statistic.
        out : float64 array, shape (n_results, n_rows, n_assets)
            Left as it is where the mask is False.
        """
        n_inputs, n_assets = len(inputs), mask.shape[1]
        values = np.empty((ASSETS, n_inputs, lasts[-1] + 1))
        places = np.empty((ASSETS, n_inputs, 1, 2), np.int64)
        due = np.empty((ASSETS, n_inputs), np.int64)
        result = np.empty(out.shape[0])
        for first in range(0, n_assets, ASSETS):
            count = min(ASSETS, n_assets - first)
            for k in range(n_inputs):
                copy_columns(inputs[k], shifts[k], first, values[:, k].T)
                for a in range(count):
                    due[a, k] = note_changes(starts[k], changes[k], first + a, places[a, k])
            for a in range(count):
                for i in range(mask.shape[0]):
                    begin, last = lasts[i] - length + 1, lasts[i]
                    for k in range(n_inputs):
                        if due[a, k] - shifts[k] <= last:
                            due[a, k] = change_columns(
                                values[a, k : k + 1].T, changes[k], factors[k], places[a, k], shifts[k], begin, last
                            )
                    if mask[i, first + a]:
                        statistic(values[a], begin, last + 1, params, result)
                        out[:, i, first + a] = result

    return windows_of


def over_lanes(statistic: LaneStatistic) -> Any:
    """Give the kernel that computes a statistic of many assets' windows at a time.

    Parameters
    ----------
    statistic : function of (values, begin, end, params, scratch, result)
        Reads values[:, begin:end] (float64, shape (n_inputs, n_rows, n_lanes)), writes result[:, lane] of each lane;
        may write to `scratch`, shape (SCRATCH, n_lanes). Its innermost loops run over lanes and do not branch.

    Returns
    -------
    callable
        Called as the kernels of `over_windows` are.
    """
    register_jitable(statistic)

    @compiled
    def windows_of(
        inputs: tuple[Array, ...],
        shifts: Rows,
        starts: tuple[Rows, ...],
        changes: tuple[Rows, ...],
        factors: tuple[Array, ...],
        lasts: Rows,
        length: int,
        mask: NDArray[np.bool_],
        params: Array,
        out: Array,
    ) -> None:
        """Fill out[:, i, j], as the kernels of `over_windows` do."""
        n_inputs, n_assets = len(inputs), mask.shape[1]
        lanes = min(LANES, n_assets)
        values = np.empty((n_inputs, lasts[-1] + 1, lanes))
        places = np.empty((n_inputs, lanes, 2), np.int64)
        due = np.empty(n_inputs, np.int64)
        scratch = np.empty((SCRATCH, lanes))
        result = np.empty((out.shape[0], lanes))
        for first in range(0, n_assets, lanes):
            count = min(lanes, n_assets - first)
            for k in range(n_inputs):
                copy_columns(inputs[k], shifts[k], first, values[k])
                due[k] = note_changes(starts[k], changes[k], first, places[k])
            for i in range(mask.shape[0]):
                begin, last = lasts[i] - length + 1, lasts[i]
                for k in range(n_inputs):
                    if due[k] - shifts[k] <= last:
                        due[k] = change_columns(values[k], changes[k], factors[k], places[k], shifts[k], begin, last)
                if mask[i, first : first + count].any():
                    statistic(values, begin, last + 1, params, scratch, result)
                    for m in range(out.shape[0]):
                        for a in range(count):
                            if mask[i, first + a]:
                                out[m, i, first + a] = result[m, a]

    return windows_of
