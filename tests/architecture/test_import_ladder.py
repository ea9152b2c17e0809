"""Do imports go down the ladder only, wherever in a file they stand?"""

import ast

from tests.architecture.source import PACKAGE, Import, Module, imported_names, internal_imports, modules, resolve

LADDER = (
    ("errors", "_typing", "constants", "installed"),
    ("kernels",),
    ("calendars",),
    ("assets",),
    ("data",),
    ("pipeline",),
    ("finance",),
    ("engine",),
    ("api", "results"),
    ("vector_run",),
    ("run",),
    ("algorithm",),
    ("profiling",),
    ("reports",),
    ("optimization",),
    ("testing",),
    ("cli",),
    ("__main__",),
    ("utils", "protocol", "extensions", ""),  # for users, as the package itself: nothing inside imports them
)
RUNG = {name: height for height, names in enumerate(LADDER) for name in names}


def part_of(module: str) -> str:
    return module.removeprefix(PACKAGE).lstrip(".").split(".")[0]


def upward(found: Import) -> bool:
    own, target = part_of(found.importer), part_of(found.target)
    top = len(LADDER) - 1
    return RUNG[target] > RUNG[own] or (RUNG[target] == top and target != own)


def test_every_module_stands_on_a_rung():
    assert {part_of(name) for name in modules()} <= set(RUNG)


def test_imports_reach_modules_that_exist():
    assert [found for found in internal_imports() if found.target not in modules()] == []


def test_imports_go_down_only():
    assert [found for found in internal_imports() if upward(found)] == []


def test_kernels_import_nothing_of_the_package():
    above = [found for found in internal_imports() if part_of(found.importer) == "kernels"]
    assert [found for found in above if part_of(found.target) != "kernels"] == []


def test_no_import_cycle():
    graph: dict[str, set[str]] = {name: set() for name in modules()}
    for found in internal_imports():
        graph[found.importer].add(found.target)
    while leaves := [name for name, targets in graph.items() if not targets & graph.keys()]:
        for name in leaves:
            del graph[name]
    assert graph == {}, "modules in, or above, a cycle"


def test_the_reader_sees_hidden_imports():
    source = (
        "from typing import TYPE_CHECKING\n"
        "if TYPE_CHECKING:\n    from ..run import a\n"
        "def f():\n    import rustybt.cli\n    importlib.import_module('rustybt.api')\n"
        "from . import store\n"
    )
    fake = Module("rustybt.data.portal", modules()["rustybt"].path.parent / "data/portal.py", ast.parse(source))
    names = {name for name, _ in imported_names(fake.tree, fake)}
    assert names == {"typing.TYPE_CHECKING", "rustybt.run.a", "rustybt.cli", "rustybt.api", "rustybt.data.store"}


def test_an_upward_import_is_found():
    assert upward(Import("rustybt.data.store", "rustybt.engine.loop", 1))
    assert upward(Import("rustybt.cli.main", "rustybt", 1))
    assert not upward(Import("rustybt.results.frame", "rustybt.api", 1))
    assert resolve("rustybt.errors.BadData", modules()) == "rustybt.errors"
