"""Which code is loaded beside the strategy's own: the user's modules, the engine, the packages it computes with?"""

import ast
import hashlib
import os
import platform
import re
import sys
import time
from collections.abc import Iterable, Iterator, Mapping
from functools import cache, lru_cache
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path
from typing import Final, NamedTuple

from rustybt import __version__
from rustybt.optimization.canonical import exact
from rustybt.optimization.digests.foreign import OWN
from rustybt.optimization.workers.parcel import user_modules

COMPUTING: Final = ("duckdb", "exchange_calendars", "llvmlite", "numba", "numpy", "pandas", "pyarrow", "scipy")
"""Packages whose version can change a result."""

VERSION: Final = re.compile(r"^Version:[ \t]*(\S+)", re.MULTILINE)

BASES: Final = frozenset(("Strategy", "VectorStrategy"))

SETTLED_NS: Final = 3_000_000_000
"""A file that was changed later than this ago may change again and keep its size and time."""

SCRIPTS: Final = "_script_"
"""Beginning of the names under which strategy files are executed; nothing imports them."""


class OwnNames(NamedTuple):
    """What does not count in the file of a module that defines the strategy.

    Attributes
    ----------
    classes : frozenset of str
        Classes that the strategy consists of: their code counts elsewhere, and their names do not.
    top : frozenset of str
        Names at the top of the file.
    """

    classes: frozenset[str] = frozenset()
    top: frozenset[str] = frozenset()


@cache
def engine() -> bytes:
    """Give the bytes that stand for Python, this package and the packages that it computes with.

    Returns
    -------
    bytes
        With the content of the package's files: one that is run from a checkout may change without its version.
    """
    digest = hashlib.sha256()
    for name, path in sorted(files_of_package()):
        with open(path, "rb") as file:
            digest.update(exact((name, file.read())))
    python = (platform.python_implementation(), tuple(sys.version_info[:3]), platform.machine())
    return exact((python, __version__, digest.digest(), versions(COMPUTING)))


def files_of_package() -> Iterator[tuple[str, str]]:
    """Yield this package's modules: the path below its folder, with slashes, and the whole path."""
    top = str(OWN)
    for folder, _, names in os.walk(top):
        below = folder[len(top) + 1 :].replace(os.sep, "/")
        for name in names:
            if name.endswith(".py"):
                yield f"{below}/{name}" if below else name, os.path.join(folder, name)


def versions(packages: Iterable[str]) -> tuple[tuple[str, str], ...]:
    """Give the version of each package, by name; "" where it has none."""
    return tuple((package, version_of(package)) for package in sorted(packages))


@cache
def version_of(package: str) -> str:
    """Give the version of a package by the name under which it is imported; "" where it has none."""
    try:
        header = distribution(package).read_text("METADATA") or ""
    except (PackageNotFoundError, ValueError):
        header = ""
    found = VERSION.search(header)  # reading it as the e-mail that it is takes milliseconds
    return found[1] if found else str(getattr(sys.modules.get(package), "__version__", ""))


def modules_of_user(own: Mapping[str, OwnNames]) -> bytes:
    """Give the bytes that stand for every loaded module that comes with no package.

    Parameters
    ----------
    own : mapping of str to OwnNames
        The modules that define the strategy, whose names and layout do not count.

    Returns
    -------
    bytes
        A file that cannot be read any more counts as missing; what the strategy uses of it counts elsewhere.
    """
    found = []
    for name, module in user_modules():
        if name in own or not name.startswith(SCRIPTS):
            path = os.path.abspath(str(module.__file__))
            found.append(("" if name in own else name, _digest_of_file(path, own.get(name))))
    return exact(sorted(found))


def _digest_of_file(path: str, own: OwnNames | None) -> bytes:
    try:
        found = os.stat(path)
        is_settled = found.st_mtime_ns < time.time_ns() - SETTLED_NS
        digest = _digest_of_version if is_settled else _digest_of_version.__wrapped__
        return digest(path, found.st_mtime_ns, found.st_size, own)
    except OSError:
        return b""


