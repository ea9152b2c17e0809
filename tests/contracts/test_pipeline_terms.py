"""Is every term class and every method of terms compared with Zipline's, and is every name of Zipline's there?

What is compared is `terms` of tests/golden/pipeline/terms.py. Kernels are also compared with the `compute` of their
class.
"""

import importlib
import json
from functools import cache
from pathlib import Path

import numpy as np
import pytest

import rustybt.pipeline as pipeline
from rustybt.pipeline import Classifier, ComputableTerm, Factor, Filter, Pipeline, run_pipeline
from rustybt.pipeline.custom import CustomTermMixin
from rustybt.pipeline.factors import RecarrayField
from rustybt.pipeline.term import Term
from rustybt.pipeline.universal import UniversalMixin
from tests.golden import pipeline as golden
from tests.pipeline import universe

ZIPLINE = json.loads(Path(__file__).with_name("pipeline_names.json").read_text())
NAMES = json.loads((Path(*golden.__path__) / "expected" / "names.json").read_text())
MACHINERY = "a part of Zipline's engine"
LEFT_OUT = {
    "": {
        "ExecutionPlan": MACHINERY,
        "SimplePipelineEngine": "PipelineEngine computes over a bundle, run_pipeline calls it",
        "TermGraph": MACHINERY,
    },
    ".filters": {"NumExprFilter": "expressions are computed by NumPy: FilterExpression"},
}
METHODS_LEFT_OUT = {"to_workspace_value": MACHINERY}
BASES = {"Classifier", "CustomClassifier", "CustomFactor", "CustomFilter", "Factor", "Filter"}
INSIDE = {"compute", "compute_extra_rows", "graph_repr", "postprocess", "recursive_repr", "specialized"}
"""What the engine calls, not a user."""


@cache
def world():
    """Give a bundle, every term by name, and loaders."""
    bundle = universe.bundle_of("contract", universe.frames())
    return bundle, *universe.named_terms(bundle)


def every_term():
    """Give all terms that the named ones are made of."""
    seen, left = set(), list(world()[1].values())
    while left:
        term = left.pop()
        if term not in seen:
            seen.add(term)
            left += [*term.dependencies, *([term.wrapped] if hasattr(term, "wrapped") else [])]
    return seen


@pytest.mark.parametrize("path", ZIPLINE["modules"])
def test_every_class_of_ziplines_is_there_or_left_out_for_a_reason(path):
    module, left_out = importlib.import_module(f"rustybt.pipeline{path}"), LEFT_OUT.get(path, {})
    assert {name for name in ZIPLINE["modules"][path] if not hasattr(module, name)} == set(left_out)
    assert {*ZIPLINE["modules"][path]} - {*left_out} <= {*module.__all__}


@pytest.mark.parametrize("kind", ZIPLINE["methods"])
def test_every_method_of_ziplines_is_there_or_left_out_for_a_reason(kind):
    cls = getattr(pipeline, kind)
    assert {name for name in ZIPLINE["methods"][kind] if not hasattr(cls, name)} <= set(METHODS_LEFT_OUT)


def test_golden_files_hold_every_term():
    assert list(world()[1]) == NAMES


def subclasses(cls):
    return {cls}.union(*(subclasses(child) for child in cls.__subclasses__()))


def is_the_packages(cls):
    """Say whether a class is defined in the package, or made there for a kind of term; those of doctests are not."""
    if not cls.__module__.startswith("rustybt.pipeline."):
        return False
    made = getattr(importlib.import_module(cls.__module__), cls.__name__, None) is cls
    return made or cls in UniversalMixin._specializations.values()


def test_every_class_is_compared():
    """Also those that only methods make."""
    used = {type(term) for term in every_term()}
    package = {cls for cls in subclasses(ComputableTerm) if is_the_packages(cls)}
    concrete = {cls for cls in package if not cls.__name__.startswith("_") and not cls.__name__.endswith("Mixin")}
    bases = BASES | {"ComputableTerm", "Expression"}
    missing = {cls.__name__ for cls in concrete - used if cls.__name__ not in bases}
    assert missing - {"ConstantFilter"} == set()  # fillna makes constants, and filters refuse it


