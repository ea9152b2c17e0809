"""What is `context`: an algorithm with its account, its settings and its clock?"""

import math
import warnings
from datetime import tzinfo
from functools import cached_property
from numbers import Real
from typing import Any

import numpy as np
import pandas as pd

from rustybt.assets import Equity
from rustybt.calendars import get_calendar, session_table
from rustybt.data.bar_data import BarData
from rustybt.data.instant import Instant
from rustybt.data.market import Market
from rustybt.data.open_market import OpenMarket
from rustybt.engine.capital_changes import warn_of_unused
from rustybt.engine.event_rules import MARGIN, Bars, EventRule, StatelessRule
from rustybt.engine.events import AfterOpen, BeforeClose, calendars, date_rules, make_eventrule, time_rules
from rustybt.engine.ordering import OrderMethods
from rustybt.engine.pipelines import AttachedPipeline, PipelineMethods
from rustybt.engine.predicting import PredictMethods
from rustybt.engine.settings import SettingMethods
from rustybt.engine.setup import DEFAULT_SETUP, Setup
from rustybt.engine.span import Span
from rustybt.engine.strategy import Callback, Hooks
from rustybt.errors import InvalidParameter, ScheduleFunctionInvalidCalendar, ZeroCapitalError, did_you_mean
from rustybt.finance.controls import AccountControl, TradingControl
from rustybt.finance.ledger import Ledger
from rustybt.finance.portfolio import Account, Portfolio
from rustybt.finance.trading import SimulationParameters


