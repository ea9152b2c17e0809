import collections
import functools
import logging
import random
import threading
import types

import numpy as np
import pandas as pd
import pytest

from rustybt.data import models
from rustybt.optimization.digests.object_digest import ObjectWalk
from rustybt.optimization.digests.walk import Undigestible


def digest(value):
    return ObjectWalk().digest(value)


class Model:
    def __init__(self, weights, name="m"):
        self.weights, self.name = weights, name


class Regression:
    def __init__(self, slope):
        self.slope = slope

    def predict(self, features):
        return features * self.slope


class Slotted:
    __slots__ = ("a",)

    def __init__(self, a):
        self.a = a


class Hiding:
    def __init__(self, shown, hidden):
        self.shown, self.hidden = shown, hidden

    def __getstate__(self):
        return {"shown": self.shown}


class SmallDict(dict):
    pass


def twice(function):
    @functools.wraps(function)
    def wrapper(*args):
        return function(*args) * 2

    return wrapper


def build():
    """Make one of everything that a strategy may hold, anew."""
    days = pd.date_range("2020-01-01", periods=3, tz="UTC")
    return {
        "list": [1, [2.0, "x"]],
        "sets": ({"b", "a"}, frozenset((1, 2)), {(1, "a")}),
        "arrays": (np.arange(3.0), np.array(["a", None], dtype=object), np.zeros(2, "f4,i8"), np.ma.array([1, 2])),
        "frame": pd.DataFrame({"a": [1.0, np.nan], "b": ["x", None], "c": pd.Categorical(["u", "v"])}),
        "series": pd.Series([1, 2, 3], index=days, name="s"),
        "index": pd.MultiIndex.from_product([["a", "b"], [1, 2]], names=["k", "n"]),
        "nullable": pd.Series([1, None], dtype="Int64"),
        "model": Model(np.ones(2)),
        "slotted": Slotted(3),
        "functions": [lambda x: x + 1, functools.partial(max, 2), twice(lambda x: x), functools.lru_cache(min)],
        "methods": [Model([1]).__init__, "a".upper, [].append, str.lower, np.mean, np.sin],
        "counter": collections.Counter("abca"),
        "deque": collections.deque([1, 2], maxlen=3),
        "default": collections.defaultdict(list, {"a": [1]}),
        "namespace": types.SimpleNamespace(a=1),
        "proxy": types.MappingProxyType({"a": 1}),
        "random": (random.Random(3), np.random.default_rng(3), np.random.RandomState(3)),
        "range": (range(3), slice(1, [2])),
        "logger": logging.getLogger("x"),
        "class": (Model, int, list[int], int | None),
        "sub": SmallDict(a=1),
        "iterator": iter([1, 2]),
    }


def test_equal_objects_have_one_digest():
    assert digest(build()) == digest(build())
    for name, value in build().items():
        assert digest(value) == digest(build()[name]), name


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ([1, 2], (1, 2)),
        ([1, [2]], [1, 2]),
        ([[], [1]], [[1], []]),
        ({"a": 1}, {"a": 1.0}),
        ({"a": 1, "b": 2}, {"b": 2, "a": 1}),
        ({1, 2}, {1, 3}),
        (0.0, -0.0),
        (Model([1]), Model([2])),
        (Model([1]), Hiding([1], 0)),
        (Slotted(1), Slotted(2)),
        (Hiding(1, 2), Hiding(1, 3)),
        (SmallDict(a=1), SmallDict(a=2)),
        (np.arange(4.0), np.arange(4.0).reshape(2, 2)),
        (np.zeros((2, 2)), np.zeros((2, 2), order="F")),
        (np.zeros(2), np.zeros(2, "f4")),
        (np.ma.array([1], mask=[True]), np.ma.array([1], mask=[False])),
        (pd.Series([1, 2]), pd.Series([1, 2], name="s")),
        (pd.Series([1, 2]), pd.Series([1, 2], index=[1, 2])),
        (pd.DataFrame({"a": [1]}), pd.DataFrame({"b": [1]})),
        (pd.DataFrame({"a": ["x"]}), pd.DataFrame({"a": ["y"]})),
        (pd.Categorical(["a"]), pd.Categorical(["a"], categories=["a", "b"])),
        (random.Random(1), random.Random(2)),
        (np.random.default_rng(1), np.random.default_rng(2)),
        (functools.partial(max, 1), functools.partial(max, 2)),
        (twice(lambda x: x), twice(lambda x: -x)),
        (lambda x=1: x, lambda x=2: x),
        (lambda *, x=1: x, lambda *, x=2: x),
        (lambda: Model, lambda: Slotted),
        (np.mean, np.median),
        (str.upper, str.lower),
        (collections.deque([1], maxlen=2), collections.deque([1], maxlen=3)),
        (collections.defaultdict(list), collections.defaultdict(set)),
        (iter([1, 2]), iter([1, 3])),
        (int, float),
    ],
)
def test_objects_that_differ_have_digests_that_differ(one, other):
    assert digest(one) != digest(other)


