"""How is a strategy written that decides for all sessions at once?"""

import inspect
from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, Any, ClassVar, Final, NamedTuple, cast

import numpy as np

from rustybt._typing import FloatArray
from rustybt.assets import Equity
from rustybt.engine.strategy import Hooks, Strategy, params_of
from rustybt.errors import InvalidParameter
from rustybt.finance.commission import CommissionModel
from rustybt.finance.slippage import SlippageModel
from rustybt.kernels.simulation_types import ORDERS, TARGET_PERCENT, TARGET_SHARES

if TYPE_CHECKING:
    from rustybt.data.bars import Bars

DECISIONS: Final = {"target_percent": TARGET_PERCENT, "target_shares": TARGET_SHARES, "orders": ORDERS}
"""Methods of which a vector strategy has one, and what the kernel takes their arrays for."""


AT_BARS: Final = ("initialize", "handle_data", "before_trading_start")
"""Methods of a strategy that decides at bars."""


class VectorStrategy(Strategy):
    """Base of a strategy that decides for all sessions at once: override one of the three methods.

    Its decisions become orders as if, at every session's close, a `handle_data` went over the assets in their order and
    called `order_target_percent` (or `order_target`, or `order`) for each that can be traded and has a decision. Fills,
    costs, corporate actions and the account are those of any other run.

    Parameters
    ----------
    **params
        Values of the class's parameters.

    Attributes
    ----------
    assets : sequence of str, optional
        Tickers (or sids, or assets), the columns of `bars` in their order; all assets of the bundle by default.
    benchmark : str, optional
        Ticker (or sid, or asset) to compare with.
    slippage, commission : SlippageModel, CommissionModel, optional
        Costs, of the built-in models; those of `run_algorithm` otherwise.

    Examples
    --------
    >>> class Crossover(VectorStrategy):
    ...     fast, slow = 20, 100
    ...     def target_percent(self, bars, fast, slow):
    ...         rising = bars.mean("close", fast) > bars.mean("close", slow)
    ...         return rising / len(bars.assets)
    >>> arguments_of(Crossover(fast=10))
    {'fast': 10, 'slow': 100}
    """

    _reserved: ClassVar[frozenset[str]] = Strategy._reserved | frozenset(DECISIONS)

    assets: Sequence[str | int | Equity] | None = None
    benchmark: str | int | Equity | None = None
    slippage: SlippageModel | None = None
    commission: CommissionModel | None = None

    def target_percent(self, bars: "Bars", **params: Any) -> FloatArray:
        """Give the fraction of the portfolio's value to hold of each asset from each session's close on.

        Parameters
        ----------
        bars : Bars
            Prices, volumes and indicators; row t of each knows nothing of later sessions.
        **params
            The strategy's parameters by name.

        Returns
        -------
        array of float or bool, shape (n_sessions, n_assets)
            NaN decides nothing, and leaves the position as it is; 0 closes it.
        """
        return np.full(bars.shape, np.nan)

    def target_shares(self, bars: "Bars", **params: Any) -> FloatArray:
        """Give the signed shares to hold of each asset; see `target_percent`."""
        return np.full(bars.shape, np.nan)

    def orders(self, bars: "Bars", **params: Any) -> FloatArray:
        """Give the signed shares to order of each asset, NaN or 0 for none; see `target_percent`."""
        return np.full(bars.shape, np.nan)

    def _hooks(self) -> Hooks:
        """Give itself, and its analyze if it has one."""
        deciding_method(self)  # refuses one that overrides what is called at bars
        analyze = None if type(self).analyze is Strategy.analyze else self.analyze
        return Hooks(analyze=analyze, params=params_of(self), vector=self)


def deciding_method(strategy: VectorStrategy) -> str:
    """Give the name of the one method by which a strategy decides.

    Raises
    ------
    InvalidParameter
        If it overrides none, or several, or what is called at bars.
    """
    return _deciding_method_of(cast(Any, type(strategy)))  # mypy takes a class with an __init__ for unhashable


@lru_cache(maxsize=64)
def _deciding_method_of(kind: type[VectorStrategy]) -> str:
    own = [name for name in DECISIONS if getattr(kind, name) is not getattr(VectorStrategy, name)]
    if len(own) != 1:
        found = " and ".join(own) or "none"
        raise InvalidParameter(
            f"{kind.__name__} overrides {found} of {', '.join(DECISIONS)}: a vector strategy has exactly one"
        )
    never = [name for name in AT_BARS if getattr(kind, name) is not getattr(VectorStrategy, name)]
    if never:
        raise InvalidParameter(
            f"{kind.__name__} overrides {' and '.join(never)}, which nothing calls in a vector strategy: "
            "name assets, benchmark, slippage and commission as class attributes, or derive from Strategy"
        )
    return own[0]


def arguments_of(strategy: VectorStrategy) -> dict[str, Any]:
    """Give the parameters that the deciding method is called with.

    Parameters
    ----------
    strategy : VectorStrategy
        With its parameters set.

    Returns
    -------
    dict of str to value
        The attributes that the method names, and what was passed to the strategy where the method takes `**params`.
    """
    params = params_of(strategy)
    signature = _signature_of(getattr(type(strategy), deciding_method(strategy)))
    found = {name: getattr(strategy, name) for name in signature.names if hasattr(strategy, name)}
    return {**params, **found} if signature.takes_all else found


class _Signature(NamedTuple):
    names: tuple[str, ...]
    takes_all: bool


@lru_cache(maxsize=64)
def _signature_of(function: Callable[..., Any]) -> _Signature:
    parameters = inspect.signature(function).parameters
    kinds = [p.kind for p in parameters.values()]
    named = [name for name, p in parameters.items() if p.kind is not inspect.Parameter.VAR_KEYWORD]
    return _Signature(tuple(named[2:]), inspect.Parameter.VAR_KEYWORD in kinds)


def decisions_of(strategy: VectorStrategy, bars: "Bars") -> FloatArray:
    """Let a strategy decide, and check what it gives.

    Parameters
    ----------
    strategy : VectorStrategy
        With its parameters set.
    bars : Bars
        Of the run.

    Returns
    -------
    float64 array, shape (n_sessions, n_assets)
        C-contiguous and writeable: the kernel is compiled for each kind of array.

    Raises
    ------
    InvalidParameter
        If the method gives something else than numbers of that shape.
    """
    method = deciding_method(strategy)
    given, who = getattr(strategy, method)(bars, **arguments_of(strategy)), f"{type(strategy).__name__}.{method}"
    try:
        decisions = np.require(given, np.float64, ("C_CONTIGUOUS", "WRITEABLE"))
    except (TypeError, ValueError) as error:
        raise InvalidParameter(f"{who} gave no numbers ({error}): return an array") from None
    if decisions.shape != bars.shape:
        raise InvalidParameter(
            f"{who} gave an array of shape {decisions.shape}: return one of shape {bars.shape}, sessions × assets"
        )
    return decisions