class Context(OrderMethods, SettingMethods, PredictMethods, PipelineMethods):
    """One algorithm in one simulation; the user's functions get it as `context`.

    Parameters
    ----------
    market : Market
        What it trades on.
    span : Span
        The run's sessions.
    capital_base : float
        Cash at the start; above 0.
    hooks : Hooks
        The user's functions and parameters.
    setup : Setup
        What else the run is set up with.

    Attributes
    ----------
    params : dict of str to value
        The parameters of this run.
    asset_finder : AssetFinder
        The bundle's assets.
    capital_change_deltas : dict of pd.Timestamp to float
        What each capital change so far added.
    risk_report : dict
        What metrics of one's own said at the run's end.

    Raises
    ------
    ZeroCapitalError
        If capital_base is not above 0.

    Notes
    -----
    An algorithm may keep whatever it likes in further attributes.
    """

    def __init__(
        self, market: Market, span: Span, capital_base: float, hooks: Hooks, setup: Setup = DEFAULT_SETUP
    ) -> None:
        if not is_capital(capital_base):
            raise ZeroCapitalError(
                f"capital_base {capital_base!r} must be above 0 and finite: give the cash to start with"
            )
        warn_of_unused(setup.capital_changes, market, span)
        portal = market.portal
        self.params = dict(hooks.params)
        self.asset_finder = portal.finder
        fills_at: Market = OpenMarket(market) if setup.rules.fill_at == "open" else market
        self.blotter = setup.blotter.open(fills_at, setup.rules)
        self.initialized = False
        self.benchmark_sid: Equity | None = None
        self.capital_change_deltas: dict[pd.Timestamp, float] = {}
        self.risk_report: dict[str, Any] = {}
        self._market = market
        self._portal = portal
        self._span = span
        self._hooks = hooks
        self._capital_base = capital_base
        self._setup = setup
        self._start = portal.session_labels[span.first]
        self._opens = span.first
        self._shown_from = setup.shown_from(span.first)
        self._lookups: set[tuple[str, str | None]] = set()
        self._told_end = False
        self._data = BarData(market)
        self._fill_data = self._data if fills_at is market else BarData(fills_at)
        self._ledger = Ledger(market, self._start, capital_base, setup.rules)
        self._trading_controls: list[TradingControl] = []
        self._account_controls: list[AccountControl] = []
        self._symbol_lookup_date: pd.Timestamp | None = None
        self._recorded: dict[str, Any] = {}
        self._events: dict[int, list[Callback]] = {}
        self._pipelines: dict[str, AttachedPipeline] = {}
        self._engine_of_pipelines = None
        self._in_before_trading_start = False
        self._priced_at: Instant | None = None
        self._stand_before(self._shown_from)

    # Where it runs ----------------------------------------------------------------------------------------------

    @cached_property
    def sim_params(self) -> SimulationParameters:
        """The run's sessions, cash and frequency."""
        labels, span, setup = self._portal.session_labels, self._span, self._setup
        self._told_end = True
        return SimulationParameters(
            labels[span.first],
            labels[span.last],
            self._portal.session_table.name,
            self._capital_base,
            data_frequency=self._market.frequency,
            arena=setup.arena,
        )

    @cached_property
    def trading_calendar(self) -> Any:
        """The bundle's calendar, an ExchangeCalendar."""
        return get_calendar(self._portal.session_table.name)

    @property
    def data_frequency(self) -> str:
        """The frequency of the bars, "daily" or "minute"."""
        return self._market.frequency

    # What the account holds -------------------------------------------------------------------------------------

    @property
    def portfolio(self) -> Portfolio:
        """Positions, cash and value at the current prices."""
        self._sync_prices()
        return self._ledger.portfolio

    @property
    def account(self) -> Account:
        """Leverage and the account's other figures at the current prices."""
        self._sync_prices()
        return self._ledger.account

    @property
    def recorded_vars(self) -> dict[str, Any]:
        """What `record` has noted so far."""
        return dict(self._recorded)

    def _valued(self) -> Ledger:
        """Give the books at the current prices."""
        self._sync_prices()
        self._ledger.update()
        return self._ledger

    def _sync_prices(self) -> None:
        if self._at is not self._priced_at:
            self._ledger.sync_prices(self._at)
            self._priced_at = self._at

    def _move(self, at: Instant, seen: Instant | None = None) -> None:
        self._at = at
        data = self._data
        data._at, data._seen = at, seen

    def _stand_before(self, row: int) -> None:
        """Stand at a session's midnight, when the last bar before it is known."""
        midnight = self._portal.session_labels[row].tz_localize("UTC")
        self._move(Instant(row, self._market.bars_of(row)[0] - 1, midnight))

    def _change_capital(self, when: pd.Timestamp) -> None:
        """Take the cash from outside that comes at a moment, if any, valued at the latest prices before it."""
        change = self._setup.capital_changes.get(when.value)
        if change is None:
            return
        self._sync_prices()
        self._ledger.update()
        amount = change.value - self._ledger.portfolio_value if change.type == "target" else change.value
        self.capital_change_deltas[when] = amount
        self._ledger.change_capital(amount)

    def validate_account_controls(self) -> None:
        """Check the account against the controls that initialize set; the loop calls it at each session's end."""
        for control in self._account_controls:
            control.validate(self.account, self._at.now)

    # Looking things up ------------------------------------------------------------------------------------------

    def symbol(self, symbol_str: str, country_code: str | None = None) -> Equity:
        """Look an asset up by its ticker; see `rustybt.api.symbol`."""
        name, as_of = _upper(symbol_str), self._symbol_lookup_date
        if as_of is None:
            as_of = self._portal.session_labels[self._span.last]
            self._lookups.add((name, country_code))
        return self.asset_finder.lookup_symbol(name, as_of, country_code=country_code)

    def symbols(self, *symbols: str, country_code: str | None = None) -> list[Equity]:
        """Look several assets up by ticker; see `rustybt.api.symbols`."""
        return [self.symbol(name, country_code=country_code) for name in symbols]

    def sid(self, sid: int) -> Equity:
        """Look an asset up by its number; see `rustybt.api.sid`."""
        return self.asset_finder.retrieve_asset(sid)

    def get_datetime(self, tz: str | tzinfo | None = None) -> pd.Timestamp:
        """Give the simulation's time; see `rustybt.api.get_datetime`."""
        return self._at.now if tz is None else self._at.now.tz_convert(tz)

    def get_environment(self, field: str = "platform") -> Any:
        """Ask in which circumstances the algorithm runs; see `rustybt.api.get_environment`."""
        portal, span = self._portal, self._span
        known = {
            "arena": self._setup.arena,
            "data_frequency": self._market.frequency,
            "start": portal.open_times[span.first],
            "end": portal.close_times[span.last],
            "capital_base": self._capital_base,
            "platform": self._setup.platform,
        }
        self._told_end |= field in ("end", "*")
        if field == "*":
            return known
        if field not in known:
            raise InvalidParameter(
                f"get_environment: {field!r} is not a valid field{did_you_mean(str(field), known)}: "
                f"ask for one of {', '.join(known)}, or '*'"
            )
        return known[field]

    # Recording and scheduling -----------------------------------------------------------------------------------

    def record(self, *args: Any, **kwargs: Any) -> None:
        """Note values for the perf frame; see `rustybt.api.record`."""
        # A new dict, because the records keep the one that a session ended with.
        self._recorded = {**self._recorded, **dict(zip(args[::2], args[1::2], strict=False)), **kwargs}

    def schedule_function(
        self,
        func: Callback,
        date_rule: StatelessRule | None = None,
        time_rule: StatelessRule | None = None,
        half_days: bool = True,
        calendar: calendars | None = None,
    ) -> None:
        """Call a function by rules; see `rustybt.api.schedule_function`."""
        if isinstance(date_rule, AfterOpen | BeforeClose) and time_rule is None:
            warnings.warn("schedule_function got a time rule as its date_rule: pass it as time_rule=...", stacklevel=3)
        if time_rule is None or self._market.frequency == "daily":
            time_rule = time_rules.every_minute()
        rule = make_eventrule(date_rule or date_rules.every_day(), time_rule, self._calendar_name(calendar), half_days)
        self.add_event(rule, func)

    def add_event(self, rule: EventRule, callback: Callback) -> None:
        """Call a function at every bar, from now on, at which a rule triggers; after handle_data.

        Parameters
        ----------
        rule : EventRule
            From `rustybt.utils.events`; without a calendar it is read by the bundle's.
        callback : callable of (context, data)
            To call.
        """
        sessions, labels, span = self._portal.session_table, self._portal.session_labels, self._span
        name = rule.calendar_name
        if name is None:
            rule.cal = sessions.name
        elif name != sessions.name:
            sessions = session_table(name, labels[self._shown_from] - MARGIN, labels[span.last] + MARGIN)
        begin, end = self._next_bar(), self._market.bars_of(span.last)[-1] + 1
        due = rule.triggers(Bars(self._market.label_ns[begin:end], sessions))
        for bar in (begin + np.flatnonzero(due)).tolist():
            self._events.setdefault(bar, []).append(callback)

    def _next_bar(self) -> int:
        """Give the bar whose events come next: the current one where the algorithm stands at a bar."""
        between = self._data._seen is not None
        return max(self._at.bar + between, self._market.bars_of(self._shown_from)[0])

    def _calendar_name(self, calendar: calendars | None) -> str:
        if calendar is None:
            return self._portal.session_table.name
        if isinstance(calendar, calendars):
            return str(calendar.value)
        raise ScheduleFunctionInvalidCalendar(
            f"schedule_function: calendar is {calendar!r}, pass one of {', '.join(map(str, calendars))}"
        )


def _upper(symbol: Any) -> str:
    if not isinstance(symbol, str):
        raise TypeError(f"symbol() expected a str, got {symbol!r}")
    return symbol.upper()


def is_capital(amount: Any) -> bool:
    """Say whether an amount is a number above 0 and finite."""
    return isinstance(amount, Real) and 0 < float(amount) < math.inf
