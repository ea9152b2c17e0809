import ast
import bisect
import statistics
import textwrap
from types import CodeType

import pytest

from rustybt.optimization.digests.code_form import Import, form_of


def code_of(text, name="f"):
    names = {}
    exec(compile(textwrap.dedent(text), "x", "exec"), names)
    return names[name].__code__


def form(text):
    return form_of(code_of(text)).form


def codes(code):
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield constant
            yield from codes(constant)


@pytest.mark.parametrize("module", [bisect, statistics, textwrap])
def test_layout_comments_and_docstrings_do_not_enter_the_form(module):
    with open(module.__file__, encoding="utf-8") as file:
        tree = ast.parse(file.read())
    bare = ast.parse(ast.unparse(tree))
    for node in ast.walk(bare):
        if isinstance(node, ast.FunctionDef) and ast.get_docstring(node) is not None:
            node.body[0] = ast.Expr(ast.Constant("other"))
            ast.fix_missing_locations(node)
    bare = ast.parse(ast.unparse(bare))
    pairs = list(zip(codes(compile(tree, "a", "exec")), codes(compile(bare, "b", "exec")), strict=True))
    same = [form_of(one).form == form_of(other).form for one, other in pairs if one.co_flags & 0x02]
    assert len(same) > 3
    assert sum(same) >= 0.98 * len(same)  # now and then the compiler doubles an end by its line


BODY = """
    def f(a, b=1):
        for x in a:
            if x > b and x != 3:
                try:
                    return g(x, key=2.0)
                except ValueError:
                    continue
        return [y + 1 for y in a if y]
"""


@pytest.mark.parametrize(
    ("old", "new"),
    [
        *(("x > b", "x >= b"), ("and", "or"), ("!= 3", "!= 4"), ("2.0", "2"), ("key=", "kind="), ("g(", "h(")),
        *(("ValueError", "KeyError"), ("continue", "break"), ("y + 1", "y - 1"), ("if y]", "if not y]")),
        *(("a, b=1", "b, a=1"), ("a, b=1", "a, *b"), ("a, b=1", "a, *, b=1"), ("a, b=1", "a, /, b=1")),
        *(("return [", "yield ["), ("2.0", "-0.0"), ("def f", "async def f")),
    ],
)
def test_what_the_code_does_enters_the_form(old, new):
    assert form(BODY) == form(BODY.replace("b=1", "b=7"))  # a default is the function's
    assert form(BODY) != form(BODY.replace(old, new))


def test_a_zero_keeps_its_sign_in_code():
    assert form("def f(): return 0.0") != form("def f(): return -0.0")


def test_a_class_in_a_function_keeps_no_line_number_or_docstring():
    one = "def f():\n    class A:\n        def m(self): return 1\n    return A"
    other = "\n\ndef f():\n\n    class A:\n        '''Doc.'''\n        def m(self):\n            return 1\n    return A"
    assert form(one) == form(other) != form(one.replace("1", "2"))


def test_paths_reads_and_words():
    found = form_of(
        code_of("def f(bars, *rest, **more):\n    np.linalg.norm(bars.close)\n    return lambda: LIMIT.low + len('w')")
    )
    assert found.paths == {("np", "linalg", "norm"), ("LIMIT", "low"), ("len",)}
    assert found.reads == {"np", "linalg", "norm", "bars", "close", "rest", "more", "LIMIT", "low", "len"}
    assert found.words == {"w"}


def test_what_is_only_stored_is_not_read():
    assert "name" not in form_of(code_of("def f(context): context.name = 1")).reads


def test_imports():
    found = form_of(code_of("def f():\n    import a.b as c\n    from d import e, g\n    from .. import h"))
    assert found.imports == [Import(0, "a.b", ()), Import(0, "d", ("e", "g")), Import(2, "", ("h",))]


def test_code_with_many_constants_and_names():
    numbers = "\n".join(f"    x = n{number}.a{number} + {number}.5" for number in range(300))
    found = form_of(code_of(f"def f():\n{numbers}\n    import a{301}.b\n    return x"))
    assert ("n299", "a299") in found.paths
    assert found.imports == [Import(0, "a301.b", ())]


def test_a_pattern_reads_the_attributes_that_it_names():
    assert "title" in form_of(code_of("def f(x):\n    match x:\n        case A(title=y):\n            return y")).reads
