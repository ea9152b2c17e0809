"""How is a strategy written that decides for all sessions at once?"""

import inspect
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, ClassVar, Final

import numpy as np

from rustybt._typing import FloatArray
from rustybt.engine.strategy import Hooks, Strategy
from rustybt.errors import InvalidParameter
from rustybt.finance.commission import CommissionModel
from rustybt.finance.slippage import SlippageModel
from rustybt.kernels.simulation_types import ORDERS, TARGET_PERCENT, TARGET_SHARES

if TYPE_CHECKING:
    from rustybt.data.bars import Bars

DECISIONS: Final = {"target_percent": TARGET_PERCENT, "target_shares": TARGET_SHARES, "orders": ORDERS}
"""Methods of which a vector strategy has one, and what the kernel takes their arrays for."""


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
        Tickers, the columns of `bars` in their order; all assets of the bundle by default.
    benchmark : str, optional
        Ticker to compare with.
    slippage, commission : SlippageModel, CommissionModel, optional
        Costs, of the built-in models; those of `run_algorithm` otherwise.

    Examples
    --------
    >>> class Crossover(VectorStrategy):
    ...     fast, slow = 20, 100
    ...     def target_percent(self, bars, fast, slow):
    ...         rising = bars.mean("close", fast) > bars.mean("close", slow)
    ...         return rising / len(bars.assets)
    >>> Crossover(fast=10).arguments()
    {'fast': 10, 'slow': 100}
    """

    _reserved: ClassVar[frozenset[str]] = Strategy._reserved | frozenset(DECISIONS) | {"arguments", "decide", "kind"}

    assets: Sequence[str] | None = None
    benchmark: str | None = None
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
        raise NotImplementedError

    def target_shares(self, bars: "Bars", **params: Any) -> FloatArray:
        """Give the signed shares to hold of each asset; see `target_percent`."""
        raise NotImplementedError

    def orders(self, bars: "Bars", **params: Any) -> FloatArray:
        """Give the signed shares to order of each asset, NaN or 0 for none; see `target_percent`."""
        raise NotImplementedError

    @property
    def kind(self) -> int:
        """What the decisions are: TARGET_PERCENT, TARGET_SHARES or ORDERS.

        Raises
        ------
        InvalidParameter
            If not exactly one of the methods is overridden.
        """
        return DECISIONS[self._method()]

    def arguments(self) -> dict[str, Any]:
        """Give the parameters that the deciding method is called with: those passed, and attributes that it names."""
        signature = inspect.signature(getattr(self, self._method())).parameters
        named = [name for name, p in signature.items() if p.kind is not inspect.Parameter.VAR_KEYWORD][1:]
        takes_all = any(p.kind is inspect.Parameter.VAR_KEYWORD for p in signature.values())
        found = {name: getattr(self, name) for name in named if hasattr(self, name)}
        return {**self.params, **found} if takes_all else found

    def decide(self, bars: "Bars") -> FloatArray:
        """Give the decisions, checked.

        Parameters
        ----------
        bars : Bars
            Of the run.

        Returns
        -------
        float64 array, shape (n_sessions, n_assets)
            C-contiguous.

        Raises
        ------
        InvalidParameter
            If the method gives something else than numbers of that shape.
        """
        method = self._method()
        given = getattr(self, method)(bars, **self.arguments())
        try:
            decisions = np.ascontiguousarray(given, dtype=np.float64)
        except (TypeError, ValueError) as error:
            raise InvalidParameter(
                f"{type(self).__name__}.{method} gave no numbers ({error}): return an array"
            ) from None
        if decisions.shape != bars.shape:
            raise InvalidParameter(
                f"{type(self).__name__}.{method} gave an array of shape {decisions.shape}: "
                f"return one of shape {bars.shape}, sessions × assets"
            )
        return decisions

    def _hooks(self) -> Hooks:
        """Give itself, and its analyze if it has one."""
        self._method()
        return super()._hooks()._replace(vector=self)

    def _method(self) -> str:
        own = [name for name in DECISIONS if getattr(type(self), name) is not getattr(VectorStrategy, name)]
        if len(own) != 1:
            found = " and ".join(own) or "none"
            raise InvalidParameter(
                f"{type(self).__name__} overrides {found} of {', '.join(DECISIONS)}: a vector strategy has exactly one"
            )
        return own[0]
