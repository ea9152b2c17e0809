"""Do an event strategy and a vector strategy say the same, and do the two tiers make the same of it?"""

import math
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from rustybt._typing import BoolArray, FloatArray
from rustybt.assets import Equity
from rustybt.data.bars import Bars, bars_of
from rustybt.data.bundles import load
from rustybt.data.portal import portal_of
from rustybt.data.store import BundleData
from rustybt.engine.setup import DEFAULT_SETUP, Setup
from rustybt.engine.span import span_of
from rustybt.engine.strategy import Hooks, Strategy, hooks_of
from rustybt.engine.vector import VectorRun
from rustybt.engine.vector_market import tape_of
from rustybt.engine.vector_strategy import VectorStrategy, deciding_method, decisions_of
from rustybt.errors import InvalidParameter
from rustybt.finance.cancel_policy import NeverCancel
from rustybt.results.result import RunResult
from rustybt.run import simulate

METHODS = {"target_percent": "order_target_percent", "target_shares": "order_target", "orders": "order"}
"""What an event strategy calls for each kind of decision."""

OTHERS = ("order_value", "order_percent", "order_target_value", "batch_market_order", "cancel_order")
TOLERANCE = 1e-9
RATIOS = ("returns", "leverage", "volatility", "return", "alpha", "beta", "sharpe", "sortino", "drawdown")
CELLS = {"orders": ("id", "reason"), "transactions": ("order_id", "commission"), "positions": ()}
"""Columns of lists, and what does not count in them: numbers of orders follow the order of the calls."""


class TiersDisagree(AssertionError):
    """The two tiers, or the two strategies, do not agree."""


class Decision(NamedTuple):
    """A decision that diverges.

    Attributes
    ----------
    session : pd.Timestamp
        Label, tz-naive.
    asset : Equity
        For which asset.
    event, vector : float
        What each strategy decided; NaN for nothing.
    """

    session: pd.Timestamp
    asset: Equity
    event: float
    vector: float

    def __str__(self) -> str:
        return (
            f"decisions diverge first at {self.session.date()} for {self.asset.symbol}: the event strategy says "
            f"{_shown(self.event)}, the vector strategy {_shown(self.vector)}"
        )


def assert_tiers_agree(
    event: Strategy,
    vector: VectorStrategy,
    bundle: str | BundleData,
    start: Any = None,
    end: Any = None,
    capital_base: float = 10_000_000.0,
    *,
    setup: Setup = DEFAULT_SETUP,
) -> None:
    """Check that an event strategy and its vector form give the same run.

    The event strategy is run, and its decisions are taken down. First, the vector tier runs these decisions: the perf
    frames must agree, or else the engine is wrong. Then, the vector strategy's own decisions are compared with them.
    Last, its own run is compared, which differs where its costs do.

    Parameters
    ----------
    event : Strategy
        Calls `order_target_percent`, `order_target` or `order`, at most once an asset and session, without prices.
    vector : VectorStrategy
        Decides by the method of the same name.
    bundle : str or BundleData
        Name of an ingested bundle, or an opened one.
    start, end : date-like, optional
        First and last day; the bundle's own if omitted.
    capital_base : float
        Cash at the start.
    setup : Setup
        Costs, corrections and extras of both.

    Raises
    ------
    TiersDisagree
        An AssertionError that names the first diverging decision, or the first difference of the frames.
    InvalidParameter
        If the event strategy orders in another way.

    Examples
    --------
    >>> from rustybt import Strategy, VectorStrategy
    >>> from rustybt.api import order_target, symbol
    >>> from rustybt.data.bundles import ingest
    >>> _ = ingest("mag-7")
    >>> class Event(Strategy):
    ...     def handle_data(self, context, data):
    ...         order_target(symbol("AAPL"), 10)
    >>> class Vector(VectorStrategy):
    ...     assets = ["AAPL"]
    ...     def target_shares(self, bars):
    ...         return np.full(bars.shape, 10)
    >>> assert_tiers_agree(Event(), Vector(), "mag-7", "2020-01-02", "2020-06-30")
    """
    data = bundle if isinstance(bundle, BundleData) else load(bundle)
    portal = portal_of(data, setup.rules.full_precision_prices)
    run = VectorRun(portal, span_of(portal, start, end), capital_base, setup)
    assets = run.assets_of(vector)
    scribe = _Scribe(deciding_method(vector), assets, run)
    by_event = simulate(scribe.hooks(hooks_of(event)), data, start, end, capital_base, setup=setup)
    twin = scribe.twin(vector)
    _require_equal("the vector tier, run with the event strategy's decisions", by_event, _run(twin, run, data))
    diverging = first_divergence(scribe.decisions[: len(by_event.returns)], vector, run, assets)
    if diverging is not None:
        raise TiersDisagree(f"{diverging}; with equal decisions the tiers agree")
    _require_equal("the vector strategy, with equal decisions", by_event, _run(vector, run, data))


