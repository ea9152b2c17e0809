"""A digest is the same for equal objects in any process, and another for objects that differ, in their code too."""

import subprocess
import sys
import threading
from collections import OrderedDict
from dataclasses import dataclass
from functools import cached_property, lru_cache, partial

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rustybt.data.digest import digest_of
from rustybt.errors import InvalidParameter

PLAIN = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text() | st.binary(),
    lambda inner: st.lists(inner, max_size=3) | st.tuples(inner, inner) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


def digest(value):
    return digest_of(value, "estimator")


def function_of(text, **known):
    exec(text, known)
    return known["f"]


@dataclass
class Line:
    slope: float
    offset: float = 0.0

    def predict(self, x):
        return self.slope * x + self.offset


class Slotted:
    __slots__ = ("value",)

    def __init__(self, value):
        self.value = value


class Lazy:
    def __init__(self, value):
        self.value = value

    @cached_property
    def square(self):
        return self.value**2

    @staticmethod
    @lru_cache
    def known(x):
        return x


def exactly(value):
    """Give a value with its types, as repr tells 1, 1.0 and True apart, and 0.0 and -0.0."""
    return repr(value)


@given(PLAIN, PLAIN)
def test_plain_values_have_one_digest_if_and_only_if_they_are_the_same(one, other):
    assert (digest(one) == digest(other)) == (exactly(one) == exactly(other))


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ([1, [2]], [[1], 2]),
        (["a", "b"], ["ab"]),
        ((1, 2), [1, 2]),
        ({1}, frozenset({1})),
        (b"a", "a"),
        (b"a", bytearray(b"a")),
        ({"a": 1, "b": 2}, {"b": 2, "a": 1}),
        (np.arange(4.0), np.arange(4.0).reshape(2, 2)),
        (np.zeros(1), np.zeros(1, dtype=np.float32)),
        (np.float64(1.0), 1.0),
        (np.array([1, "a"], dtype=object), np.array([1, "b"], dtype=object)),
        (np.array([(1, 2.0)], dtype="i8,f8"), np.array([(1, 3.0)], dtype="i8,f8")),
        (Line(1.0), Line(2.0)),
        (Slotted(1), Slotted(2)),
        (Lazy(1), Lazy(2)),
        (pd.Series([1.0]), pd.Series([2.0])),
        (partial(max, 1), partial(max, 2)),
        (np.sin, np.cos),
        (max, min),
        (Line(1.0).predict, Line(2.0).predict),
        (OrderedDict(a=1, b=2), OrderedDict(b=2, a=1)),
        ([10**5000], [10**5000 + 1]),
    ],
)
def test_what_differs_has_two_digests(one, other):
    assert digest(one) != digest(other)


@pytest.mark.parametrize(
    "make",
    [
        lambda: {"b", "a", "c"},
        lambda: np.array([(1, 2.0)], dtype=np.dtype("u1,f8", align=True)),
        lambda: Line(1.5),
        lambda: Slotted("x"),
        lambda: Lazy(3),
        lambda: pd.DataFrame({"a": [1.0]}, index=pd.to_datetime(["2020-01-02"])),
        lambda: partial(np.add, np.ones(3)),
        lambda: np.random.default_rng(1),
        lambda: function_of("def f(x): return x + 1"),
        lambda: Ellipsis,
    ],
)
def test_what_is_made_twice_has_one_digest(make):
    assert digest(make()) == digest(make())


def test_how_parts_are_shared_does_not_count():
    part = [1.0, 2.0]
    assert digest([part, part]) == digest([[1.0, 2.0], [1.0, 2.0]])


def test_the_order_of_attributes_does_not_count():
    one, other = Lazy(1), Lazy.__new__(Lazy)
    one.extra, other.extra, other.value = 2, 2, 1
    assert list(vars(one)) != list(vars(other))
    assert digest(one) == digest(other)


