import threading
from dataclasses import fields, replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rustybt import StopRules, Strategy
from rustybt.data import bundles
from rustybt.engine.span import Span
from rustybt.errors import InvalidParameter
from rustybt.finance.rules import rules_of
from rustybt.optimization import Categorical, Float, Integer, ParameterSpace
from rustybt.optimization.backtest import BacktestJob
from rustybt.optimization.objective import Objective
from rustybt.optimization.scope import Scope
from rustybt.optimization.source import ClassSource
from rustybt.optimization.strategy_digest import digest_of_source
from rustybt.optimization.trial_keys import TrialKeys, digest_of_job, trial_keys_of
from rustybt.optimization.workers import mapped

WHOLE = Scope(((0, 99),))
SPACE = {"days": Integer(1, 50), "share": Float(0.0, 1.0), "kind": Categorical(["a", 1, 1.0, True, None, ("a",)])}


class Hold(Strategy):
    days = Integer(1, 3)


def keys(space=None, digest="0" * 64):
    return TrialKeys(digest, ParameterSpace(SPACE if space is None else space))


def of(**params):
    return keys().of_params({"days": 5, "share": 0.5, "kind": "a", **params}, WHOLE)


@pytest.mark.parametrize(
    "params",
    [
        {"days": 5.0},
        {"days": np.int64(5)},
        {"days": np.int8(5)},
        {"share": np.float64(0.5)},
        {"share": np.float32(0.5)},
    ],
)
def test_a_number_has_one_key_whatever_its_type(params):
    assert of(**params) == of()


def test_a_zero_has_no_sign():
    assert of(share=0.0) == of(share=-0.0) == of(share=0) == of(share=np.float64(-0.0))


def test_every_choice_has_a_key_of_its_own():
    assert len({of(kind=choice) for choice in SPACE["kind"].choices}) == len(SPACE["kind"].choices)


@given(*[st.tuples(st.integers(1, 50), st.floats(0, 1), st.integers(0, 5)) for _ in range(2)])
def test_two_params_have_one_key_only_where_they_are_equal(one, other):
    assert (keys().of(one, WHOLE) == keys().of(other, WHOLE)) == (one == other)


@pytest.mark.parametrize(
    "scope",
    [
        Scope(((0, 98),)),
        Scope(((1, 99),)),
        Scope(((0, 49), (50, 99))),
        Scope(((0, 99),), 5),
        Scope(((0, 99),), ends=(9,)),
        Scope(((0, 99),), finds_warmup=True),
    ],
)
def test_the_sessions_count(scope):
    assert keys().of((5, 0.5, 0), scope) != keys().of((5, 0.5, 0), WHOLE)


def test_rows_have_one_key_whatever_their_type():
    scope = Scope(((np.int64(0), np.int64(99)),), np.int64(0))
    assert keys().of((5, 0.5, 0), scope) == keys().of((5, 0.5, 0), WHOLE)


def test_neither_ranges_nor_their_order_count_and_names_do():
    wide = {"kind": Categorical(["b", "a"]), "share": Float(0, 9, step=0.5), "days": Integer(5, 500, step=5)}
    assert keys(wide).of_params({"days": 5, "share": 0.5, "kind": "a"}, WHOLE) == of()
    renamed = {"weeks": SPACE["days"], "share": SPACE["share"], "kind": SPACE["kind"]}
    assert keys(renamed).of_params({"weeks": 5, "share": 0.5, "kind": "a"}, WHOLE) != of()


def test_values_are_not_taken_for_those_of_another_parameter():
    two = {"a": Integer(1, 9), "b": Integer(1, 9)}
    assert keys(two).of((1, 2), WHOLE) != keys(two).of((2, 1), WHOLE)
    assert keys({"a": Integer(1, 99)}).of((12,), WHOLE) != keys({"a": Float(1, 99)}).of((12.0,), WHOLE)


def test_an_inactive_parameter_has_a_key():
    space = {"exit": Categorical(["none", "stop"]), "stop": Integer(1, 2, when="exit == 'stop'")}
    found = {keys(space).of_params(params, WHOLE) for params in ParameterSpace(space).combinations()}
    assert len(found) == 3


def test_choices_that_are_objects_count_by_their_code():
    def key(*choices):
        return keys({"f": Categorical(choices)}).of((0,), WHOLE)

    assert key(lambda x: x + 1) == key(lambda x: x + 1, 2) != key(lambda x: x + 2)
    assert key(np.arange(3)) == key(np.arange(3)) != key(np.arange(4))
    lock = threading.Lock()
    assert key(lock) != key(lock)  # nobody can say that they are the same


def test_a_value_that_is_none_of_its_parameter_is_an_error():
    with pytest.raises(InvalidParameter, match="no whole number"):
        keys().of((5.5, 0.5, 0), WHOLE)


def test_the_job_counts_and_without_a_digest_no_other_run_has_the_keys():
    assert keys().of((5, 0.5, 0), WHOLE) != keys(digest="1" * 64).of((5, 0.5, 0), WHOLE)
    unknown = keys(digest=None)
    assert not unknown.is_lasting
    assert unknown.of((5, 0.5, 0), WHOLE) == unknown.of((5, 0.5, 0), WHOLE) != keys(digest=None).of((5, 0.5, 0), WHOLE)


