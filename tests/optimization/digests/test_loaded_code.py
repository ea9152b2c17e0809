import importlib.util
import sys
import types

import numpy as np
import pandas as pd
import pytest

import rustybt
from rustybt import run_algorithm
from rustybt.optimization.digests import loaded_code
from rustybt.optimization.digests.foreign import holder_of, is_foreign, is_foreign_file, module_of_name
from rustybt.optimization.digests.loaded_code import OwnNames, modules_of_user, normal_source, versions
from rustybt.optimization.digests.outside import is_outside
from rustybt.optimization.digests.tables_apart import take_apart


@pytest.fixture
def module(tmp_path, monkeypatch):
    def load(text, name="user_beside"):
        path = tmp_path / f"{name}.py"
        path.write_text(text)
        spec = importlib.util.spec_from_file_location(name, path)
        monkeypatch.setitem(sys.modules, name, importlib.util.module_from_spec(spec))
        return path

    return load


def test_a_module_counts_by_its_content_and_its_name(module):
    module("x = 1")
    first = modules_of_user({})
    module("x = 1")
    assert modules_of_user({}) == first
    module("x = 1  # one")
    assert modules_of_user({}) != first
    module("x = 1")
    module("x = 1", "user_other")
    assert modules_of_user({}) != first


def test_a_change_within_the_same_moment_and_size_is_seen(module):
    module("x = 1")
    first = modules_of_user({})
    module("x = 2")
    assert modules_of_user({}) != first


def test_a_module_whose_file_is_gone_does_not_stop_anything(module):
    path = module("x = 1")
    first = modules_of_user({})
    path.unlink()
    assert modules_of_user({}) != first


def test_the_strategys_own_module_counts_without_comments_and_strategies(module):
    own = {"user_beside": OwnNames(frozenset(("Hold",)))}
    module("x = 1\nclass Hold(Base):\n    fast = 1\n")
    first = modules_of_user(own)
    module("'''Doc.'''\n\nx = 1  # one\nclass Hold(Base):\n    fast = 2\n")
    assert modules_of_user(own) == first
    module("x = 2\nclass Hold(Base):\n    fast = 1\n")
    assert modules_of_user(own) != first


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("x = 1", "x = (1)", True),
        ("x = 1", "x = 2", False),
        ("def f(): return 1", "def f():\n  'Doc.'\n  return 1", True),
        ("class A:\n  x = 1", "class A:\n  'Doc.'\n  x = 1", True),
        ("class A:\n  x = 1", "class A:\n  x = 2", False),
        ("class A(Strategy): x = 1", "class A(Strategy): x = 2", True),
        ("class A(rustybt.Strategy): x = 1", "", True),
        ("class A(Strategy): x = 1\nclass B(A): x = 2", "class B(VectorStrategy): x = 1", True),
        ("class A(Strategy): x = 1\nL = [A]", "class B(Strategy): x = 1\nL = [B]", True),
        ("title = 'a'", "title = 'b'", True),
        ("title: str = 'a'", "title = 'b'", True),
        ("title = x = 'a'", "title = x = 'b'", False),
        ("if __name__ == '__main__': print(1)", "", True),
        ("if x == '__main__': print(1)", "", False),
        ("not python 1", "not python 2", False),
    ],
)
def test_normal_source(one, other, same):
    own = OwnNames(top=frozenset(("title",)))
    assert (normal_source(one.encode(), own) == normal_source(other.encode(), own)) == same


def test_the_engine_counts_by_its_files_and_versions():
    assert rustybt.__version__.encode() in loaded_code.engine()
    assert np.__version__.encode() in loaded_code.engine()
    assert versions(["numpy", "no_such_package"]) == (("no_such_package", ""), ("numpy", np.__version__))


def test_what_is_foreign(tmp_path):
    assert is_foreign(np) and is_foreign(types) and is_foreign(rustybt) and is_foreign(sys)
    assert is_foreign(module_of_name("sqlite3")) and is_foreign(module_of_name("numba"))
    assert not is_foreign(sys.modules[__name__]) and not is_foreign(types.ModuleType("made"))
    assert not is_foreign(module_of_name("no_such_module"))
    assert is_foreign_file(np.__file__) and is_foreign_file("<frozen os>") and is_foreign_file(rustybt.__file__)
    assert not is_foreign_file(str(tmp_path / "x.py")) and not is_foreign_file("<stdin>")
    assert holder_of(np.mean) is np and holder_of(run_algorithm) is sys.modules["rustybt.run"]
    assert holder_of(test_what_is_foreign) is None and holder_of(3) is None


def test_a_namespace_package_of_the_users_is_not_foreign(tmp_path, monkeypatch):
    (tmp_path / "user_space").mkdir()
    monkeypatch.syspath_prepend(str(tmp_path))
    assert not is_foreign(module_of_name("user_space"))


@pytest.mark.parametrize(
    ("module", "name", "outside"),
    [
        ("builtins", "open", True),
        ("builtins", "len", False),
        ("os", "environ", True),
        ("os", "sep", False),
        ("posixpath", "join", False),
        ("pandas.io.parsers", "read_csv", True),
        ("numpy", "load", True),
        ("numpy", "read_csv", False),
        ("requests.api", "get", True),
        ("time", "time", True),
        ("time", "perf_counter", False),
    ],
)
def test_what_is_outside(module, name, outside):
    assert is_outside(module, name) == outside


def test_tables_are_taken_apart_and_their_subclasses_are_not():
    class Special(pd.DataFrame):
        pass

    assert take_apart(pd.DataFrame({"a": [1]})) is not None
    assert take_apart(Special({"a": [1]})) is None
    assert take_apart([1]) is None
