"""Are two trials the same, of whatever run? Keys that are equal only where the outcomes must be.

A key holds the strategy with the user's modules and the engine (see `strategy_digest`), the params, the sessions that
are run, the bundle's content and its sids, capital, rules, stop rules, the frequency of the bars and the functions that
measure the run. What a run is called does not count, nor how its params were found.
"""

import hashlib
from collections.abc import Callable, Hashable, Sequence
from dataclasses import fields
from functools import lru_cache
from secrets import token_bytes
from typing import Any, TypeAlias

import numpy as np

from rustybt.optimization.backtest import BacktestJob
from rustybt.optimization.canonical import canonical, exact, of_float, of_int
from rustybt.optimization.digests.digest import Digest
from rustybt.optimization.parameter_space import ParameterSpace, Params
from rustybt.optimization.parameters import Categorical, Float, Integer, Parameter, finite, whole
from rustybt.optimization.scope import Scope
from rustybt.optimization.strategy_digest import digest_of_source, digest_of_value
from rustybt.optimization.workers.mapped import open_mapped

Encoder: TypeAlias = Callable[[Any], bytes]

SCOPES_KEPT = 1024

SCALARS = (type(None), bool, int, float, str)


class TrialKeys:
    """The keys of one job's trials.

    Parameters
    ----------
    digest : str or None
        Of the job, see `digest_of_job`; None where there is none: the keys are then those of no other run.
    space : ParameterSpace
        The job's; ranges and conditions do not enter the keys, names and values do.
    reason : str
        Why there is no digest.

    Attributes
    ----------
    is_lasting : bool
        Whether an equal trial of another run has the same key.
    reason : str
        Why it has not; else empty.

    Examples
    --------
    >>> space = ParameterSpace({"days": Integer(1, 9), "share": Float(0.0, 1.0)})
    >>> keys, scope = TrialKeys("0" * 64, space), Scope(((0, 99),))
    >>> keys.of_params({"days": 5.0, "share": -0.0}, scope) == keys.of_params({"days": 5, "share": 0.0}, scope)
    True
    >>> keys.of_params({"days": 5, "share": 0.0}, Scope(((0, 98),))) == keys.of((5, 0.0), scope)
    False
    """

    def __init__(self, digest: str | None, space: ParameterSpace, reason: str = "") -> None:
        self.is_lasting, self.reason, self._space = digest is not None, reason, space
        order = sorted(range(len(space.names)), key=space.names.__getitem__)
        self._encoders = [(place, encoder_of(space.parameters[space.names[place]])) for place in order]
        self._job = exact((digest or token_bytes(32), sorted(space.names)))
        self._begin = lru_cache(SCOPES_KEPT)(self._hash_of_scope)

    def _hash_of_scope(self, scope: Scope) -> Any:
        return hashlib.sha256(self._job + canonical(rows_of(scope)))  # all fields, also those to come

    def of(self, keys: Sequence[Hashable], scope: Scope) -> bytes:
        """Give the key of a trial.

        Parameters
        ----------
        keys : sequence
            The params as `ParameterSpace.encode` gives them.
        scope : Scope
            The sessions that are run.

        Returns
        -------
        bytes
            32 of them. 5.0 is 5 for an Integer, and -0.0 is 0.0.

        Raises
        ------
        InvalidParameter
            If a value cannot be one of its parameter.
        """
        digest = self._begin(scope).copy()
        digest.update(b"".join([encode(keys[place]) for place, encode in self._encoders]))
        key: bytes = digest.digest()
        return key

    def of_params(self, params: Params, scope: Scope) -> bytes:
        """Give the key of a trial by its params; see `of`."""
        return self.of(self._space.encode(params), scope)


def rows_of(scope: Any) -> Any:
    """Give a scope, or a part of one, as plain tuples, with Python's numbers in the place of NumPy's."""
    if isinstance(scope, tuple):
        return tuple(map(rows_of, scope))
    return scope.item() if isinstance(scope, np.generic) else scope


def encoder_of(parameter: Parameter) -> Encoder:
    """Give the function that makes bytes of a parameter's keys; None is a parameter that is not active."""
    if type(parameter) is Integer:
        return of_whole
    if type(parameter) is Float:
        return of_finite
    if type(parameter) is Categorical:
        forms: dict[Hashable, bytes] = dict(enumerate(map(form_of_choice, parameter.choices)))
        forms[None] = canonical(None)
        return forms.__getitem__
    return lambda key: form_of_choice(None if key is None else parameter.from_key(key))


def of_whole(value: Any) -> bytes:
    """Give the form of an Integer's value."""
    if type(value) is int:
        return of_int(value)
    return canonical(None if value is None else whole("value", value))


def of_finite(value: Any) -> bytes:
    """Give the form of a Float's value."""
    if type(value) is float:
        return of_float(value)
    return canonical(None if value is None else finite("value", value))


def form_of_choice(choice: Any) -> bytes:
    """Give the bytes that stand for a value of any kind; what cannot be told from others has new ones every time."""
    if type(choice) in SCALARS:
        return canonical(choice)
    return exact((b"object", digest_of_value(choice, "a choice").hexadecimal or token_bytes(32)))


def trial_keys_of(jobs: Sequence[BacktestJob]) -> list[TrialKeys]:
    """Give the keys of several jobs' trials; a strategy that jobs share is looked at once.

    Parameters
    ----------
    jobs : sequence of BacktestJob
        Of one run.

    Returns
    -------
    list of TrialKeys
    """
    strategies: dict[int, Digest] = {}
    found = []
    for job in jobs:
        if id(job.source) not in strategies:
            strategies[id(job.source)] = job.strategy_digest or digest_of_source(job.source)
        digest = digest_of_job(job, strategies[id(job.source)])
        found.append(TrialKeys(digest.hexadecimal, job.space, digest.reason))
    return found


def digest_of_job(job: BacktestJob, strategy: Digest) -> Digest:
    """Give the digest of what all trials of a job have in common.

    Parameters
    ----------
    job : BacktestJob
        Its span is left out, for a trial's key says which sessions are run.
    strategy : Digest
        Of its source.

    Returns
    -------
    Digest
        The strategy's reason where that has no digest, or that of a function or a fixed value which has none.
    """
    parts = [("strategy", strategy)]
    parts += [(f"measure {one.metric}", digest_of_value(one.function, str(one))) for one in job.measures]
    parts += [(f"fixed {name}", digest_of_fixed(name, value)) for name, value in sorted(job.fixed.items())]
    for _, digest in parts:
        if digest.hexadecimal is None:
            return digest
    bundle = open_mapped(*job.bundle)
    settings = {
        "parts": [(name, digest.hexadecimal) for name, digest in parts],
        "bundle": (bundle.fingerprint, bundle.manifest.sid_map),
        "capital_base": float(job.capital_base),
        "rules": {field.name: getattr(job.rules, field.name) for field in fields(job.rules)},
        "stop_rules": None if job.stop_rules is None else job.stop_rules.thresholds,
        "data_frequency": job.data_frequency,
    }
    return Digest(hashlib.sha256(canonical(settings)).hexdigest())


def digest_of_fixed(name: str, value: Any) -> Digest:
    """Give the digest of what the strategy gets under a name in every trial."""
    return Digest(canonical(value).hex()) if type(value) in SCALARS else digest_of_value(value, f"fixed {name!r}")
