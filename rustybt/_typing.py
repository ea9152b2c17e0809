"""Which array and path types do signatures name?"""

import os
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

FloatArray: TypeAlias = NDArray[np.float64]
IntArray: TypeAlias = NDArray[np.int64]
BoolArray: TypeAlias = NDArray[np.bool_]
Records: TypeAlias = NDArray[Any]
"""A structured array; the docstring that returns one names its fields."""

PathLike: TypeAlias = str | os.PathLike[str]
