"""What does a case's algorithm look at and log?"""

from scripts.parity.draws import Draw
from scripts.parity.orders import function
from scripts.parity.plan import Plan

FIELDS = ("open", "high", "low", "close", "volume", "price")
ACCOUNT = [
    "settled_cash",
    "accrued_interest",
    "buying_power",
    "equity_with_loan",
    "total_positions_value",
    "total_positions_exposure",
    "regt_equity",
    "regt_margin",
    "initial_margin_requirement",
    "maintenance_margin_requirement",
    "available_funds",
    "excess_liquidity",
    "cushion",
    "day_trades_remaining",
    "leverage",
    "net_leverage",
    "net_liquidation",
]
PORTFOLIO = [
    "cash",
    "portfolio_value",
    "positions_value",
    "positions_exposure",
    "pnl",
    "returns",
    "starting_cash",
    "capital_used",
]


def asked(draw: Draw, fields: tuple[str, ...]) -> tuple[str, str]:
    """Give expressions for the assets and the fields of a question: one, or a list."""
    assets = draw.pick(("asset", "asset", "context.assets", "context.watch", "[asset]"))
    chosen = draw.some(fields, 1, 4)
    return assets, repr(chosen) if draw.chance(0.5) else repr(chosen[0])


def current(draw: Draw, plan: Plan) -> list[str]:
    """Log current values."""
    return current_values(draw, (*FIELDS, "last_traded"))


def current_before(draw: Draw, plan: Plan) -> list[str]:
    """Log current values before the market opens: by the minute, Zipline fails on `last_traded` there."""
    return current_values(draw, FIELDS if plan.minute else (*FIELDS, "last_traded"))


def current_values(draw: Draw, choices: tuple[str, ...]) -> list[str]:
    """Give the line that logs current values of some of the fields."""
    assets, fields = asked(draw, choices)
    return [f'note(context, "current", attempt(context, "current", lambda: seen(data.current({assets}, {fields}))))']


def history(draw: Draw, plan: Plan) -> list[str]:
    """Log a window of history."""
    assets, fields = asked(draw, FIELDS)
    by_minute = plan.minute and draw.chance(0.65)
    count = draw.integer(1, 6) if plan.minute and not by_minute else draw.integer(1, 50)
    if by_minute and draw.chance(0.2):
        count = draw.integer(150, 500)
    call = f'data.history({assets}, {fields}, {count}, "{"1m" if by_minute else "1d"}")'
    return [f'note(context, "history", attempt(context, "history", lambda: seen({call})))']


def tradable(draw: Draw, plan: Plan) -> list[str]:
    """Log what can be traded and what is stale, of one asset and of all."""
    return [
        'note(context, "tradable", data.can_trade(asset), data.is_stale(asset))',
        'note(context, "all tradable", seen(data.can_trade(context.assets)), seen(data.is_stale(context.assets)))',
    ]


def portfolio(draw: Draw, plan: Plan) -> list[str]:
    """Log fields of the portfolio, and the positions."""
    fields = ", ".join(f"context.portfolio.{name}" for name in draw.some(PORTFOLIO, 3, 8))
    held = "[a, p.amount, p.cost_basis, p.last_sale_price, p.last_sale_date, p.sid]"
    lines = [
        f'note(context, "portfolio", {fields})',
        f'note(context, "positions", [{held} for a, p in sorted(context.portfolio.positions.items())])',
    ]
    if draw.chance(0.4):
        lines.append('note(context, "weights", seen(context.portfolio.current_portfolio_weights.sort_index()))')
    return lines


def account(draw: Draw, plan: Plan) -> list[str]:
    """Log fields of the account."""
    fields = ", ".join(f"context.account.{name}" for name in draw.some(ACCOUNT, 4, 17))
    return [f'note(context, "account", {fields})']


def orders(draw: Draw, plan: Plan) -> list[str]:
    """Log an order placed earlier, and those that are open."""
    return [
        "if context.placed:",
        f"    placed = get_order(context.placed[-{draw.integer(1, 3)}:][0])",
        '    note(context, "order", order_state(placed))',
        'note(context, "open of one", [order_state(placed) for placed in get_open_orders(asset)])',
        'note(context, "open of all", sorted((a.symbol, len(o)) for a, o in get_open_orders().items()))',
    ]


