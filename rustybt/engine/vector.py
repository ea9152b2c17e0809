"""How does a strategy that decides for all sessions at once become a run's records?"""

from collections.abc import Sequence
from functools import lru_cache
from typing import NamedTuple

import numpy as np

from rustybt._typing import FloatArray
from rustybt.assets import Equity
from rustybt.data.bars import bars_of
from rustybt.data.portal import Portal
from rustybt.engine.context import is_capital
from rustybt.engine.setup import Setup
from rustybt.engine.span import Span
from rustybt.engine.stop_rules import NEVER, Stop, stop_of
from rustybt.engine.vector_market import MarketTape, tape_of
from rustybt.engine.vector_strategy import DECISIONS, VectorStrategy, deciding_method, decisions_of
from rustybt.errors import InvalidParameter, ZeroCapitalError
from rustybt.finance import commission as commissions
from rustybt.finance import slippage as slippages
from rustybt.finance.blotter import Blotter
from rustybt.finance.cancel_policy import NeverCancel
from rustybt.finance.commission import PerShare
from rustybt.finance.slippage import FixedBasisPointsSlippage
from rustybt.kernels import simulation_types as types
from rustybt.kernels.simulation import simulate
from rustybt.kernels.simulation_types import Account, Book, Floats, Records, Terms

CASH_RULES = {"allow_negative": types.CASH_ALLOWED, "reject": types.CASH_REJECTS, "scale": types.CASH_SCALES}