@pytest.fixture
def job(market):
    bundle = bundles.load("mag-7")
    key = (str(bundle.root), bundle.name, bundle.version, bundle.fingerprint)
    return BacktestJob(ClassSource(Hold), ParameterSpace({"days": Integer(1, 3)}), key, Span(0, 99), 10_000.0)


def digest(job):
    found = digest_of_job(job, digest_of_source(job.source))
    assert found.hexadecimal is not None, found.reason
    return found.hexadecimal


@pytest.mark.parametrize(
    "changes",
    [
        {"capital_base": 10_001.0},
        {"rules": rules_of(cash="reject")},
        {"rules": rules_of("all")},
        {"rules": rules_of(borrow_rate=0.01)},
        {"stop_rules": StopRules(max_drawdown=0.3)},
        {"data_frequency": "minute"},
        {"measures": (Objective("mine", function=len),)},
        {"fixed": {"symbol": "AAPL"}},
        {"fixed": {"symbol": ["AAPL"]}},
        {"source": ClassSource(type("Other", (Strategy,), {"days": Integer(1, 3), "extra": 1}))},
    ],
)
def test_what_an_outcome_depends_on_changes_the_jobs_digest(job, changes):
    assert digest(replace(job, **changes)) != digest(job)


def test_a_source_that_was_digested_already_gives_the_same_keys(job):
    known = replace(job, strategy_digest=digest_of_source(job.source))
    one, other = trial_keys_of([job, known])
    assert one.of((1,), WHOLE) == other.of((1,), WHOLE)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ({"stop_rules": StopRules(max_drawdown=0.3)}, {"stop_rules": StopRules(max_drawdown=0.4)}),
        ({"stop_rules": StopRules(min_equity=1.0)}, {"stop_rules": StopRules(min_equity=1.0, check_every=5)}),
        (
            {"measures": (Objective("mine", function=lambda perf: 1.0),)},
            {"measures": (Objective("mine", function=lambda perf: 2.0),)},
        ),
        (
            {"measures": (Objective("mine", function=len),)},
            {"measures": (Objective("yours", function=len),)},
        ),
        ({"fixed": {"symbol": "AAPL"}}, {"fixed": {"symbol": "MSFT"}}),
    ],
)
def test_what_an_outcome_depends_on_changes_the_jobs_digest_again(job, one, other):
    assert digest(replace(job, **one)) != digest(replace(job, **other))


@pytest.mark.parametrize(
    "changes",
    [
        {"span": Span(5, 50)},
        {"capital_base": 10_000},
        {"space": ParameterSpace({"days": Integer(1, 900)}, ["days < 5"])},
    ],
)
def test_what_a_trials_own_key_says_does_not(job, changes):
    assert digest(replace(job, **changes)) == digest(job)


def test_stop_rules_have_one_digest_however_their_numbers_are_written(job):
    assert digest(replace(job, stop_rules=StopRules(min_equity=-0.0, max_drawdown=1))) == digest(
        replace(job, stop_rules=StopRules(min_equity=0, max_drawdown=1.0))
    )


class OtherData:
    def __init__(self, bundle, fingerprint="", sid_map=""):
        self.fingerprint = fingerprint or bundle.fingerprint
        self.manifest = replace(bundle.manifest, sid_map=sid_map or bundle.manifest.sid_map)


@pytest.mark.parametrize("change", [{"fingerprint": "f" * 64}, {"sid_map": "f" * 64}])
def test_the_data_and_its_sids_count_and_the_bundles_name_does_not(job, monkeypatch, change):
    first, bundle = digest(job), mapped.open_mapped(*job.bundle)
    monkeypatch.setattr("rustybt.optimization.trial_keys.open_mapped", lambda *_: OtherData(bundle))
    assert digest(replace(job, bundle=(".", "other name", "other version", bundle.fingerprint))) == first
    monkeypatch.setattr("rustybt.optimization.trial_keys.open_mapped", lambda *_: OtherData(bundle, **change))
    assert digest(job) != first


@pytest.mark.parametrize(
    "changes",
    [
        {"measures": (Objective("mine", function=threading.Lock().acquire),)},
        {"fixed": {"lock": threading.Lock()}},
        {"source": ClassSource(type("Holds", (Strategy,), {"lock": threading.Lock()}))},
    ],
)
def test_a_job_with_what_only_this_process_has_has_no_digest_and_says_why(job, changes):
    found = trial_keys_of([job, replace(job, **changes), job])
    assert [one.is_lasting for one in found] == [True, False, True]
    assert "lock" in found[1].reason and found[0].reason == ""
    assert found[0].of((1,), WHOLE) == found[2].of((1,), WHOLE)


def test_every_part_of_a_job_is_accounted_for():
    """A field that is added to one of these must enter the digest, or the key, before it is added here."""
    in_digest = {"source", "bundle", "capital_base", "rules", "stop_rules", "data_frequency", "measures", "fixed"}
    in_key = {"space", "span"}
    of_another = {"strategy_digest"}  # that of the source
    assert {field.name for field in fields(BacktestJob)} == in_digest | in_key | of_another
    assert {field.name for field in fields(Objective)} == {"metric", "direction", "function"}
    assert len(fields(StopRules)) == len(StopRules(min_equity=1.0).thresholds)
