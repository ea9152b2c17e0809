"""Which algorithm does a seed stand for? Writes its source: random, legal, and the same for ever.

Every part of an algorithm (a setting, a function that orders, one that reads) draws from a generator of its own, so
that leaving parts out does not change the others. That is how a difference is narrowed down.
"""

import ast
from collections.abc import Callable, Collection
from datetime import date
from typing import NamedTuple

from scripts.parity import orders, prelude, reads, settings
from scripts.parity.draws import Draw
from scripts.parity.orders import indent
from scripts.parity.plan import Plan, plan_of

Lines = Callable[[Draw, Plan], list[str]]
MODULES = {
    "zipline.api": (
        "EODCancel FixedBasisPointsSlippage HistoricalRestrictions NeverCancel RESTRICTION_STATES Restriction "
        "StaticRestrictions VolumeShareSlippage batch_market_order calendars cancel_order date_rules get_datetime "
        "get_environment get_open_orders get_order order order_percent order_target order_target_percent "
        "order_target_value order_value record schedule_function set_asset_restrictions set_benchmark "
        "set_cancel_policy set_commission set_do_not_order_list set_long_only set_max_leverage set_max_order_count "
        "set_max_order_size set_max_position_size set_min_leverage set_slippage set_symbol_lookup_date sid symbol "
        "symbols time_rules"
    ),
    "zipline.finance": "cancel_policy commission slippage",
    "zipline.finance.execution": "LimitOrder MarketOrder StopLimitOrder StopOrder",
    "zipline.finance.slippage": "LiquidityExceeded",
}
SETTINGS: tuple[tuple[str, float, Lines], ...] = (
    ("slippage", 0.65, settings.slippage),
    ("commission", 0.65, settings.commission),
    ("cancel_policy", 0.2, settings.cancel_policy),
    ("controls_log", 0.12, settings.controls_log),
    ("controls_caught", 0.12, settings.controls_caught),
    ("controls_fatal", 0.04, settings.controls_fatal),
    ("leverage", 0.06, settings.leverage),
    ("restrictions", 0.12, settings.restrictions),
)
CALLED: tuple[tuple[str, float], ...] = (
    ("cancelling", 0.55),
    ("waiting", 0.2),
    ("batch", 0.15),
    ("custom_costs", 0.06),
    ("refusals", 0.15),
    ("before", 0.35),
)


class Case(NamedTuple):
    """A seed's algorithm."""

    seed: int
    bundle: str
    parts: tuple[str, ...]
    source: str


class Text:
    """The growing source of an algorithm."""

    def __init__(self) -> None:
        self.top: list[str] = []
        self.first: list[str] = []
        self.setup: list[str] = []
        self.before: list[str] = []
        self.bar: list[str] = []

    def define(self, lines: list[str]) -> None:
        """Add a function or class."""
        self.top += ["", "", *lines]


def trigger(text: Text, name: str, draw: Draw, plan: Plan, often: tuple[int, int]) -> None:
    """Let a function be called: every few bars, by chance, by a schedule or around an event."""
    every = plan.every(draw, *often)
    event, burst = 25.0 if plan.events else 0.0, 25.0 if plan.minute else 5.0
    how = draw.weighted((("every", 40.0), ("chance", 20.0), ("schedule", 30.0), ("event", event), ("burst", burst)))
    if how == "schedule":
        text.setup.append(schedule(name, draw, plan))
    elif how == "event":
        days = sorted({day.isoformat() for _, event in plan.events for day in around(event)})[:60]
        text.top += ["", f"DAYS_OF_{name.upper()} = {days!r}"]
        test = f"str(get_datetime().date()) in DAYS_OF_{name.upper()}"
        slower = f" and context.bar % {draw.integer(20, 90)} == 7" if plan.minute else ""
        text.bar += [f"if {test}{slower}:", f"    {name}(context, data)"]
    elif how == "chance":
        text.bar += [f'if chance(context, "{name}", {round(1 / every, 5)}):', f"    {name}(context, data)"]
    elif how == "burst":  # on bars in a row: what is kept from one bar to the next must not matter
        width = draw.integer(2, 6)
        text.bar += [f"if context.bar % {every * width} in range({width}):", f"    {name}(context, data)"]
    else:
        rest = draw.integer(0, every - 1)
        text.bar += [f"if context.bar % {every} == {rest}:", f"    {name}(context, data)"]


def around(event: date) -> list[date]:
    """Give the days next to an event."""
    return [date.fromordinal(event.toordinal() + days) for days in range(-4, 4)]


def schedule(name: str, draw: Draw, plan: Plan) -> str:
    """Give a line of initialize that schedules a function."""
    dates = draw.pick(("every_day()", "month_start", "month_end", "week_start", "week_end"))
    if plan.minute and draw.chance(0.5):
        dates = "every_day()"
    if dates.startswith("month"):
        dates += f"(days_offset={draw.integer(0, 22)})" if draw.chance(0.7) else "()"
    elif dates.startswith("week"):
        dates += f"({draw.integer(0, 4)})" if draw.chance(0.7) else "()"
    hours, minutes = draw.integer(0, 3), draw.integer(1, 59)
    offset = draw.pick(("", f"minutes={minutes}", f"hours={hours}, minutes={minutes}", f"hours={hours + 1}"))
    times = draw.pick((f", time_rules.market_open({offset})", f", time_rules.market_close({offset})"))
    half_days = draw.pick(("", "", ", half_days=False", ", half_days=True"))
    if draw.chance(0.3) and (not plan.minute or name.startswith("read")):  # an order every minute would be too many
        times = ""
    calendar = ", calendar=calendars.US_EQUITIES" if draw.chance(0.06) else ""
    rules = times[2:] if times and draw.chance(0.03) else f"date_rules.{dates}{times}"  # a time rule in the wrong place
    return f"schedule_function({name}, {rules}{half_days}{calendar})"


