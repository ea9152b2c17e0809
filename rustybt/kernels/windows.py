"""What is a statistic of every window of every asset, each window seen as of its last row?

Each asset's values lie side by side. What changes earlier values (a split, a dividend, a correction) is applied to the
asset's copy when the windows reach it, one by one in order, so that a window's values have the bits that a moving view
over the whole table would show.
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

MULTIPLY: Final = 0
ADD: Final = 1
OVERWRITE: Final = 2

ROW: Final = 0  # columns of a table of changes: the row from which on a change is seen,
FIRST: Final = 1  # the first
LAST: Final = 2  # and the last row that it changes,
KIND: Final = 3  # and how


@register_jitable
def change(values: Array, first: int, last: int, kind: int, value: float) -> None:
    """Change rows first..last, in place; those that are not there are left out, as a slice leaves them out."""
    for row in range(max(first, 0), min(last + 1, len(values))):
        if kind == MULTIPLY:
            values[row] *= value
        elif kind == ADD:
            values[row] += value
        else:
            values[row] = value


@register_jitable
def apply_due(values: Array, shift: int, last: int, changes: Rows, factors: Array, following: int, stop: int) -> int:
    """Apply the changes from one on that a window's last row has seen, and give the first that it has not."""
    while following < stop and changes[following, ROW] - shift <= last:
        due = changes[following]
        change(values, due[FIRST] - shift, due[LAST] - shift, due[KIND], factors[following])
        following += 1
    return following


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
        inputs : tuple of float64 arrays, shape (n_assets or 1, any)
            Values of each asset; a single row is every asset's.
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
        n_inputs = len(inputs)
        size = lasts[-1] + 1
        values = np.empty((n_inputs, size))
        following, stop = np.empty(n_inputs, np.int64), np.empty(n_inputs, np.int64)
        result = np.empty(out.shape[0])
        for j in range(mask.shape[1]):
            if not mask[:, j].any():
                continue
            for k in range(n_inputs):
                place = j if inputs[k].shape[0] > 1 else 0
                for row in range(size):
                    values[k, row] = inputs[k][place, row + shifts[k]]
                following[k] = starts[k][place]
                stop[k] = starts[k][place + 1]
            for i in range(mask.shape[0]):
                last = lasts[i]
                for k in range(n_inputs):
                    following[k] = apply_due(values[k], shifts[k], last, changes[k], factors[k], following[k], stop[k])
                if mask[i, j]:
                    statistic(values, last - length + 1, last + 1, params, result)
                    for m in range(out.shape[0]):
                        out[m, i, j] = result[m]

    return windows_of
