"""Random markets, decisions and rules, and one strategy in two forms: at every bar, and for all sessions at once."""

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd
from hypothesis import strategies as st

from rustybt import Strategy, VectorStrategy, run_batch
from rustybt.data.portal import portal_of
from rustybt.engine.setup import Setup
from rustybt.engine.stop_rules import StopRules
from rustybt.engine.strategy import hooks_of
from rustybt.finance.blotter import SimulationBlotter
from rustybt.finance.commission import CommissionModel, NoCommission, PerDollar, PerShare, PerTrade
from rustybt.finance.rules import Rules, rules_of
from rustybt.finance.slippage import (
    FixedBasisPointsSlippage,
    FixedSlippage,
    NoSlippage,
    SlippageModel,
    VolumeShareSlippage,
)
from rustybt.run import simulate
from rustybt.testing import difference
from tests.builders import days, make_bundle

RATIOS = (0.5, 2.0, 1 / 3, 3.0, 0.1, 7.0, 0.98765, 1.5, 10.0, 40.0)
CORRECTIONS = (
    "fill_open_amount_only",
    "order_target_counts_open_orders",
    "dividend_paid_next_session",
    "full_precision_prices",
    "limit_price_recheck",
)


# Markets ------------------------------------------------------------------------------------------------------------


@dataclass
class Market:
    """What `make_bundle` takes."""

    frames: dict[str, pd.DataFrame]
    actions: dict[str, list[tuple]] = field(default_factory=dict)
    assets: dict[str, dict] = field(default_factory=dict)

    def ingest(self, name="made"):
        return make_bundle(self.frames, name=name, assets=self.assets, **self.actions)


def random_market(seed, n_assets=4, n_sessions=40):
    """Give a market with splits, dividends, holes, late listings and delistings."""
    rng = np.random.default_rng(seed)
    labels = days(n_sessions)
    symbols = "ABCDE"[:n_assets]
    market = Market({symbol: random_bars(rng, labels) for symbol in symbols})
    # The first asset lives through all sessions, so that the bundle has them.
    for symbol in symbols[1:]:
        live_for_a_while(rng, market, symbol, labels)
    for symbol in symbols:
        dig_holes(rng, market.frames, symbol)
    market.actions = random_actions(rng, market.frames, labels)
    return market


def random_bars(rng, labels):
    n = len(labels)
    level = 10 ** rng.uniform(-0.3, 2.7)
    closes = level * np.exp(np.cumsum(rng.normal(0, 0.04, n)))
    opens = closes * np.exp(rng.normal(0, 0.02, n))
    prices = np.column_stack((opens, np.maximum(opens, closes) * 1.01, np.minimum(opens, closes) * 0.99, closes))
    frame = pd.DataFrame(prices.round(4 if rng.random() < 0.5 else 2), columns=["open", "high", "low", "close"])
    frame = frame.clip(lower=0.01).set_index(labels)
    liquid = 10 ** rng.uniform(1.5, 6)
    frame["volume"] = np.where(rng.random(n) < 0.08, 0, rng.integers(1, int(liquid), n))
    return frame


