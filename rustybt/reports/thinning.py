"""Which points of a long curve must a chart keep to look the same?"""

from typing import Final

import numpy as np

from rustybt._typing import FloatArray, IntArray

MOST_POINTS: Final = 2000
"""Of a curve in a chart: more than a screen has columns."""


def kept_points(values: FloatArray, most: int = MOST_POINTS) -> IntArray:
    """Choose the points of a curve that show its shape: each stretch's lowest, highest and first hole; first and last.

    Parameters
    ----------
    values : float64 array, shape (n,)
        The curve; NaN where it has a hole.
    most : int, optional
        How many to keep, at least 5.

    Returns
    -------
    int64 array, shape (at most `most`,)
        Rising places; all of them where there are no more than `most`.

    Examples
    --------
    >>> kept_points(np.array([0.0, 5.0, 1.0, 1.0, -3.0, 2.0, 2.0, 1.0, 2.0]), most=8).tolist()
    [0, 1, 4, 5, 8]
    """
    count = len(values)
    if count <= most:
        return np.arange(count, dtype=np.int64)
    edges = np.linspace(0, count, (most - 2) // 3 + 1).astype(np.int64)
    places = {0, count - 1}
    for begin, end in zip(edges[:-1].tolist(), edges[1:].tolist(), strict=True):
        stretch = values[begin:end]
        holes = np.isnan(stretch)
        places.add(begin + int(np.argmin(np.where(holes, np.inf, stretch))))
        places.add(begin + int(np.argmax(np.where(holes, -np.inf, stretch))))
        if holes.any():
            places.add(begin + int(np.argmax(holes)))
    return np.array(sorted(places), dtype=np.int64)
