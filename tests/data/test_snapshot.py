"""A snapshot answers as its original did when it was taken."""

import math
import threading

import numpy as np
import pytest

from rustybt.data.snapshot import snapshot
from rustybt.errors import InvalidParameter

WEIGHTS = [2.0]


class Fitted:
    def __init__(self, slope):
        self.coefficients = np.array([slope])

    def predict(self, x):
        return self.coefficients * x


def taken(value):
    return snapshot(value, "estimator")


def function_of(text, **known):
    exec(text, known)
    return known["f"], known


def test_refitting_the_original_changes_nothing():
    fitted = Fitted(2.0)
    kept = taken(fitted)
    fitted.coefficients[:] = 5.0
    assert kept.predict(1.0) == [2.0]


def test_nor_does_it_in_a_bound_method():
    fitted = Fitted(2.0)
    kept = taken(fitted.predict)
    fitted.coefficients[:] = 5.0
    assert kept(1.0) == [2.0]


@pytest.mark.parametrize(
    "text",
    [
        "def f(x): return w[0] * x",
        "def f(x, w=w): return w[0] * x",
        "def f(x, *, w=w): return w[0] * x",
        "def h(w):\n return lambda x: w[0] * x\nf = h(w)",
        "def g(x): return w[0] * x\ndef f(x): return g(x)",
        "def h(g):\n return lambda x: g(x)\nf = h(lambda x: w[0] * x)",
        "def f(x): return f.w[0] * x\nf.w = w",
        "def f(x): return [w[0] * v for v in [x]][0]",
    ],
)
def test_nor_does_what_a_function_reads(text):
    weights = [2.0]
    function, _ = function_of(text, w=weights)
    kept = taken(function)
    weights[0] = 5.0
    assert (function(1.0), kept(1.0)) == (5.0, 2.0)


def test_nor_does_a_global_that_is_bound_anew():
    function, known = function_of("def f(x): return w * x", w=2.0)
    kept = taken(function)
    known["w"] = 5.0
    assert kept(1.0) == 2.0


@pytest.mark.parametrize(
    "text",
    [
        "def f(n): return 1 if n < 2 else n * f(n - 1)",
        "def g(n): return f(n)\ndef f(n): return 1 if n < 2 else n * g(n - 1)",
        "def h():\n def inner(n): return 1 if n < 2 else n * inner(n - 1)\n return inner\nf = h()",
    ],
)
def test_functions_may_call_themselves(text):
    assert taken(function_of(text)[0])(5) == 120


def test_two_names_of_one_object_stay_one():
    shared = [1.0]
    function, _ = function_of("def f(x):\n a[0] += x\n return b[0]", a=shared, b=shared)
    assert taken(function)(1.0) == 2.0
    assert shared == [1.0]


def test_modules_and_installed_functions_are_shared():
    kept = taken(lambda x: np.sqrt(x) + math.pi)
    assert kept(4.0) == 2.0 + math.pi
    assert taken(np.mean) is np.mean
    assert taken(math) is math


def test_a_function_keeps_its_name_and_text():
    def forecast(x: float) -> float:
        """Say it."""
        return x * WEIGHTS[0]

    kept = taken(forecast)
    assert (kept.__name__, kept.__qualname__, kept.__doc__) == (
        forecast.__name__,
        forecast.__qualname__,
        "Say it.",
    )
    assert kept.__module__ == __name__


def test_a_global_that_is_missing_is_missing_when_it_is_called():
    kept = taken(function_of("def f(x): return missing")[0])
    with pytest.raises(NameError, match="missing"):
        kept(1.0)


def test_what_cannot_be_copied_is_refused():
    lock = threading.Lock()
    with pytest.raises(InvalidParameter, match=r"estimator of type function cannot be copied .*Model\.from_file"):
        taken(lambda x: lock)