def live_for_a_while(rng, market, symbol, labels):
    """List an asset late, take it off the market early, or neither; its automatic close comes sooner or later."""
    n = len(labels)
    begin = int(rng.integers(0, n // 2)) if rng.random() < 0.4 else 0
    end = int(rng.integers(n // 2, n)) if rng.random() < 0.5 else n - 1
    market.frames[symbol] = market.frames[symbol].iloc[begin : end + 1]
    until = min(n - 1, end + int(rng.integers(0, 4)))
    dates = {"end_date": labels[until]} if rng.random() < 0.4 else {}
    last = dates.get("end_date", labels[end])
    close = rng.choice(["day after", "same day", "later", "never"], p=[0.5, 0.1, 0.3, 0.1])
    later = last + pd.Timedelta(days=int(rng.integers(2, 9)))
    dates["auto_close_date"] = {
        "day after": last + pd.Timedelta(days=1), "same day": last, "later": later, "never": pd.NaT,
    }[str(close)]  # fmt: skip
    market.assets[symbol] = dates


def dig_holes(rng, frames, symbol):
    """Take bars out: from the frame, or as NaN prices without volume."""
    frame = frames[symbol]
    drops = rng.random() < 0.5
    keeps_ends = drops or symbol == "A"  # the first asset gives the bundle its sessions
    rows = np.arange(1, len(frame) - 1) if keeps_ends else np.arange(len(frame))
    for row in rows[rng.random(len(rows)) < rng.choice([0.0, 0.1, 0.3])]:
        frame.iloc[row, frame.columns.get_indexer(["open", "high", "low", "close"])] = np.nan
        frame.iloc[row, frame.columns.get_loc("volume")] = 0
    frames[symbol] = frame.dropna() if drops else frame


def random_actions(rng, frames, labels):
    symbols = list(frames)

    def some(rate):
        return int(rng.poisson(rate))

    def label(first=2):
        return labels[int(rng.integers(first, len(labels)))] if len(labels) > first else labels[-1]

    def payment(ex):
        late = ex + pd.Timedelta(days=int(rng.integers(0, 15)))
        return str(late.date()) if rng.random() < 0.85 else None

    splits = {(symbol, str(label().date())): float(rng.choice(RATIOS)) for symbol in symbols for _ in range(some(0.7))}
    dividends, stock = {}, {}
    for symbol in symbols:
        for _ in range(some(1.0)):
            ex = label()
            level = frames[symbol]["high"].fillna(10.0).mean()
            dividends[symbol, str(ex.date())] = (payment(ex), round(float(level * rng.uniform(0.001, 0.1)), 4))
        for _ in range(some(0.3)):
            ex = label()
            paying = symbol if rng.random() < 0.4 else str(rng.choice(symbols))
            ratio = float(rng.choice([0.1, 0.5, 1.0, 0.07, 1 / 3]))
            stock[symbol, str(ex.date())] = (paying, payment(ex) or str(ex.date()), ratio)
    return {
        "splits": [(symbol, day, ratio) for (symbol, day), ratio in splits.items()],
        "dividends": [(symbol, ex, pay, amount) for (symbol, ex), (pay, amount) in dividends.items()],
        "stock_dividends": [(symbol, paying, ex, pay, r) for (symbol, ex), (paying, pay, r) in stock.items()],
    }


# Decisions ----------------------------------------------------------------------------------------------------------

METHODS = ("target_percent", "target_shares", "orders")


def random_decisions(seed, kind, shape, price):
    """Give decisions of which many are NaN or 0; shares are of the size of a portfolio of 100,000."""
    rng = np.random.default_rng(seed)
    density = rng.choice([0.03, 0.2, 0.7, 1.0])
    weights = rng.uniform(-0.6, 0.9, shape) if rng.random() < 0.7 else rng.uniform(0, 1.2 / shape[1], shape)
    if kind != "target_percent":
        known = ~np.isnan(price)
        level = np.where(known, price, 0.0).sum(axis=0) / np.maximum(known.sum(axis=0), 1)
        level = np.where(level > 0, level, 10.0)
        weights = 100_000 * weights / level
        if rng.random() < 0.5:
            weights = np.round(weights)
    some = rng.random(shape)
    weights = np.where(some < 0.15, 0.0, weights)
    if rng.random() < 0.2:  # the same decision for many sessions
        weights = weights[np.arange(shape[0]) // 7 * 7]
    return np.where(rng.random(shape) < density, weights, np.nan)


# Rules --------------------------------------------------------------------------------------------------------------


def number(*exact, least=0.0, most=1.0):
    return st.sampled_from(exact) | st.floats(least, most, allow_subnormal=False)


slippages = st.one_of(
    st.builds(NoSlippage),
    st.builds(FixedSlippage, number(0.0, 0.02, most=0.5)),
    st.builds(FixedBasisPointsSlippage, number(0.0, 5.0, most=300.0), number(0.1, 1.0, least=0.001)),
    st.builds(VolumeShareSlippage, number(0.025, 1.0, least=0.001), number(0.0, 0.1)),
)
commissions = st.one_of(
    st.builds(NoCommission),
    st.builds(PerShare, number(0.0, 0.001, 0.05), number(0.0, 1.0, most=50.0)),
    st.builds(PerTrade, number(0.0, 1.0, most=40.0)),
    st.builds(PerDollar, number(0.0, 0.0015, most=0.05)),
)
rules = st.builds(
    rules_of,
    st.lists(st.sampled_from(CORRECTIONS), unique=True),
    fill_at=st.sampled_from(["close", "open"]),
    cash=st.sampled_from(["allow_negative", "reject", "scale"]),
    fractional_shares=st.booleans(),
    borrow_rate=number(0.0, 0.03),
    margin_rate=number(0.0, 0.05),
)

stop_rules = st.builds(
    StopRules,
    max_drawdown=number(0.1, least=0.01),
    min_equity=st.none() | number(90_000.0, most=1e7),
    negative_return_after=st.none() | st.integers(0, 60),
    check_every=st.integers(1, 5),
    min_bars=st.integers(0, 20),
)


def costs(slippage, commission):
    return SimulationBlotter(equity_slippage=slippage, equity_commission=commission)


# One strategy in two forms ------------------------------------------------------------------------------------------


class AtBars(Strategy):
    """Decides at every bar, as a `handle_data` that goes over the assets in their order."""

    def __init__(self, kind, decisions, assets):
        super().__init__()
        self.kind, self.decisions, self.assets = kind, decisions, assets

    def initialize(self, context):
        context.session = -1

    def handle_data(self, context, data):
        context.session += 1
        order = {
            "target_percent": context.order_target_percent,
            "target_shares": context.order_target,
            "orders": context.order,
        }[self.kind]
        for asset, wanted in zip(self.assets, self.decisions[context.session].tolist(), strict=True):
            if data.can_trade(asset) and wanted == wanted:
                order(asset, wanted)


def at_once(kind, decisions, assets=None, **members):
    """Give the class of a vector strategy with decisions that are known."""

    def decide(strategy, bars):
        return decisions

    return type("AtOnce", (VectorStrategy,), {kind: decide, "assets": assets, **members})


# Comparing both tiers -----------------------------------------------------------------------------------------------


@dataclass
class Trial:
    """One run of both tiers over a bundle: fractions of the sessions say where it starts and ends."""

    kind: str
    seed: int
    slippage: SlippageModel
    commission: CommissionModel
    rules: Rules
    stop_rules: StopRules | None = None
    capital: float = 100_000.0
    begin: float = 0.0
    until: float = 1.0
    shuffled: bool = False

    @property
    def setup(self):
        return Setup(blotter=costs(self.slippage, self.commission), rules=self.rules, stop_rules=self.stop_rules)

    def span_of(self, count):
        first = int(self.begin * (count - 1))
        return first, first + int(self.until * (count - 1 - first))


trials = st.builds(
    Trial,
    kind=st.sampled_from(METHODS),
    seed=st.integers(0, 2**32 - 1),
    slippage=slippages,
    commission=commissions,
    rules=rules,
    stop_rules=st.none() | stop_rules,
    capital=st.sampled_from([100_000.0, 3_000.0, 10_000_000.0]),
    begin=st.sampled_from([0.0]) | st.floats(0, 1),
    until=st.sampled_from([1.0]) | st.floats(0, 1),
    shuffled=st.booleans(),
)


def disagreement(bundle, trial):
    """Say how the tiers differ in a trial, if they do."""
    portal = portal_of(bundle, trial.setup.rules.full_precision_prices)
    assets = list(portal.finder.equities)
    if trial.shuffled:
        rng = np.random.default_rng(trial.seed)
        assets = [assets[i] for i in rng.permutation(len(assets))[: rng.integers(1, len(assets) + 1)]]
    first, last = trial.span_of(len(portal.session_ns))
    shape = (last - first + 1, len(assets))
    close = portal.array("close")[first : last + 1, [asset.column for asset in assets]]
    decisions = random_decisions(trial.seed, trial.kind, shape, close)
    span = (bundle, portal.session_labels[first], portal.session_labels[last], trial.capital)
    vector_class = at_once(trial.kind, decisions, assets)
    by_event = outcome(AtBars(trial.kind, decisions, assets), span, trial.setup)
    by_vector = outcome(vector_class(), span, trial.setup)
    if isinstance(by_event, type) or isinstance(by_vector, type):
        return "" if by_event is by_vector else f"{by_event} against {by_vector}"
    batch = run_batch(vector_class, [{}], *span, setup=trial.setup)
    return (
        difference(by_event.perf, by_vector.perf)
        or cell_difference(by_event.perf, by_vector.perf)
        or ", ".join(other_metrics(by_event.metrics, by_vector.metrics))
        or ", ".join(other_metrics(by_vector.metrics, batch[list(by_vector.metrics)].iloc[0].to_dict()))
    )


def outcome(strategy, span, setup):
    """Give a result, or the kind of error that says that an amount is none."""
    try:
        return simulate(hooks_of(strategy), *span, setup=setup)
    except (OverflowError, ValueError) as error:
        return type(error)


def cell_difference(left, right):
    """Say where the orders, fills or positions of two frames differ, in their order, numbers of orders included."""
    if list(left.columns) != list(right.columns) or left.attrs != right.attrs:
        return "the frames have other columns or notes"
    for name in ("orders", "transactions", "positions"):
        for day, one, other in zip(left.index, left[name], right[name], strict=True):
            same = len(one) == len(other) and all(same_entry(a, b) for a, b in zip(one, other, strict=True))
            if not same:
                return f"{name} at {day.date()}: {one} against {other}"
    return ""


def same_entry(one, other):
    return list(one) == list(other) and all(
        near(one[key], other[key], 1e-9) if isinstance(one[key], float | int) else one[key] == other[key] for key in one
    )


def other_metrics(left: dict[str, Any], right: dict[str, Any], tolerance=1e-9):
    """Give the metrics that differ."""
    assert list(left) == list(right)
    return [f"{k} {left[k]!r} {right[k]!r}" for k in left if not near(left[k], right[k], tolerance)]


def near(a, b, tolerance):
    return (a != a and b != b) or a == b or abs(a - b) <= tolerance * max(1.0, abs(a), abs(b))