class Workspace:
    """The memory that one simulation after another works in.

    Parameters
    ----------
    sessions, assets, stock_dividends : int
        What a run may have at most.
    keeps_orders : bool
        Whether orders and positions are recorded, as a perf frame needs them, or fills and sessions only.
    """

    def __init__(self, sessions: int, assets: int, stock_dividends: int, keeps_orders: bool) -> None:
        self._keeps_orders = keeps_orders
        self._shape = (sessions, assets, stock_dividends)
        self._capacity = max(1024, 4 * assets, sessions * assets // 4)
        self._make()

    def _make(self) -> None:
        sessions, assets, stock = self._shape
        n, noted = self._capacity, self._capacity * 2 if self._keeps_orders else 0
        rows = sessions * assets if self._keeps_orders else 0

        def ints(*shape: int) -> types.Ints:
            return np.empty(shape, dtype=np.int64)

        def flags(*shape: int) -> types.Flags:
            return np.empty(shape, dtype=np.bool_)

        self.account = Account(
            np.empty(types.N_FIGURES), ints(types.N_COUNTERS), np.empty(assets), np.empty(assets), np.empty(assets),
            flags(assets), ints(assets), np.empty(sessions), ints(stock), ints(stock), np.empty(stock),
        )  # fmt: skip
        self.book = Book(
            ints(n), ints(n), ints(n), ints(n), np.empty(n), np.empty(n), np.empty(n), np.empty(n), np.empty((n, 5)),
            ints(assets), ints(assets), ints(assets), np.empty(assets), flags(assets), ints(n),
            np.empty(n), ints(n),
        )  # fmt: skip
        self.records = Records(
            np.empty((types.N_SESSION_FIELDS, sessions)), np.empty((n, 4)), ints(n, 2),
            np.empty((noted, 3)), ints(noted, 3),
            np.empty((rows, 3)), ints(rows, 2), np.empty(stock), ints(stock, 2),
        )  # fmt: skip

    def grow(self) -> None:
        """Make room for more orders."""
        self._capacity *= 2
        self._make()

    def count(self, counter: int) -> int:
        """Give one of the run's counters."""
        return int(self.account.counters[counter])


class Outcome(NamedTuple):
    """A finished simulation, in the workspace's memory until the next one.

    Attributes
    ----------
    workspace : Workspace
        Holds its records.
    market : MarketTape
        What it ran on.
    sessions : int
        How many were run.
    stopped : Stop or None
        Where and why it was given up.
    """

    workspace: Workspace
    market: MarketTape
    sessions: int
    stopped: Stop | None

    @property
    def returns(self) -> Floats:
        """Simple returns, float64 of shape (sessions,)."""
        return self.workspace.records.sessions[types.SESSION_RETURN, : self.sessions]


class VectorRun(NamedTuple):
    """What all runs over the same sessions have in common.

    Attributes
    ----------
    portal, span, setup
        As in any run.
    capital_base : float
        Cash at the start.
    """

    portal: Portal
    span: Span
    capital_base: float
    setup: Setup

    def check(self) -> None:
        """Refuse what only the event tier can do.

        Raises
        ------
        InvalidParameter, ZeroCapitalError
            If the run asks for it.
        """
        if not is_capital(self.capital_base):
            raise ZeroCapitalError(
                f"capital_base {self.capital_base!r} must be above 0 and finite: give the cash to start with"
            )
        blotter = self.setup.blotter
        asked = {
            "metrics of one's own": bool(self.setup.hooked),
            "capital_changes": bool(self.setup.capital_changes),
            f"the order book {blotter.book.__name__}": blotter.book is not Blotter,
            f"the cancel policy {type(blotter.cancel_policy).__name__}": not isinstance(
                blotter.cancel_policy, NeverCancel | None
            ),
        }
        for what, is_asked in asked.items():
            if is_asked:
                raise InvalidParameter(f"{what}: a vector strategy cannot have it, write it as an event strategy")

    def assets_of(self, strategy: VectorStrategy) -> tuple[Equity, ...]:
        """Look the assets up that a strategy decides on, as of the last session."""
        finder = self.portal.finder
        if strategy.assets is None:
            return tuple(finder.equities)
        return tuple(self.lookup(name) for name in strategy.assets)

    def lookup(self, name: object) -> Equity:
        """Give the asset of a ticker or number, or an asset itself."""
        if isinstance(name, Equity):
            return name
        if isinstance(name, int) and not isinstance(name, bool):
            return self.portal.finder.retrieve_asset(name)
        if not isinstance(name, str):
            raise InvalidParameter(f"asset {name!r} is neither a ticker nor a number: write it as 'AAPL'")
        return self.portal.finder.lookup_symbol(name.upper(), self.portal.session_labels[self.span.last])

    def run(self, strategy: VectorStrategy, keeps_orders: bool) -> Outcome:
        """Simulate a strategy.

        Parameters
        ----------
        strategy : VectorStrategy
            With its parameters set.
        keeps_orders : bool
            Whether orders and positions are recorded.

        Returns
        -------
        Outcome

        Raises
        ------
        InvalidParameter
            If its costs are models in Python, or what it decides is no array of numbers.
        ValueError, OverflowError
            If what it decides amounts to no number of shares.
        """
        return self.simulate(strategy, self.decide(strategy), keeps_orders)

    def decide(self, strategy: VectorStrategy, last: int | None = None) -> FloatArray:
        """Let a strategy decide, shown no session after a row; see `decisions_of`.

        What it decides for the sessions that warm it up is dropped.
        """
        span, shown_from = self.span, self.setup.shown_from(self.span.first)
        bars = bars_of(self.portal, shown_from, span.last, self.assets_of(strategy))
        decisions = decisions_of(strategy, bars if last is None else bars.until(last))
        return decisions[span.first - shown_from :]

    def simulate(self, strategy: VectorStrategy, decisions: FloatArray, keeps_orders: bool) -> Outcome:
        """Simulate a strategy whose decisions are known; see `run`."""
        span = self.span
        terms = terms_of(strategy, self.setup)
        market = tape_of(self.portal, span, self.assets_of(strategy), self.setup.rules)
        grants = len(market.tape.stock_asset)
        workspace = workspace_of(span.size, len(market.assets), grants, keeps_orders)
        stops = self.setup.stop_rules.thresholds if self.setup.stop_rules else NEVER
        while True:
            places = (workspace.account, workspace.book, workspace.records)
            code, sessions, detail = simulate(
                market.tape,
                decisions,
                DECISIONS[deciding_method(strategy)],
                terms,
                stops,
                float(self.capital_base),
                *places,
            )
            if code != types.NO_ROOM:
                break
            workspace.grow()
        if code not in (types.COMPLETE, types.STOPPED):
            raise self._refusal(code, market.assets[detail], sessions)
        stopped = self._stop(detail, sessions, workspace.records.sessions) if code == types.STOPPED else None
        return Outcome(workspace, market, sessions, stopped)

    def _stop(self, rule: int, sessions: int, rows: Floats) -> Stop:
        label = self.portal.session_labels[self.span.first + sessions - 1]
        period = rows[types.PERIOD_RETURN, :sessions]
        value, returns = float(rows[types.PORTFOLIO_VALUE, sessions - 1]), float(period[-1])
        peak = max(1.0, 1.0 + float(period.max()))
        assert self.setup.stop_rules is not None
        return stop_of(rule, self.setup.stop_rules, label, sessions, value, returns, peak)

    def _refusal(self, code: int, asset: Equity, session: int) -> Exception:
        day = self.portal.session_labels[self.span.first + session].date()
        where = f"{asset.symbol} at {day}: "
        if code == types.TOO_MANY_SHARES:
            return OverflowError(f"{where}can't order more than {types.MAX_SHARES:.0f} shares, check the decision")
        if code == types.AMOUNT_IS_INFINITE:
            return OverflowError(f"{where}the amount to order is infinite, check the decision")
        return ValueError(f"{where}the amount to order is NaN, check the portfolio's value")


@lru_cache(maxsize=2)
def workspace_of(sessions: int, assets: int, stock_dividends: int, keeps_orders: bool) -> Workspace:
    """Give the process's one workspace for runs of a size."""
    return Workspace(sessions, assets, stock_dividends, keeps_orders)


def terms_of(strategy: VectorStrategy, setup: Setup) -> Terms:
    """Put the rules and costs of a run together.

    Raises
    ------
    InvalidParameter
        If a cost model is none of the built-in ones, whose rules the kernel knows.
    """
    slippage = strategy.slippage or setup.blotter.equity_slippage or FixedBasisPointsSlippage()
    commission = strategy.commission or setup.blotter.equity_commission or PerShare()
    slip, fee = slippages.kernel_rule(slippage), commissions.kernel_rule(commission)
    for kind, model, rule, known in (
        ("slippage", slippage, slip, SLIPPAGE_MODELS),
        ("commission", commission, fee, COMMISSION_MODELS),
    ):
        if rule is None:
            raise InvalidParameter(
                f"{kind} {type(model).__name__} is written in Python, which the vector tier cannot compile: choose one "
                f"of {', '.join(known)}, or write the strategy with handle_data"
            )
    assert slip is not None and fee is not None
    rules = setup.rules
    return Terms(
        *(slip[0], float(slip[1]), float(slip[2])),
        *(fee[0], float(fee[1]), float(fee[2])),
        *rules.of_fills,
        rules.order_target_counts_open_orders,
        CASH_RULES[rules.cash],
        float(rules.borrow_rate),
        float(rules.margin_rate),
    )


SLIPPAGE_MODELS: Sequence[str] = ("NoSlippage", "FixedSlippage", "FixedBasisPointsSlippage", "VolumeShareSlippage")
COMMISSION_MODELS: Sequence[str] = ("NoCommission", "PerShare", "PerTrade", "PerDollar")
