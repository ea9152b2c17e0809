"""Which plain parts does a table of pandas consist of, however it keeps them?"""

from typing import Any

import numpy as np
import pandas as pd


def take_apart(value: object) -> tuple[Any, ...] | None:
    """Give the parts of a table, a column, an index or an array of pandas; None for anything else.

    Parameters
    ----------
    value : object
        Of pandas' own classes, not of one derived from them.

    Returns
    -------
    tuple or None
        Arrays of NumPy, words, and other objects of pandas.

    Examples
    --------
    >>> [str(part) for part in take_apart(pd.RangeIndex(3, name="row"))]
    ["['row']", '0', '3', '1']
    """
    if type(value) is pd.DataFrame:
        columns = [value.iloc[:, place].array for place in range(value.shape[1])]
        return value.index, value.columns, columns, value.attrs
    if type(value) is pd.Series:
        return value.index, value.array, value.name, value.attrs
    if isinstance(value, pd.Index) and type(value).__module__.partition(".")[0] == "pandas":
        return _index(value)
    if isinstance(value, pd.api.extensions.ExtensionArray) and type(value).__module__.partition(".")[0] == "pandas":
        return _array(value)
    return None


def _index(index: "pd.Index[Any]") -> tuple[Any, ...]:
    names = list(index.names)
    if isinstance(index, pd.RangeIndex):
        return names, index.start, index.stop, index.step
    if isinstance(index, pd.MultiIndex):
        return names, [index.get_level_values(level).array for level in range(index.nlevels)]
    return names, index.array, str(getattr(index, "freqstr", ""))


def _array(array: Any) -> tuple[Any, ...]:
    kind = repr(array.dtype)
    if isinstance(array.dtype, np.dtype):
        return kind, array.to_numpy()
    if isinstance(array.dtype, pd.DatetimeTZDtype):
        return kind, array.asi8
    if isinstance(array.dtype, pd.CategoricalDtype):
        return kind, array.codes, array.categories, bool(array.ordered)
    return kind, np.asarray(array, dtype=object)
