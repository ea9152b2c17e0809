"""What does the package's source say of itself? Modules, imports and functions, read as syntax and never executed."""

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = "rustybt"


class Module(NamedTuple):
    name: str
    path: Path
    tree: ast.Module

    @property
    def is_package(self) -> bool:
        return self.path.name == "__init__.py"


class Import(NamedTuple):
    importer: str
    target: str
    line: int


def module_name(path: Path) -> str:
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


@cache
def modules() -> dict[str, Module]:
    found = {}
    for path in sorted((ROOT / PACKAGE).rglob("*.py")):
        name = module_name(path)
        found[name] = Module(name, path, ast.parse(path.read_text(encoding="utf-8"), str(path)))
    return found


def base_of(node: ast.ImportFrom, module: Module) -> str:
    """Give the absolute name that a (possibly relative) `from` names."""
    if not node.level:
        return node.module or ""
    package = module.name.split(".") if module.is_package else module.name.split(".")[:-1]
    anchor = package[: len(package) - node.level + 1]
    return ".".join([*anchor, *([node.module] if node.module else [])])


def imported_names(tree: ast.AST, module: Module) -> Iterator[tuple[str, int]]:
    """Yield every name imported anywhere in the tree: in functions, under TYPE_CHECKING and by import_module too."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((alias.name, node.lineno) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = base_of(node, module)
            yield from ((f"{base}.{alias.name}", node.lineno) for alias in node.names)
        elif isinstance(node, ast.Call) and node.args and "import" in ast.unparse(node.func):
            first = node.args[0]
            if isinstance(first, ast.Constant) and isinstance(first.value, str):
                yield first.value, node.lineno


def resolve(name: str, known: dict[str, Module]) -> str | None:
    """Give the module of the package that a dotted name reaches, or None if it reaches outside."""
    parts = name.split(".")
    if parts[0] != PACKAGE:
        return None
    shortest = 1 if len(parts) > 2 else 0  # rustybt.Name may be the front door's own; what is deeper is not
    return next((".".join(parts[:n]) for n in range(len(parts), shortest, -1) if ".".join(parts[:n]) in known), name)


@cache
def internal_imports() -> tuple[Import, ...]:
    """List imports of one module of the package by another; `__version__` is known before anything is imported."""
    known = modules()
    return tuple(
        Import(module.name, target, line)
        for module in known.values()
        for name, line in imported_names(module.tree, module)
        if name != f"{PACKAGE}.__version__" and (target := resolve(name, known)) is not None and target != module.name
    )


def functions(tree: ast.AST) -> Iterator[tuple[str, int, int]]:
    """Yield name, line and body length (without its docstring) of every function."""
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            body = node.body[1:] if ast.get_docstring(node) is not None else node.body
            size = (node.end_lineno or node.lineno) - body[0].lineno + 1 if body else 0
            yield node.name, node.lineno, size
