"""How do different strategies run side by side on one pool?"""

import os
from collections.abc import Mapping, Sequence
from typing import Any

from rustybt.engine.strategy import Strategy, params_of
from rustybt.errors import InvalidParameter
from rustybt.optimization.grouped_result import GroupedResult
from rustybt.optimization.optimizer import Optimizer
from rustybt.optimization.parts import Part
from rustybt.optimization.plan import Planned


def run_many(
    strategies: "Sequence[Any] | Mapping[str, Any]",
    *,
    bundle: Any = None,
    num_workers: "int | str" = "auto",
    resume: bool = False,
    **options: Any,
) -> GroupedResult:
    """Run a list of different strategies in parallel, each over its own parameters.

    Parameters
    ----------
    strategies : sequence, or mapping of str to strategy
        Each a `Strategy` instance (one backtest with its parameters), a `Strategy` class or a script's path (a search
        over its space). A sequence's members are named by their class or file, with a number where two have one name.
    bundle : str or BundleData, optional
        The data, where a strategy does not carry it.
    num_workers : int or "auto", optional
        Processes that all share.
    resume : bool, optional
        Go on with the run that the folder `storage` holds.
    **options
        As `Optimizer` takes them, the same for all.

    Returns
    -------
    GroupedResult
        `table` has one row a strategy; `result[NAME]` is a strategy's own result.

    Raises
    ------
    InvalidParameter
        If there is no strategy, or one is none.

    Examples
    --------
    >>> from rustybt import Strategy
    >>> from rustybt.data.bundles import ingest
    >>> _ = ingest("mag-7")
    >>> class Idle(Strategy):
    ...     pass
    >>> span = {"start": "2020-01-02", "end": "2020-01-31"}
    >>> run_many([Idle(), Idle()], bundle="mag-7", num_workers=1, **span).table["trials"].to_dict()
    {'Idle': 1, 'Idle 2': 1}
    """
    named = strategies if isinstance(strategies, Mapping) else names_of(strategies)
    if not named:
        raise InvalidParameter("strategies is empty: give at least one")
    for option in ("strategy_class", "script", "initialize", "handle_data", "per_symbol", "space"):
        if option in options:
            raise InvalidParameter(f"{option} is no option of run_many: strategies brings its own")
    parts: dict[str, Part] = {}
    settings: dict[str, Any] = {}
    notes: tuple[str, ...] = ()
    optimizers = [optimizer_of(one, bundle=bundle, num_workers=num_workers, **options) for one in named.values()]
    for name, optimizer in zip(named, optimizers, strict=True):
        planned = optimizer.plan.prepare(name, len(parts))
        parts |= planned.parts
        settings[name] = planned.settings
        notes += planned.notes
    result = optimizers[0].execute(Planned(parts, settings, is_grouped=True, notes=notes), resume=resume)
    assert isinstance(result, GroupedResult)
    return result


def optimizer_of(strategy: Any, **options: Any) -> Optimizer:
    """Give the optimizer of one strategy of the list."""
    if isinstance(strategy, Strategy):
        return Optimizer(type(strategy), fixed=params_of(strategy), **options)
    if isinstance(strategy, type):
        return Optimizer(strategy, **options)
    if isinstance(strategy, str | os.PathLike):
        return Optimizer(script=strategy, **options)
    raise InvalidParameter(
        f"strategies holds {strategy!r}: give Strategy instances, Strategy classes or paths of scripts"
    )


def names_of(strategies: Sequence[Any]) -> dict[str, Any]:
    """Name strategies by class or file, with a number where a name comes again."""
    named: dict[str, Any] = {}
    for strategy in strategies:
        kind = strategy if isinstance(strategy, type) else type(strategy)
        plain = str(strategy) if isinstance(strategy, str | os.PathLike) else kind.__name__
        name, count = plain, 1
        while name in named:
            count += 1
            name = f"{plain} {count}"
        named[name] = strategy
    return named