def test_what_lies_between_the_fields_of_an_array_does_not_count():
    padded = np.dtype("u1,i4", align=True)
    arrays = [np.frombuffer(bytes([1, fill, fill, fill, 7, 0, 0, 0]), dtype=padded) for fill in (0, 9)]
    assert digest(arrays[0]) == digest(arrays[1])


def test_a_circle_has_a_digest():
    one, other, third = [1], [1], [2]
    for circle in (one, other, third):
        circle.append({"back": circle})
    assert digest(one) == digest(other) != digest(third)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("def f(x): return x + 1", "def f(x): return x + 2"),
        ("def f(x): return x + 1", "def f(x): return x - 1"),
        ("def f(x, y=1): return x + y", "def f(x, y=2): return x + y"),
        ("def f(x, *, y=1): return x + y", "def f(x, *, y=2): return x + y"),
        ("def f(x): return [v + 1 for v in x]", "def f(x): return [v + 2 for v in x]"),
        ("def f(x): return x.real", "def f(x): return x.imag"),
        ("w = 1\ndef f(x): return w * x", "w = 2\ndef f(x): return w * x"),
        ("def g(x): return 1\ndef f(x): return g(x)", "def g(x): return 2\ndef f(x): return g(x)"),
        ("class C:\n v = 1\ndef f(x): return C.v", "class C:\n v = 2\ndef f(x): return C.v"),
        ("class C:\n def m(s): return 1\ndef f(x): return C()", "class C:\n def m(s): return 2\ndef f(x): return C()"),
        ("def h(w):\n return lambda x: w * x\nf = h(1)", "def h(w):\n return lambda x: w * x\nf = h(2)"),
        ("def f(x): return f.w\nf.w = 1", "def f(x): return f.w\nf.w = 2"),
    ],
)  # fmt: skip
def test_code_counts_with_what_it_reads(one, other):
    assert digest(function_of(one)) == digest(function_of(one))
    assert digest(function_of(one)) != digest(function_of(other))


@pytest.mark.parametrize(
    "text",
    [
        "def f(n): return n and f(n - 1)",
        "def g(n): return f(n)\ndef f(n): return n and g(n - 1)",
        "def h():\n def inner(n): return n and inner(n - 1)\n return inner\nf = h()",
        "def f(x): return missing + x",
        "def h():\n def inner(): return later\n return inner\n later = 1\nf = h()",
    ],
)
def test_functions_that_read_themselves_or_nothing_have_a_digest(text):
    assert digest(function_of(text)) == digest(function_of(text))


def test_a_line_further_down_is_the_same_code():
    assert digest(function_of("def f(x): return x")) == digest(function_of("\n\n# a comment\ndef f(x): return x"))


def test_the_same_script_has_one_digest_in_every_process():
    script = (
        "import numpy as np\nfrom rustybt.data.digest import digest_of\n"
        "class Fitted:\n    def __init__(self):\n        self.names, self.w = {'a', 'b', 'c'}, np.ones(3)\n"
        "    def predict(self, x):\n        return x @ self.w\n"
        "print(digest_of((Fitted(), Fitted().predict, lambda x: Fitted), 'estimator').hex())\n"
    )
    runs = [
        subprocess.run([sys.executable, "-c", script], env={"PYTHONHASHSEED": seed}, capture_output=True, text=True)
        for seed in ("1", "2")
    ]
    assert runs[0].stdout == runs[1].stdout != "", runs[0].stderr


@pytest.mark.parametrize("part", [threading.Lock(), sys.stdout, (n for n in ())])
def test_what_only_this_process_has_is_refused(part):
    with pytest.raises(InvalidParameter, match=r"estimator of type list cannot be hashed .*Model\.from_file"):
        digest([part])


def test_what_is_nested_too_deeply_is_refused():
    deep = []
    for _ in range(100_000):
        deep = [deep]
    with pytest.raises(InvalidParameter, match="RecursionError"):
        digest(deep)