def first_divergence(
    decisions: FloatArray, vector: VectorStrategy, run: VectorRun, assets: tuple[Equity, ...]
) -> Decision | None:
    """Give the first decision in which a vector strategy differs, in the order of sessions and columns.

    Parameters
    ----------
    decisions : float64 array, shape (n, n_assets)
        Those of the event strategy, in the sessions that were run.
    vector : VectorStrategy
        To compare.
    run, assets
        What both run on.

    Returns
    -------
    Decision or None
    """
    span = run.span
    own = decisions_of(vector, bars_of(run.portal, span.first, span.last, assets))[: len(decisions)]
    counts = tape_of(run.portal, span, assets, run.setup.rules).tape.tradable[: len(decisions), : len(assets)]
    differs = np.argwhere(counts & ~_equal(decisions, own, deciding_method(vector) == "orders"))
    if not len(differs):
        return None
    row, column = differs[0].tolist()
    label = run.portal.session_labels[span.first + row]
    return Decision(label, assets[column], float(decisions[row, column]), float(own[row, column]))


def _equal(left: FloatArray, right: FloatArray, zero_is_nothing: bool) -> BoolArray:
    if zero_is_nothing:
        left, right = np.nan_to_num(left), np.nan_to_num(right)
    same: BoolArray = np.isclose(left, right, rtol=TOLERANCE, atol=0, equal_nan=True)
    return same


def _run(vector: VectorStrategy, run: VectorRun, data: BundleData) -> RunResult:
    labels = run.portal.session_labels
    start, end = labels[run.span.first], labels[run.span.last]
    return simulate(hooks_of(vector), data, start, end, run.capital_base, setup=run.setup)


class _Scribe:
    """Takes down what an event strategy decides."""

    def __init__(self, kind: str, assets: tuple[Equity, ...], run: VectorRun) -> None:
        self._kind = kind
        self._assets = assets
        self._column = {asset: column for column, asset in enumerate(assets)}
        self._first = run.span.first
        self._context: Any = None
        self.decisions: FloatArray = np.full((run.span.size, len(assets)), np.nan)

    def hooks(self, hooks: Hooks) -> Hooks:
        """Give the same hooks, with the order functions listened to."""

        def initialize(context: Any) -> None:
            self._listen(context)
            if hooks.initialize is not None:
                hooks.initialize(context)

        return hooks._replace(initialize=initialize)

    def _listen(self, context: Any) -> None:
        self._context = context
        wanted = METHODS[self._kind]
        for name in (*METHODS.values(), *OTHERS):
            function = getattr(context, name)
            setattr(context, name, self._noting(function) if name == wanted else self._refusing(name, function))

    def _noting(self, function: Any) -> Any:
        def note(asset: Equity, value: float, *prices: Any, **options: Any) -> Any:
            context = self._context
            if any(price is not None for price in (*prices, *options.values())):
                raise InvalidParameter("the event strategy orders with prices, which a vector strategy cannot")
            row = context._at.row - self._first
            if asset not in self._column:
                raise InvalidParameter(f"the event strategy orders {asset.symbol}, which the vector strategy does not")
            if not np.isnan(self.decisions[row, self._column[asset]]):
                raise InvalidParameter(f"the event strategy orders {asset.symbol} twice at {context._at.now}")
            self.decisions[row, self._column[asset]] = value
            listening = {name: vars(context).pop(name) for name in (*METHODS.values(), *OTHERS)}
            try:
                return function(asset, value)
            finally:
                vars(context).update(listening)

        return note

    def _refusing(self, name: str, function: Any) -> Any:
        def refuse(*args: Any, **options: Any) -> Any:
            raise InvalidParameter(
                f"the event strategy calls {name}: one that is compared with {self._kind} calls {METHODS[self._kind]}"
            )

        return refuse

    def twin(self, vector: VectorStrategy) -> VectorStrategy:
        """Give a vector strategy with these decisions and the event strategy's costs."""
        decisions, blotter, names = self.decisions, self._context.blotter, self._assets
        if not isinstance(blotter.cancel_policy, NeverCancel):
            raise InvalidParameter(
                f"the event strategy sets {type(blotter.cancel_policy).__name__}, which a vector strategy cannot"
            )

        def decide(strategy: VectorStrategy, bars: Bars) -> FloatArray:
            return decisions

        members = {
            self._kind: decide,
            "assets": names,
            "slippage": blotter.slippage,
            "commission": blotter.commission,
            "benchmark": vector.benchmark,
        }
        strategy: VectorStrategy = type("Twin", (VectorStrategy,), members)()
        return strategy


