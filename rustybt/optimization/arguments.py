"""What do a user's arguments of an optimizer mean?"""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from rustybt._typing import PathLike
from rustybt.engine.strategy import Hooks, Strategy
from rustybt.errors import InvalidParameter
from rustybt.optimization.config import OptimizationConfig
from rustybt.optimization.constraints import constraints_of
from rustybt.optimization.goal import Goal
from rustybt.optimization.objective import objectives_of
from rustybt.optimization.parameter_space import ParameterSpace, space_of
from rustybt.optimization.result_cache import PROCESS_CACHE, ResultCache
from rustybt.optimization.source import FunctionSource, Source, read_script, settings_of, source_of_class
from rustybt.results.metrics import METRICS


def goal_of(objective: Any, constraints: Any) -> Goal:
    """Read what a user gives as objectives and constraints, and check their names."""
    objectives = objectives_of(objective)
    for one in objectives:
        one.require_known(METRICS)
    names = [*METRICS, *(one.metric for one in objectives if one.function is not None)]
    return Goal(objectives, constraints_of(constraints, names))


def folder_of(storage: PathLike) -> Path:
    """Give the path of the folder that keeps a run; a URL, as other packages take it, would become an odd folder."""
    if "://" in str(storage):
        raise InvalidParameter(f'storage {str(storage)!r} is a URL: pass the path of a folder, such as "runs/first"')
    return Path(storage)


def cache_of(result_cache: ResultCache | bool, config: OptimizationConfig) -> ResultCache | None:
    """Give the cache that a user means: one of his own, the process's, or none."""
    if result_cache is False and config.result_cache == "on":
        raise InvalidParameter("result_cache=False, but config.result_cache is 'on': leave one of them out")
    if isinstance(result_cache, bool):
        return PROCESS_CACHE if result_cache else None
    if not isinstance(result_cache, ResultCache):
        raise InvalidParameter(
            f"result_cache {result_cache!r} is neither a ResultCache, nor True or False: "
            'pass ResultCache(folder="FOLDER") to keep outcomes on disk'
        )
    return result_cache


def config_of(config: OptimizationConfig | None) -> OptimizationConfig:
    """Give the switches that a user means."""
    if config is None:
        return OptimizationConfig()
    if not isinstance(config, OptimizationConfig):
        raise InvalidParameter(
            f"config {config!r} is no OptimizationConfig: write OptimizationConfig(history_cache=False)"
        )
    return config


def symbols_of(per_symbol: bool, symbols: Iterable[str] | None) -> tuple[str, ...] | None:
    """Give the symbols of a run per symbol, none for all of the bundle; None for any other run."""
    if not per_symbol:
        if symbols is not None:
            raise InvalidParameter("symbols was passed without per_symbol=True: pass both, or neither")
        return None
    if isinstance(symbols, str):
        raise InvalidParameter(f"symbols {symbols!r} is no list: write [{symbols!r}]")
    return () if symbols is None else tuple(symbols)


def strategy_of(
    strategy_class: type[Strategy] | None, script: PathLike | None, functions: Hooks
) -> tuple[Source, ParameterSpace, Mapping[str, Any]]:
    """Give the one strategy that was passed, its own space and what it carries, or say that it is none or not one."""
    has_functions = functions.initialize is not None or functions.handle_data is not None
    if (strategy_class is not None) + (script is not None) + has_functions != 1:
        raise InvalidParameter("pass one of strategy_class=, script=, or initialize= and handle_data=")
    if strategy_class is not None:
        return source_of_class(strategy_class), space_of(strategy_class), settings_of(strategy_class)
    if script is not None:
        return read_script(script)
    return FunctionSource(functions), ParameterSpace({}), {}
