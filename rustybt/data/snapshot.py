"""How is a model kept as it is now, whatever becomes of the objects that it was made from?

Deep copies leave functions alone, though a function may read a fitted estimator from its globals or its closure. Here a
function of the user's is copied with what it reads.
"""

from copy import deepcopy
from types import CellType, FunctionType, ModuleType
from typing import Any

from rustybt.data.code_names import global_names
from rustybt.data.digest import UNREADABLE, is_foreign_function
from rustybt.errors import InvalidParameter


def snapshot(value: Any, what: str) -> Any:
    """Give a copy that later changes of the original do not reach.

    Parameters
    ----------
    value : object
        A fitted estimator, a function, a bound method, bytes.
    what : str
        What it is, for the message.

    Returns
    -------
    object
        A deep copy. A function of the user's gets copies of the globals, the closure and the defaults that it reads;
        modules, classes and functions of installed packages are shared.

    Raises
    ------
    InvalidParameter
        If a part cannot be copied.

    Examples
    --------
    >>> weights = [1.0, 2.0]
    >>> kept = snapshot(lambda x: weights[0] * x + weights[1], "example")
    >>> weights[0] = 100.0
    >>> kept(3.0)
    5.0
    """
    try:
        return _copied(value, {})
    except UNREADABLE as error:
        raise InvalidParameter(
            f"{what} of type {type(value).__name__} cannot be copied ({type(error).__name__}: {error}): pass an object "
            "that could be pickled, or the file that it was saved to, with Model.from_file"
        ) from error


def _copied(value: Any, memo: dict[int, Any]) -> Any:
    if isinstance(value, ModuleType):
        return value
    if not isinstance(value, FunctionType) or is_foreign_function(value):
        return deepcopy(value, memo)
    if id(value) not in memo:
        return _copied_function(value, memo)
    return memo[id(value)]


def _copied_function(function: FunctionType, memo: dict[int, Any]) -> FunctionType:
    """Copy a function, which is known as its own copy before what it reads is copied: it may read itself."""
    code, known = function.__code__, function.__globals__
    cells = tuple(CellType() for _ in function.__closure__ or ())
    own: dict[str, Any] = {name: known[name] for name in ("__builtins__", "__name__") if name in known}
    copy = memo[id(function)] = FunctionType(code, own, function.__name__, None, cells)
    copy.__qualname__, copy.__module__, copy.__doc__ = function.__qualname__, function.__module__, function.__doc__
    copy.__defaults__ = _copied(function.__defaults__, memo)
    copy.__kwdefaults__ = _copied(function.__kwdefaults__, memo)
    vars(copy).update({name: _copied(part, memo) for name, part in vars(function).items()})
    for cell, original in zip(cells, function.__closure__ or (), strict=True):
        if original != CellType():
            cell.cell_contents = _copied(original.cell_contents, memo)
    own |= {name: _copied(known[name], memo) for name in sorted(global_names(code)) if name in known}
    return copy