def _require_equal(who: str, event: RunResult, vector: RunResult) -> None:
    found = difference(event.perf, vector.perf)
    if found:
        raise TiersDisagree(f"{who}, does not give the perf frame of the event tier: {found}")


def difference(left: pd.DataFrame, right: pd.DataFrame) -> str:
    """Say in which column and session two perf frames differ first by more than 1e-9.

    Parameters
    ----------
    left, right : pd.DataFrame
        Of the event and the vector tier. Money counts relative to the portfolio's value; variables that only one
        records, and the numbers of orders, do not count.

    Returns
    -------
    str
        Empty where they agree.
    """
    if len(left) != len(right):
        return f"{len(left)} sessions against {len(right)}"
    found: list[tuple[int, str]] = []
    worth = np.maximum(1.0, np.abs(left["portfolio_value"].to_numpy(dtype=float)))
    for name in [name for name in left.columns if name in right.columns]:
        if name in CELLS:
            rows = [not _same_cells(a, b, name) for a, b in zip(left[name], right[name], strict=True)]
        elif name in ("period_open", "period_close", "period_label"):
            rows = (left[name] != right[name]).tolist()
        else:
            scale = np.ones(len(left)) if name.endswith(RATIOS) else worth
            rows = (~_near(left[name], right[name], scale)).tolist()
        if any(rows):
            found.append((rows.index(True), name))
    if not found:
        return ""
    row, name = min(found, key=lambda place: (place[0], place[1] not in CELLS))
    return f"{name} at {left.index[row].date()}: {left[name].iloc[row]!r} against {right[name].iloc[row]!r}"


def _near(left: pd.Series, right: pd.Series, scale: FloatArray) -> BoolArray:
    a, b = (pd.to_numeric(column).to_numpy(dtype=float) for column in (left, right))
    with np.errstate(invalid="ignore"):
        near: BoolArray = np.abs(a - b) <= TOLERANCE * np.maximum(scale, np.abs(a))
    same: BoolArray = near | (a == b) | (np.isnan(a) & np.isnan(b))
    return same


def _same_cells(left: list[dict[str, Any]], right: list[dict[str, Any]], name: str) -> bool:
    """Compare the entries of a session, whatever their order."""
    pairs = zip(sorted(left, key=_place), sorted(right, key=_place), strict=False)
    return len(left) == len(right) and all(_same_entry(a, b, CELLS[name]) for a, b in pairs)


def _place(entry: dict[str, Any]) -> tuple[int, str, float]:
    return entry["sid"].sid, str(entry.get("created", "")), float(entry["amount"])


def _same_entry(left: dict[str, Any], right: dict[str, Any], ignored: tuple[str, ...]) -> bool:
    return left.keys() == right.keys() and all(_same_value(left[key], right[key]) for key in left.keys() - set(ignored))


def _same_value(left: Any, right: Any) -> bool:
    if isinstance(left, float | int) and isinstance(right, float | int):
        return math.isclose(left, right, rel_tol=TOLERANCE, abs_tol=TOLERANCE)
    return bool(left == right)


def _shown(value: float) -> str:
    return "nothing" if value != value else f"{value:g}"
