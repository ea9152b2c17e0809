"""What will a run do: over which sessions, with which searches, and what must not change until it is resumed?"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from numbers import Real
from typing import Any, NamedTuple

from rustybt.data.bundles import load
from rustybt.data.portal import portal_of
from rustybt.data.store import BundleData
from rustybt.engine.context import is_capital
from rustybt.engine.span import Span, span_of
from rustybt.engine.stop_rules import StopRules
from rustybt.errors import InvalidParameter, ZeroCapitalError, did_you_mean
from rustybt.finance.rules import Rules
from rustybt.optimization.backtest import BacktestJob
from rustybt.optimization.digests.digest import Digest
from rustybt.optimization.goal import Goal
from rustybt.optimization.parameter_space import ParameterSpace
from rustybt.optimization.parts import Part, SearchPart
from rustybt.optimization.run_settings import SettingsWriter, vars_of
from rustybt.optimization.search.base import Search
from rustybt.optimization.source import Source
from rustybt.optimization.strategy_digest import digest_of_source
from rustybt.optimization.walk_forward import WalkForward, WalkForwardPart
from rustybt.optimization.workers.mapped import open_mapped

STOP_DRAWDOWN = 0.5
STOP_EQUITY = 0.1
STOP_NEGATIVE_AFTER = 500
STOP_CHECK_EVERY = 100
STOP_MIN_BARS = 200


class Planned(NamedTuple):
    """A run that is ready to begin.

    Attributes
    ----------
    parts : dict of str to Part
        By symbol, or one under the name "search".
    settings : dict of str to JSON value
        What decides the outcome of every trial, and of the search.
    is_grouped : bool
        The parts are searches of their own, even where there is but one.
    notes : tuple of str
        What these settings cannot tell from a changed one.
    """

    parts: dict[str, Part]
    settings: dict[str, Any]
    is_grouped: bool = False
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Plan:
    """What an optimizer was asked to do.

    Attributes
    ----------
    source : Source
        The strategy.
    space : ParameterSpace
        What is searched.
    bundle : str or BundleData
        The data.
    start, end : date-like or None
        First and last day; None for the bundle's own.
    capital_base : float
        Cash at the start of every backtest.
    data_frequency : {"daily", "minute"}
        Of the bars.
    rules : Rules
        Corrections and extras.
    stop_rules : StopRules or None
        When a backtest is given up early.
    search : Search or WalkForward
        What proposes.
    goal : Goal
        What it looks for.
    symbols : tuple of str or None
        Which are searched for alone: () for all of the bundle, None for no run per symbol.
    fast : bool
        Use half of the data.
    fixed : mapping of str to value
        What the strategy gets in addition to the params.
    """

    source: Source
    space: ParameterSpace
    bundle: str | BundleData
    start: Any
    end: Any
    capital_base: float
    data_frequency: str
    rules: Rules
    stop_rules: StopRules | None
    search: Search | WalkForward
    goal: Goal
    symbols: tuple[str, ...] | None = None
    fast: bool = False
    fixed: Mapping[str, Any] = field(default_factory=dict)

    def check(self) -> None:
        """Raise where a setting cannot be right, whatever the data."""
        if not isinstance(self.search, Search | WalkForward):
            raise InvalidParameter(f"search {self.search!r} is no search: give an instance such as GridSearch()")
        if not isinstance(self.rules, Rules):
            raise InvalidParameter(f"rules {self.rules!r} are none: make them with rustybt.finance.rules.rules_of(...)")
        if isinstance(self.capital_base, bool) or not isinstance(self.capital_base, Real):
            raise InvalidParameter(f"capital_base {self.capital_base!r} is no number")
        if not is_capital(self.capital_base):
            raise ZeroCapitalError(f"capital_base {self.capital_base} is not above 0: give the cash to start with")
        if self.data_frequency not in ("daily", "minute"):
            raise InvalidParameter(f"data_frequency {self.data_frequency!r} is unknown: choose 'daily' or 'minute'")
        if self.source.is_vector and self.data_frequency == "minute":
            raise InvalidParameter("data_frequency 'minute': a vector strategy decides on daily bars")

    def prepare(self, name: str = "search", place: int = 0) -> Planned:
        """Open the bundle, find the sessions, and lay the searches out.

        Parameters
        ----------
        name : str
            Of the part, where it is not one a symbol.
        place : int
            Of the first job among those of the run.

        Returns
        -------
        Planned

        Raises
        ------
        UnknownBundle, InvalidSpan
            If the bundle is not there, or start and end do not fit it.
        """
        bundle = self.bundle if isinstance(self.bundle, BundleData) else load(self.bundle)
        span = span_of(portal_of(bundle), self.start, self.end)
        if self.fast and isinstance(self.search, Search):
            span = Span(span.first + span.size // 2, span.last)
        key = (str(bundle.root.resolve()), bundle.name, bundle.version, bundle.fingerprint)
        open_mapped(*key)  # makes what is missing of the arrays here, where threads do no harm
        parts: dict[str, Part] = {}
        digest = digest_of_source(self.source)
        fixed_by_name = {name: {}} if self.symbols is None else self._fixed_by_symbol(bundle, self.symbols)
        for number, (part, fixed) in enumerate(fixed_by_name.items(), start=place):
            job = BacktestJob(
                self.source,
                self.space,
                key,
                span,
                float(self.capital_base),
                self.rules,
                self.stop_rules,
                self.data_frequency,
                tuple(objective for objective in self.goal.objectives if objective.function is not None),
                {**self.fixed, **fixed},
                digest,
            )
            parts[part] = self._part(part, number, job)
        next(iter(parts.values())).studies[0].job.compile()
        writer = SettingsWriter()
        settings = self.settings(bundle, span, digest, writer)
        return Planned(parts, settings, is_grouped=self.symbols is not None, notes=writer.notes)

    def _part(self, name: str, place: int, job: BacktestJob) -> Part:
        if isinstance(self.search, WalkForward):
            return WalkForwardPart.of(name, place, job, self.goal, self.search, self.fast)
        return SearchPart.of(name, place, job, self.goal, self.search)

    def _fixed_by_symbol(self, bundle: BundleData, symbols: tuple[str, ...]) -> dict[str, dict[str, Any]]:
        """Give what the strategy gets in addition, by symbol."""
        known = sorted(equity.symbol for equity in bundle.asset_finder.equities)
        for symbol in symbols:
            if symbol not in known:
                near = did_you_mean(symbol, known)
                raise InvalidParameter(f"symbol {symbol!r} is none of bundle {bundle.name!r}{near}")
        return {symbol: self.source.of_symbol(symbol) for symbol in symbols or known}

    def settings(self, bundle: BundleData, span: Span, digest: Digest, writer: SettingsWriter) -> dict[str, Any]:
        """Say what decides the outcome of the run, in values that JSON holds."""
        labels = portal_of(bundle).session_labels
        return {
            "strategy": self.source.name,
            "strategy_digest": writer.strategy(self.source, digest),
            "bundle": bundle.name,
            "fingerprint": bundle.fingerprint,
            "sid_map": bundle.manifest.sid_map,  # of no part in the fingerprint, and a strategy may name assets by sid
            "first_session": str(labels[span.first].date()),
            "last_session": str(labels[span.last].date()),
            "capital_base": float(self.capital_base),
            "data_frequency": self.data_frequency,
            "rules": writer.values(vars_of(self.rules), "rules"),
            "stop_rules": None if self.stop_rules is None else writer.values(vars_of(self.stop_rules), "stop_rules"),
            "parameters": list(self.space.names),
            "space": writer.space(self.space),
            "conditions": [writer.condition(condition) for condition in self.space.conditions],
            "search": writer.search(self.search),
            "objectives": [writer.objective(objective) for objective in self.goal.objectives],
            "constraints": [writer.constraint(constraint) for constraint in self.goal.constraints],
            "symbols": None if self.symbols is None else sorted(self.symbols),
            "fast": self.fast,
            "fixed": {name: writer.value(value, f"fixed {name!r}") for name, value in sorted(self.fixed.items())},
        }


def stop_rules_of(stop_rules: StopRules | bool | None, capital_base: float) -> StopRules | None:
    """Give the stop rules that a user means; True for the usual ones."""
    if stop_rules is True:
        return StopRules(
            max_drawdown=STOP_DRAWDOWN,
            min_equity=STOP_EQUITY * float(capital_base),
            negative_return_after=STOP_NEGATIVE_AFTER,
            check_every=STOP_CHECK_EVERY,
            min_bars=STOP_MIN_BARS,
        )
    if not isinstance(stop_rules, StopRules | bool | None):
        raise InvalidParameter(f"stop_rules {stop_rules!r} are none: pass StopRules(max_drawdown=0.3), or True")
    return stop_rules or None
