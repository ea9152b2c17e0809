"""Does each file answer one question, and each function fit in a glance?"""

import ast
from statistics import median

from tests.architecture.source import functions, modules

MAX_FILE_LINES = 400
MAX_FUNCTION_LINES = 60
MEDIAN_BELOW = 10


def test_files_are_short():
    sizes = {name: module.path.read_text(encoding="utf-8").count("\n") for name, module in modules().items()}
    assert {name: size for name, size in sizes.items() if size > MAX_FILE_LINES} == {}


def test_functions_are_short():
    rows = [(name, *row) for name, module in modules().items() for row in functions(module.tree)]
    assert [row for row in rows if row[-1] > MAX_FUNCTION_LINES] == []


def test_most_functions_are_a_few_lines():
    assert median(size for module in modules().values() for *_, size in functions(module.tree)) < MEDIAN_BELOW


def test_docstrings_do_not_count():
    tree = ast.parse('def f():\n    """One.\n\n    Two.\n    """\n    a = 1\n    return a\n')
    assert [size for *_, size in functions(tree)] == [2]


def test_every_module_says_which_question_it_answers():
    assert [name for name, module in modules().items() if not ast.get_docstring(module.tree)] == []