@lru_cache(maxsize=4096)
def _digest_of_version(path: str, modified_ns: int, size: int, own: OwnNames | None) -> bytes:
    content = Path(path).read_bytes()
    return hashlib.sha256(content if own is None else normal_source(content, own)).digest()


def normal_source(source: bytes, own: OwnNames) -> bytes:
    r"""Give what a file says without comments, layout, docstrings and strategies, which count by their code.

    Parameters
    ----------
    source : bytes
        Python; given back as it is if it is none.
    own : OwnNames
        What does not count.

    Returns
    -------
    bytes

    Examples
    --------
    >>> one = normal_source(b"days = 1\nclass A(Strategy): title = 'x'", OwnNames())
    >>> one == normal_source(b"days = 1  # or 2\nclass B(Strategy): title = 'y'", OwnNames())
    True
    """
    try:
        tree = ast.parse(source)
        return ast.dump(_Normal(own, strategies_in(tree, own.classes)).visit(tree)).encode("utf-8", "surrogatepass")
    except (SyntaxError, ValueError, RecursionError):
        return source


class _Normal(ast.NodeTransformer):
    """Takes out of a file's syntax what does not count."""

    def __init__(self, own: OwnNames, strategies: frozenset[str]) -> None:
        self.top, self.strategies = own.top, strategies

    def visit_Module(self, node: ast.Module) -> ast.AST:
        kept = (part for part in without_docstring(node.body) if not (is_left_out(part, self.top) or is_of_main(part)))
        node.body = list(kept)
        return self.generic_visit(node)

    def visit_ClassDef(self, node: ast.ClassDef) -> ast.AST | None:
        if node.name in self.strategies:
            return None
        node.body = without_docstring(node.body)
        return self.generic_visit(node)

    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.AST:
        node.body = without_docstring(node.body)
        return self.generic_visit(node)

    def visit_AsyncFunctionDef(self, node: ast.AsyncFunctionDef) -> ast.AST:
        node.body = without_docstring(node.body)
        return self.generic_visit(node)

    def visit_Name(self, node: ast.Name) -> ast.AST:
        return ast.Name("strategy", node.ctx) if node.id in self.strategies else node


def strategies_in(tree: ast.AST, known: frozenset[str]) -> frozenset[str]:
    """Give the names of classes that are strategies, by the names of their bases, beside those that are known to be."""
    bases = {
        node.name: {part.attr if isinstance(part, ast.Attribute) else getattr(part, "id", "") for part in node.bases}
        for node in ast.walk(tree)
        if isinstance(node, ast.ClassDef)
    }
    found = set(known)
    while more := {name for name in bases.keys() - found if bases[name] & (found | BASES)}:
        found |= more
    return frozenset(found)


def without_docstring(body: list[ast.stmt]) -> list[ast.stmt]:
    """Give the statements of a body but its docstring."""
    first = body[0] if body else None
    is_text = (
        isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant) and isinstance(first.value.value, str)
    )
    return body[1:] if is_text else body


def is_left_out(statement: ast.stmt, names: frozenset[str]) -> bool:
    """Say whether a statement binds some of these names, and nothing else."""
    if isinstance(statement, ast.FunctionDef):
        return statement.name in names
    targets: list[ast.expr] = []
    if isinstance(statement, ast.Assign):
        targets = statement.targets
    elif isinstance(statement, ast.AnnAssign):
        targets = [statement.target]
    return bool(targets) and all(isinstance(target, ast.Name) and target.id in names for target in targets)


def is_of_main(statement: ast.stmt) -> bool:
    """Say whether a statement is what a file does when it is run, and not when it is loaded."""
    return isinstance(statement, ast.If) and ast.unparse(statement.test) == "__name__ == '__main__'"