@pytest.mark.parametrize("path", [".factors", ".filters", ".classifiers"])
def test_every_exported_class_is_compared(path):
    module = importlib.import_module(f"rustybt.pipeline{path}")
    used = {type(term) for term in every_term()}
    for name in module.__all__:
        cls = getattr(module, name)
        assert cls in used or (name in BASES and any(issubclass(each, cls) for each in used)), name


UNIVERSAL = ("Aliased{}", "Downsampled{}", "IfElse{}", "{}Slice")


def test_terms_of_every_kind_are_compared():
    used = {type(term).__name__ for term in every_term()}
    wanted = {pattern.format(kind) for pattern in UNIVERSAL for kind in ("Factor", "Filter", "Classifier")}
    assert wanted | {"ConstantFactor", "ConstantClassifier"} <= used


def methods_of(cls):
    """Give a kind's own and inherited methods that a user calls, with the class that has each."""
    found = {}
    for owner in reversed([base for base in cls.__mro__ if issubclass(base, Term)]):
        for name, value in vars(owner).items():
            called = not name.startswith("_") or name in ZIPLINE["methods"][cls.__name__]
            if called and callable(value) and not isinstance(value, type) and name not in INSIDE:
                found[name] = owner
    return found


def recorded(function, name, called):
    def record(self, *args, **kwargs):
        called.update((kind.__name__, name) for kind in (Factor, Filter, Classifier) if isinstance(self, kind))
        return function(self, *args, **kwargs)

    return record


def test_every_method_is_compared(monkeypatch):
    bundle = world()[0]
    called, wanted = set(), set()
    for kind in (Factor, Filter, Classifier):
        for name, owner in methods_of(kind).items():
            wanted.add((kind.__name__, name))
            if not hasattr(vars(owner)[name], "recorded"):
                record = recorded(vars(owner)[name], name, called)
                record.recorded = True
                monkeypatch.setattr(owner, name, record)
    universe.named_terms(bundle)
    refused = {("Classifier", name) for name in ("__lt__", "__le__", "__gt__", "__ge__")}
    refused |= {("Filter", name) for name in ("fillna", "isnull", "notnull")}
    assert len(wanted) > 90
    assert wanted - called == refused


# Kernels ------------------------------------------------------------------------------------------------------------


def by_sessions(term):
    """Give the same term of a subclass whose `compute` calls the class's: what has one of its own has no kernel."""

    def compute(self, *args, **kwargs):
        super(slow, self).compute(*args, **kwargs)

    slow = type(f"Slow{type(term).__name__}", (type(term),), {"compute": compute})
    made = object.__new__(slow)
    vars(made).update(vars(term))
    return made


def has_kernel(term):
    return isinstance(term, CustomTermMixin) and term._kernel_of_compute() is not None


def columns_of(term):
    if isinstance(term.outputs, tuple):
        return {name: RecarrayField(factor=term, attribute=name) for name in term.outputs}
    return {"it": term}


def kernel_terms():
    """Give the terms that have a kernel, by a name of their own."""
    found = sorted((term for term in every_term() if has_kernel(term)), key=lambda term: (repr(term), repr(term.mask)))
    return {f"{type(term).__name__}-{place}": term for place, term in enumerate(found)}


def test_kernels_say_what_compute_says():
    bundle, _, custom = world()
    terms = kernel_terms()
    assert len(terms) > 60
    for name, term in terms.items():
        slow = by_sessions(term)
        assert not has_kernel(slow)
        fast, right = (
            run_pipeline(Pipeline(columns_of(each)), *universe.SPAN, bundle, custom) for each in (term, slow)
        )
        if set(right.dtypes) == {np.dtype(float)}:
            np.testing.assert_allclose(fast.to_numpy(), right.to_numpy(), rtol=1e-12, atol=1e-13, err_msg=name)
        else:
            assert fast.equals(right), name


def test_every_factor_with_a_kernel_is_among_them():
    factors = importlib.import_module("rustybt.pipeline.factors")
    classes = {getattr(factors, name) for name in factors.__all__}
    with_kernel = {cls for cls in classes if getattr(cls, "_kernel", None) is not None}
    assert with_kernel <= {type(term) for term in kernel_terms().values()}
