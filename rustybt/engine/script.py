"""What does a user's strategy file hold: a Strategy class, or Zipline's functions?"""

import sys
from collections.abc import Mapping
from pathlib import Path
from types import ModuleType
from typing import Any

from rustybt.engine.strategy import HOOK_NAMES, Hooks, Strategy, hooks_of, hooks_of_namespace
from rustybt.errors import ScriptError, did_you_mean

ALGOTEXT = "<algotext>"
"""The file name of a strategy that is no file."""


def execute_script(path: Path) -> ModuleType:
    """Execute a strategy file as a module of its own name, its folder first on the import path as Python has it.

    Parameters
    ----------
    path : Path
        The file.

    Returns
    -------
    ModuleType
        With the file's globals. Its name is not "__main__": what a script does under that guard is its own way to run.

    Raises
    ------
    ScriptError
        If the file is missing or no Python, or imports zipline. What it raises itself goes through.
    """
    source = read_source(path, "strategy file")
    module = new_module(f"_script_{path.stem}", str(path.resolve()))
    folder = str(path.resolve().parent)
    if folder not in sys.path:
        sys.path.insert(0, folder)
    execute_source(source, str(path), vars(module))
    return module


def execute_text(text: str, names: dict[str, Any], *, apart: bool = True) -> ModuleType:
    """Execute the text of a strategy, as `rustybt run -t` and the notebook magic give it.

    Parameters
    ----------
    text : str
        Python source.
    names : dict of str to object
        Bound before the text is executed.
    apart : bool
        False executes the text among the names themselves, such as a notebook's, and lets it bind more of them.

    Returns
    -------
    ModuleType
        With the text's globals.

    Raises
    ------
    ScriptError
        If the text is no Python, or imports zipline. What it raises itself goes through.
    """
    if apart:
        module = new_module(f"_script_{ALGOTEXT.strip('<>')}", ALGOTEXT)
        vars(module).update(names)
        execute_source(text, ALGOTEXT, vars(module))
        return module
    execute_source(text, ALGOTEXT, names)
    module = ModuleType(str(names.get("__name__", ALGOTEXT)))
    vars(module).update(names)
    module.__file__ = ALGOTEXT
    return module


def name_of_definition(definition: str) -> str:
    """Give the name that "NAME=EXPRESSION" binds.

    Raises
    ------
    ScriptError
        If it has another form.
    """
    name, equals, _ = definition.partition("=")
    if not equals or not name.strip().isidentifier():
        raise ScriptError(f"definition {definition!r} is not of the form NAME=EXPRESSION")
    return name.strip()


def evaluate_definition(definition: str, filename: str, names: dict[str, Any]) -> None:
    """Bind the name of "NAME=EXPRESSION" in a namespace, whose names the expression may use.

    Raises
    ------
    ScriptError
        If it has another form, or the expression is no Python. What that raises itself goes through.
    """
    name, expression = name_of_definition(definition), definition.partition("=")[2].strip()
    names[name] = eval(compiled(expression, filename, "eval"), names)


def new_module(name: str, file: str) -> ModuleType:
    """Give an empty module that is known by its name, where dataclasses and pickles look a class's module up."""
    module = ModuleType(name)
    module.__file__ = file
    sys.modules[name] = module
    return module


def execute_source(source: str | bytes, filename: str, namespace: dict[str, Any]) -> None:
    """Execute source in a namespace.

    Parameters
    ----------
    source : str or bytes
        Python.
    filename : str
        What tracebacks and messages call it.
    namespace : dict
        Gets its globals.

    Raises
    ------
    ScriptError
        If it is no Python, or imports zipline. What it raises itself goes through.
    """
    code = compiled(source, filename)
    try:
        exec(code, namespace)
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] != "zipline":
            raise
        raise ScriptError(
            f"{Path(filename).name} imports {error.name!r}: write rustybt where it says zipline"
        ) from error


def read_source(path: Path, kind: str) -> bytes:
    """Read a file, or say under the name of its kind that there is none."""
    try:
        return path.read_bytes()
    except FileNotFoundError:
        near = did_you_mean(path.name, [other.name for other in path.parent.glob("*.py")])
        raise ScriptError(f"{kind} {str(path)!r} does not exist{near}") from None
    except IsADirectoryError:
        raise ScriptError(f"{kind} {str(path)!r} is a folder: name a .py file in it") from None


def compiled(source: str | bytes, filename: str, mode: str = "exec") -> Any:
    """Compile source, or say in which line it is no Python."""
    shown = Path(filename).name
    try:
        return compile(source, filename, mode)
    except SyntaxError as error:
        code = f": {error.text.strip()}" if error.text and error.text.strip() else ""
        raise ScriptError(f"{shown}, line {error.lineno or 1}: {error.msg}{code}") from error
    except ValueError as error:
        raise ScriptError(f"{shown} is no Python source: {error}") from error


def strategy_class_of(module: ModuleType) -> type[Strategy] | None:
    """Give the one Strategy class that a script defines, or None if it defines none.

    Raises
    ------
    ScriptError
        If there are several, none of which is derived from all the others.
    """
    own = [
        value
        for value in vars(module).values()
        if isinstance(value, type) and issubclass(value, Strategy) and value.__module__ == module.__name__
    ]
    own = list(dict.fromkeys(own))
    leaves = [cls for cls in own if not any(other is not cls and issubclass(other, cls) for other in own)]
    if len(leaves) > 1:
        names = ", ".join(cls.__name__ for cls in leaves)
        file = Path(str(module.__file__)).name
        raise ScriptError(f"{file} defines {len(leaves)} strategies ({names}): keep one a file")
    return leaves[0] if leaves else None


def require_hooks(module: ModuleType) -> None:
    """Raise ScriptError if a script without a Strategy class has none of Zipline's functions either."""
    if not any(callable(getattr(module, name, None)) for name in HOOK_NAMES):
        raise ScriptError(
            f"{Path(str(module.__file__)).name} defines no strategy: write a class derived from rustybt.Strategy, "
            "or the functions initialize(context) and handle_data(context, data)"
        )


def hooks_with(module: ModuleType, params: Mapping[str, Any]) -> Hooks:
    """Give a script's functions, or its class's methods, with parameters set.

    Raises
    ------
    InvalidParameter
        If the class has no such parameter, or one of its parameters is given no value.
    """
    strategy_class = strategy_class_of(module)
    if strategy_class is None:
        require_hooks(module)
        return hooks_of_namespace(vars(module), params)
    return hooks_of(strategy_class(**params))