def clock(draw: Draw, plan: Plan) -> list[str]:
    """Log what time it is."""
    field = draw.pick(("arena", "data_frequency", "start", "end", "capital_base"))
    lines = [
        'note(context, "time", get_datetime(), get_datetime("US/Eastern"), data.current_dt, data.current_session)',
        f'note(context, "environment", get_environment("{field}"))',
    ]
    if plan.minute:
        lines.append('note(context, "minutes", len(data.current_session_minutes), data.current_session_minutes[0])')
    return lines


def lookup(draw: Draw, plan: Plan) -> list[str]:
    """Log fields of an asset, found by symbol and by sid."""
    fields = "found.sid, found.symbol, found.start_date, found.end_date, found.auto_close_date, found.exchange"
    return [
        "found = sid(asset.sid)",
        f'note(context, "asset", {fields}, found.country_code, found.tick_size)',
        'by_name = attempt(context, "lookup", lambda: symbol(asset.symbol.lower()))',
        'note(context, "same asset", found == by_name, found == asset, hash(found) == hash(asset))',
        'note(context, "alive", found.is_alive_for_session(data.current_session), int(found))',
    ]


def recording(draw: Draw, plan: Plan) -> list[str]:
    """Record variables in the perf frame."""
    named = {
        "leverage": "context.account.leverage",
        "price_now": 'data.current(asset, "price")',
        "held": "context.portfolio.positions[asset].amount",
        "open_orders_now": "sum(len(orders) for orders in get_open_orders().values())",
        "draw": "unit(context)",
        "label": "asset.symbol",
    }
    chosen = draw.some(tuple(named), 1, 4)
    lines = [f"record({', '.join(f'{name}={named[name]}' for name in chosen)})"]
    if draw.chance(0.3):
        lines.append('record("bar", context.bar, "log", len(context.log))')
    if draw.chance(0.1):
        lines.append(f"record({draw.pick(('pnl', 'sharpe', 'ending_cash', 'positions'))}=context.bar)")
    return lines


KINDS = (
    (current, 18.0),
    (history, 26.0),
    (tradable, 10.0),
    (portfolio, 16.0),
    (account, 8.0),
    (orders, 12.0),
    (clock, 4.0),
    (lookup, 3.0),
    (recording, 12.0),
)
BEFORE = (
    (current_before, 20.0),
    (history, 25.0),
    (tradable, 10.0),
    (portfolio, 15.0),
    (account, 5.0),
    (orders, 5.0),
    (clock, 5.0),
)


def read(name: str, draw: Draw, plan: Plan) -> list[str]:
    """Give the source of a function that looks at something and logs it."""
    kind = draw.weighted(KINDS)
    lines = ["asset = pick(context, context.assets)", *kind(draw, plan)]
    return function(name, kind.__doc__, lines)


def before(draw: Draw, plan: Plan) -> list[str]:
    """Give the lines of before_trading_start: look at something, and choose the assets to watch."""
    kinds = [draw.weighted(BEFORE) for _ in range(draw.integer(1, 2))]
    lines = ['stream(context, "before")', "asset = pick(context, context.assets)"]
    for kind in kinds:
        lines += kind(draw, plan)
    if draw.chance(0.6):
        count = draw.integer(1, 5) if plan.minute else draw.integer(1, 25)
        field = draw.pick(("price", "close", "volume"))
        lines += [
            f'frame = attempt(context, "history", lambda: data.history(context.assets, "{field}", {count}, "1d"))',
            "if frame is not None:",
            f'    now = data.current(context.assets, "{field}")',
            f"    chosen = [a for a in context.assets if now[a] {draw.pick(('>=', '<=', '>', '<'))} mean(frame[a])]",
            "    context.watch = chosen or list(context.assets)",
        ]
    if draw.chance(0.15):
        lines.append("place(context, lambda: order(asset, 1))")
    return lines