def add_settings(text: Text, plan: Plan, wanted: Callable[[str, float, Draw], bool]) -> None:
    """Write what initialize sets."""
    if wanted("lookup_date", 0.06, Draw(plan.seed, "lookup_date")):
        text.first.append(f'set_symbol_lookup_date("{plan.end}")')
    if plan.benchmark and wanted("benchmark", 1.0, Draw(plan.seed, "benchmark")) and plan.benchmark != "series":
        text.setup.append(f'set_benchmark(symbol("{plan.benchmark}"))')
    for name, share, lines in SETTINGS:
        draw = Draw(plan.seed, name)
        if wanted(name, share, draw):
            text.setup += lines(draw, plan)
            if name == "controls_fatal":
                text.bar += settings.last_order(draw, plan)


def add_special(text: Text, plan: Plan, wanted: Callable[[str, float, Draw], bool]) -> None:
    """Write what only some algorithms have."""
    for name, usual in CALLED:
        draw = Draw(plan.seed, name)
        share = 0.7 if name == "waiting" and plan.consolidates else usual
        if not wanted(name, share, draw):
            continue
        if name == "cancelling":
            text.define(orders.cancelling(name, draw, plan))
            trigger(text, name, draw, plan, (6, 25))
        elif name == "batch":
            text.define(orders.batch(name, draw, plan))
            trigger(text, name, draw, plan, (4, 15))
        elif name == "waiting":
            text.define(orders.waiting(name, draw, plan))
            trigger(text, name, draw, plan, (6, 20))
        elif name == "before":
            text.before += reads.before(draw, plan)
        elif name == "custom_costs":
            text.top += settings.custom_classes(draw, plan)
            text.setup += ["set_slippage(Slippage())", "set_commission(Commission())"]
        else:
            text.define(["def last_words(context, data):", *indent(settings.refused_later(draw, plan))])
            text.setup += settings.refused_at_first(draw, plan)
            text.bar += [f"if context.bar == {max(1, plan.bars // 3)}:", "    last_words(context, data)"]


def write_parts(plan: Plan, without: Collection[str]) -> tuple[Text, list[str]]:
    """Write every part of a case but those left out, and name them."""
    text, parts = Text(), []

    def wanted(name: str, share: float, draw: Draw) -> bool:
        chosen = draw.chance(share) and name not in without and name.split("_")[0] not in without
        if chosen:
            parts.append(name)
        return chosen

    draw = Draw(plan.seed, "counts")
    moves, looks = draw.integer(2, 5), draw.integer(2, 5)
    add_settings(text, plan, wanted)
    for kind, count, write, often in (("move", moves, orders.move, (8, 45)), ("read", looks, reads.read, (8, 28))):
        for number in range(1, count + 1):
            name = f"{kind}_{number}"
            part = Draw(plan.seed, name)
            if wanted(name, 1.0, part):
                text.define(write(name, part, plan))
                trigger(text, name, part, plan, often)
    add_special(text, plan, wanted)
    return text, parts


def imports_of(body: str) -> list[str]:
    """Give the imports that a source needs."""
    names = {node.id for node in ast.walk(ast.parse(body)) if isinstance(node, ast.Name)}
    lines = ["import random", "from math import fsum", "", "import pandas as pd", ""]
    for module, exported in MODULES.items():
        used = [name for name in exported.split() if name in names]
        if used:
            lines.append(f"from {module} import {', '.join(used)}")
    return lines


def generate(seed: int, without: Collection[str] = (), end: date | None = None) -> Case:
    """Write a seed's algorithm.

    Parameters
    ----------
    seed : int
        Which one.
    without : collection of str
        Parts to leave out, by name (`move_2`, `cancelling`) or family (`controls`); `minute` draws a daily simulation.
    end : date, optional
        Ends the run earlier; the algorithm stays the same.

    Returns
    -------
    Case
    """
    plan = plan_of(seed, minute_bars="minute" not in without)
    text, parts = write_parts(plan, without)
    frequency = "minute" if plan.minute else "daily"
    last = min(end, plan.end) if end else plan.end
    config = (
        f'CONFIG = dict(bundle="{plan.bundle}", start="{plan.start}", end="{last}", capital_base={plan.capital}, '
        f'data_frequency="{frequency}", benchmark={plan.benchmark if "benchmark" in parts else ""!r})'
    )
    hooks = ["def initialize(context):", *indent([*text.first, *prelude.setup_lines(plan), *text.setup])]
    if text.before:
        hooks += ["", "", "def before_trading_start(context, data):", *indent(text.before)]
    hooks += ["", "", "def handle_data(context, data):", *indent(["context.bar += 1", *text.bar])]
    body = "\n".join(
        [config, *prelude.CONSTANTS.splitlines(), *prelude.HELPERS.splitlines(), *text.top, "", "", *hooks, ""]
    )
    title = f'"""Case {seed}: {plan.bundle}, {frequency}, {plan.start} to {last}: {", ".join(parts)}."""'
    source = "\n".join([title, "", *imports_of(body), "", body])
    return Case(seed, plan.bundle, ("minute", *parts) if plan.minute else tuple(parts), source)