def test_a_shared_part_is_told_from_two_equal_ones():
    shared = [1]
    assert digest([shared, shared]) != digest([[1], [1]])
    assert digest([shared, shared]) == digest([shared, shared])


def test_circles_end_and_are_told_apart():
    def circle(length):
        first = []
        last = first
        for _ in range(length - 1):
            last = [last]
        first.append(last)
        return first

    assert digest(circle(1)) == digest(circle(1))
    assert len({digest(circle(length)) for length in range(1, 6)}) == 5


def test_functions_that_call_each_other_have_a_digest():
    def make(step):
        def even(n):
            return n == 0 or odd(n - step)

        def odd(n):
            return n != 0 and even(n - step)

        return even

    assert digest(make(1)) == digest(make(1)) != digest(make(2))


def test_a_long_chain_is_no_recursion():
    chain = None
    for _ in range(5000):
        chain = [chain]
    assert digest(chain)


def test_a_variable_that_is_not_bound_yet_is_a_state_of_its_own():
    def make(bound):
        def inner():
            return later

        if bound:
            later = 1
        return inner

    assert digest(make(False)) == digest(make(False)) != digest(make(True))


def test_global_generators_count_by_name_whatever_was_drawn():
    first = digest((random.random, random._inst, np.random.mtrand._rand))
    random.random()
    np.random.mtrand.rand()
    assert digest((random.random, random._inst, np.random.mtrand._rand)) == first


@pytest.mark.parametrize(
    "value",
    [
        threading.Lock(),
        (x for x in ()),
        memoryview(b""),
        np.frompyfunc(lambda x: x, 1, 1),
        {1: [threading.Lock()]},
        open,
        lambda: open,
    ],
)
def test_what_has_no_digest_is_an_error(value):
    with pytest.raises(Undigestible, match="^(it|'open' in)"):
        digest(value)


def test_a_set_that_holds_itself_is_an_error():
    class Owner:
        pass

    owner = Owner()
    owner.members = {owner}
    with pytest.raises(Undigestible, match="set that holds itself"):
        digest(owner.members)


def test_tuples_that_are_nested_too_deeply_are_an_error():
    nest = ()
    for _ in range(100_000):
        nest = (nest,)
    with pytest.raises(Undigestible, match="nested very deeply"):
        digest(nest)


def test_a_model_counts_by_its_fingerprint(tmp_path):
    def digest_of_file(content, **options):
        (tmp_path / "model").write_bytes(content)
        return digest(models.Model.from_file(tmp_path / "model", len, trained_until="2020-01-02", **options))

    first = digest_of_file(b"one")
    assert digest_of_file(b"one", name="other name") == first != digest_of_file(b"two")
    assert digest_of_file(b"one", allow_lookahead=True) != first
    assert digest(models.Model.of(Regression(2.0), trained_until=None)) != digest(
        models.Model.of(Regression(3.0), trained_until=None)
    )


def test_a_function_that_numba_compiles_counts_by_its_code():
    import numba

    assert digest(numba.njit(lambda x: x + 1)) == digest(numba.njit(lambda x: x + 1))
    assert digest(numba.njit(lambda x: x + 1)) != digest(numba.njit(lambda x: x + 2))
    assert digest(numba.njit(lambda x: x)) != digest(numba.njit(fastmath=True)(lambda x: x))
