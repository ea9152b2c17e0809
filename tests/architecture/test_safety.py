"""Is anything unpickled or swallowed outside the one place that is meant to?"""

import ast
from collections.abc import Iterator

import pytest

from tests.architecture.source import Module, imported_names, modules

WORKER_BOUNDARY = "rustybt.optimization.workers"
PICKLES = {"pickle", "cloudpickle", "dill", "joblib", "shelve", "marshal", "diskcache"}
EVERYTHING = {"Exception", "BaseException"}


def outside_workers() -> list[Module]:
    return [module for name, module in modules().items() if not name.startswith(WORKER_BOUNDARY)]


def reads_pickle(node: ast.AST) -> bool:
    if not isinstance(node, ast.Call):
        return False
    unpickles = isinstance(node.func, ast.Attribute) and node.func.attr == "read_pickle"
    return unpickles or any(
        word.arg == "allow_pickle" and getattr(word.value, "value", True) is not False for word in node.keywords
    )


def broad_handlers(tree: ast.AST) -> Iterator[int]:
    """Yield the lines of handlers that catch everything and do not raise it again at their end."""
    for node in ast.walk(tree):
        if isinstance(node, ast.ExceptHandler):
            caught = (
                {name.id for name in ast.walk(node.type) if isinstance(name, ast.Name)} if node.type else EVERYTHING
            )
            last = node.body[-1]
            if caught & EVERYTHING and not (isinstance(last, ast.Raise) and last.exc is None):
                yield node.lineno


def test_only_workers_import_pickle():
    used = {
        (module.name, name)
        for module in outside_workers()
        for name, _ in imported_names(module.tree, module)
        if name.split(".")[0] in PICKLES
    }
    assert used == set()


def test_nothing_reads_a_pickle_from_disk():
    assert [name for name, module in modules().items() if any(map(reads_pickle, ast.walk(module.tree)))] == []


def test_only_workers_catch_everything():
    found = [(module.name, line) for module in outside_workers() for line in broad_handlers(module.tree)]
    assert found == []


@pytest.mark.parametrize(
    ("handler", "count"),
    [
        ("except Exception:\n    pass", 1),
        ("except:\n    pass", 1),
        ("except (ValueError, BaseException):\n    pass", 1),
        ("except BaseException:\n    clean()\n    raise", 0),
        ("except ValueError:\n    pass", 0),
    ],
)
def test_a_broad_handler_is_found(handler, count):
    assert len(list(broad_handlers(ast.parse(f"try:\n    pass\n{handler}\n")))) == count


@pytest.mark.parametrize("call", ["pd.read_pickle(p)", "np.load(p, allow_pickle=True)", "np.load(p, allow_pickle=x)"])
def test_a_pickle_reader_is_found(call):
    assert any(map(reads_pickle, ast.walk(ast.parse(call))))
