"""Is a strategy file understood, and if not, is it said in which line it is wrong?"""

import sys

import pytest

from rustybt.engine.script import execute_script, hooks_with, strategy_class_of
from rustybt.errors import InvalidParameter, ScriptError

CLASS = """
from rustybt import Strategy

class Base(Strategy):
    fast = 10

class Crossover(Base):
    def handle_data(self, context, data):
        pass
"""
FUNCTIONS = "def initialize(context):\n    pass\n\n\ndef handle_data(context, data):\n    pass\n"


@pytest.fixture(autouse=True)
def clean_interpreter(monkeypatch):
    monkeypatch.setattr(sys, "path", list(sys.path))
    yield
    sys.modules.pop("_script_strategy", None)


@pytest.fixture
def script(tmp_path):
    def write(source, name="strategy.py"):
        path = tmp_path / name
        path.write_text(source)
        return path

    return write


def test_the_most_derived_class_is_the_strategy(script):
    module = execute_script(script(CLASS))
    assert strategy_class_of(module).__name__ == "Crossover"
    hooks = hooks_with(module, {"fast": 20})
    assert (hooks.handle_data.__self__.fast, hooks.initialize) == (20, None)


def test_functions_get_their_parameters_as_they_are(script):
    hooks = hooks_with(execute_script(script(FUNCTIONS)), {"any": 1})
    assert (hooks.params, hooks.initialize.__name__, hooks.analyze) == ({"any": 1}, "initialize", None)


def test_an_unknown_parameter_is_named_with_its_neighbour(script):
    with pytest.raises(InvalidParameter, match=r"Crossover has no parameter 'fats' \(did you mean 'fast'\?\)"):
        hooks_with(execute_script(script(CLASS)), {"fats": 1})


def test_two_strategies_are_one_too_many(script):
    source = "from rustybt import Strategy\nclass A(Strategy): pass\nclass B(Strategy): pass\n"
    with pytest.raises(ScriptError, match=r"strategy.py defines 2 strategies \(A, B\): keep one a file"):
        strategy_class_of(execute_script(script(source)))


def test_a_file_without_a_strategy(script):
    with pytest.raises(
        ScriptError, match="strategy.py defines no strategy: write a class derived from rustybt.Strategy"
    ):
        hooks_with(execute_script(script("x = 1\n")), {})


def test_a_syntax_error_names_file_and_line(script):
    with pytest.raises(ScriptError, match=r"strategy.py, line 2: expected ':': def f\(\)"):
        execute_script(script("x = 1\ndef f()\n    pass\n"))


def test_bytes_that_are_no_source(tmp_path):
    path = tmp_path / "strategy.py"
    path.write_bytes(b"x = 1\0")
    with pytest.raises(ScriptError, match=r"strategy.py.*null bytes"):
        execute_script(path)


def test_a_missing_file_names_its_neighbour(script):
    path = script(CLASS, "crossover.py")
    with pytest.raises(
        ScriptError, match=r"strategy file '.*crosover.py' does not exist \(did you mean 'crossover.py'\?\)"
    ):
        execute_script(path.with_name("crosover.py"))


def test_a_folder_is_no_file(tmp_path):
    with pytest.raises(ScriptError, match="is a folder: name a .py file in it"):
        execute_script(tmp_path)


@pytest.mark.parametrize("line", ["from zipline.api import order", "import zipline"])
def test_a_script_for_zipline_is_told_what_to_change(script, line):
    with pytest.raises(ScriptError, match=r"strategy.py imports 'zipline': write rustybt where it says zipline"):
        execute_script(script(line + "\n"))


def test_other_missing_modules_are_the_scripts_own_error(script):
    with pytest.raises(ModuleNotFoundError, match="no_such_module"):
        execute_script(script("import no_such_module\n"))


def test_a_sibling_module_can_be_imported(script):
    script("SIGNAL = 7\n", "sibling_of_strategy.py")
    assert execute_script(script("from sibling_of_strategy import SIGNAL\n")).SIGNAL == 7


def test_what_stands_under_the_main_guard_is_left_out(script):
    execute_script(script("if __name__ == '__main__':\n    1 / 0\n"))


def test_a_dataclass_finds_its_module(script):
    source = "from __future__ import annotations\nfrom dataclasses import dataclass\n@dataclass\nclass C:\n    x: int\n"
    assert execute_script(script(source)).C(3).x == 3
