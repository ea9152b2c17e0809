"""Do the documents name only modules, files and pages that exist?"""

import re
from importlib import import_module
from pathlib import Path

import pytest

from tests.architecture.source import ROOT, modules

PAGES = [*sorted(ROOT.glob("*.md")), *sorted((ROOT / "docs").rglob("*.md"))]
DOTTED = re.compile(r"\brustybt(?:\.[A-Za-z_]\w*)+")
IN_TREE = re.compile(r"\b(?:rustybt|tests|docs|scripts)/[\w/.-]*\w")
LINK = re.compile(r"\]\((?!\w+://|#)([^)#]+)")


def reaches_something(dotted: str) -> bool:
    """Resolve a dotted name as a module, or as an attribute of the longest module in it."""
    parts = dotted.split(".")
    depth = max(n for n in range(1, len(parts) + 1) if ".".join(parts[:n]) in modules())
    value = import_module(".".join(parts[:depth]))
    for part in parts[depth:]:
        if not hasattr(value, part):
            return False
        value = getattr(value, part)
    return True


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_names_exist(page: Path):
    text = page.read_text(encoding="utf-8")
    names = {name for name in DOTTED.findall(text) if not name.endswith((".py", ".toml"))}
    assert [name for name in sorted(names) if not reaches_something(name)] == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_paths_exist(page: Path):
    text = page.read_text(encoding="utf-8")
    paths = {ROOT / path for path in IN_TREE.findall(text)} | {page.parent / link for link in LINK.findall(text)}
    assert [str(path) for path in sorted(paths) if not path.exists()] == []


def test_there_are_pages():
    assert {page.name for page in PAGES} >= {"README.md", "CHANGELOG.md", "architecture.md", "metrics.md"}


def test_an_invented_name_is_found():
    assert reaches_something("rustybt.errors.did_you_mean")
    assert not reaches_something("rustybt.errors.did_you_meen")
