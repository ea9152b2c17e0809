"""When, how and how much does a case's algorithm order?"""

from scripts.parity.draws import Draw
from scripts.parity.plan import Plan

WINDOW = 'window = attempt(context, "history", lambda: data.history(asset, "{field}", {count}, "{frequency}"))'
OTHER = 'other = attempt(context, "history", lambda: data.history(asset, "{field}", {count}, "{frequency}"))'
NEEDS = "if {name} is None:\n    return"


def window_lines(draw: Draw, plan: Plan, template: str, field: str, low: int = 1) -> list[str]:
    """Give lines that read a window of history, which may start too early."""
    by_minute = plan.minute and draw.chance(0.7)
    frequency = "1m" if by_minute else "1d"
    high = 30 if by_minute else (5 if plan.minute else 40)
    count = draw.integer(low, high)
    if by_minute and draw.chance(0.1):
        count = draw.integer(300, 500)  # across a night
    name = template.split(" =")[0]
    return [template.format(field=field, count=count, frequency=frequency), *NEEDS.format(name=name).splitlines()]


def extreme(draw: Draw, plan: Plan) -> list[str]:
    """Go when the current value is its window's extreme: the last bit decides."""
    field = draw.pick(("price", "price", "close", "high", "low", "open", "volume"))
    test = draw.pick(
        (">= window.max()", "<= window.min()", "== window.max()", "== window.iloc[-1]", "!= window.iloc[-1]")
    )
    lines = window_lines(draw, plan, WINDOW, field)
    return [*lines, f'if not data.current(asset, "{field}") {test}:', "    return"]


def trend(draw: Draw, plan: Plan) -> list[str]:
    """Go when the current price is above or below a mean."""
    field = draw.pick(("price", "close", "open"))
    lines = window_lines(draw, plan, WINDOW, field, low=2)
    return [*lines, f"if not price {draw.pick('<>')} mean(window):", "    return"]


def crossing(draw: Draw, plan: Plan) -> list[str]:
    """Go when one mean is above the other."""
    field = draw.pick(("price", "close", "volume"))
    lines = [
        *window_lines(draw, plan, WINDOW, field, low=2),
        *window_lines(draw, plan, OTHER, field, low=2),
    ]
    return [*lines, f"if not mean(window) {draw.pick('<>')} mean(other):", "    return"]


def momentum(draw: Draw, plan: Plan) -> list[str]:
    """Go when the window rose or fell by more than a little."""
    lines = window_lines(draw, plan, WINDOW, draw.pick(("price", "close")), low=2)
    least = draw.number(-0.01, 0.02)
    return [*lines, f"if not window.iloc[-1] / window.iloc[0] - 1 {draw.pick('<>')} {least}:", "    return"]


def tradable(draw: Draw, plan: Plan) -> list[str]:
    """Go when the asset can be traded, or is not stale."""
    test = draw.pick(("data.can_trade(asset)", "not data.is_stale(asset)", "data.is_stale(asset)"))
    return [f"if not ({test}):", "    return"]


def book(draw: Draw, plan: Plan) -> list[str]:
    """Go by what the portfolio or the account says."""
    held = "context.portfolio.positions[asset]"
    test = draw.pick(
        (
            f"context.account.leverage < {draw.number(0.4, 2.5, 2)}",
            f"context.account.net_leverage < {draw.number(0.2, 1.5, 2)}",
            f"context.portfolio.cash > {draw.number(-0.2, 0.6, 2)} * context.portfolio.portfolio_value",
            f"{held}.amount {draw.pick('<>')} 0",
            f"price {draw.pick('<>')} {held}.cost_basis",
            f"price {draw.pick('<>')} {held}.last_sale_price",
            "asset not in context.portfolio.positions",
            f"context.portfolio.pnl {draw.pick('<>')} 0",
            f"context.portfolio.returns < {draw.number(-0.02, 0.1)}",
            f"len(get_open_orders(asset)) < {draw.integer(1, 3)}",
            "asset in get_open_orders()",
        )
    )
    return [f"if not ({test}):", "    return"]


def always(draw: Draw, plan: Plan) -> list[str]:
    """Go whenever called."""
    return []


CONDITIONS = (
    (extreme, 24.0),
    (trend, 12.0),
    (crossing, 10.0),
    (momentum, 8.0),
    (tradable, 10.0),
    (book, 16.0),
    (always, 20.0),
)


def several(draw: Draw, expressions: list[str]) -> str:
    """Let the algorithm pick one of a few expressions."""
    return expressions[0] if len(expressions) == 1 else f"pick(context, ({', '.join(expressions)}))"


def shares(draw: Draw, plan: Plan) -> str:
    """Give an expression for a number of shares, large ones among them."""
    most = max(20, int(plan.capital / 60 / len(plan.symbols)))
    few = [str(draw.integer(1, most) * draw.pick((1, 1, -1))) for _ in range(draw.integer(1, 4))]
    special = (
        f"{draw.integer(1, 60)}.99995",
        f"{draw.integer(1, 60)}.00009",
        f"-{draw.integer(1, 60)}.9998",
        f"{draw.number(0.1, 90.0, 2)}",
        "0",
        str(draw.integer(-9, 9)),
        "-context.portfolio.positions[asset].amount",
        "context.portfolio.positions[asset].amount",
        "-context.portfolio.positions[asset].amount / 2",
        f"data.current(asset, 'volume') * {draw.number(0.01, 0.3, 3)}",
        f"-data.current(asset, 'volume') // {draw.integer(3, 50)}",
        "2e11" if draw.chance(0.2) else "1",
    )
    return several(draw, [*few, *([draw.pick(special)] if draw.chance(0.5) else [])])


def value(draw: Draw, plan: Plan) -> str:
    """Give an expression for an amount of money; multiples of the price are next to whole shares."""
    few = [str(draw.number(-0.25, 0.4) * plan.capital) for _ in range(draw.integer(1, 3))]
    special = (
        f"price * {draw.integer(1, 400)}",
        f"price * -{draw.integer(1, 400)}",
        f"price * {draw.integer(1, 90)}.9999",
        f"context.portfolio.cash * {draw.number(-0.2, 0.5)}",
        f"context.portfolio.portfolio_value / {draw.integer(2, 12)}",
        "context.portfolio.positions[asset].amount * price",
        "0",
    )
    return several(draw, [*few, *([draw.pick(special)] if draw.chance(0.6) else [])])


def percent(draw: Draw, plan: Plan) -> str:
    """Give an expression for a fraction of the portfolio."""
    few = [str(draw.number(-0.25, 0.45, draw.integer(1, 4))) for _ in range(draw.integer(1, 3))]
    special = (
        f"1 / {len(plan.symbols)}",
        "0",
        "1 / 3",
        "round(unit(context) - 0.4, 3)",
        "-0.2",
        "context.account.net_leverage / 3",
    )
    return several(draw, [*few, *([draw.pick(special)] if draw.chance(0.5) else [])])


UNITS = (
    ("order", shares, 30.0),
    ("order_value", value, 14.0),
    ("order_percent", percent, 10.0),
    ("order_target", shares, 14.0),
    ("order_target_value", value, 10.0),
    ("order_target_percent", percent, 22.0),
)


def order_price(draw: Draw, plan: Plan) -> str:
    """Give an expression for a limit or stop price: near the price, at its last bit, at the tick's rounding, or odd."""
    near = draw.number(-0.004, 0.004, 5) if plan.minute else draw.number(-0.04, 0.04)
    frequency, count = ("1m", draw.integer(2, 30)) if plan.minute else ("1d", draw.integer(2, 20))
    side = draw.pick(("high", "low"))
    odd = draw.pick(("0.0", "0.004", "-1.0", 'float("nan")', 'float("inf")', "1e9", "price * 100", "price / 100"))
    extreme_price = f'data.history(asset, "{side}", {count}, "{frequency}").{"max" if side == "high" else "min"}()'
    return draw.weighted(
        (
            (f"price * {round(1 + near, 6)}", 50.0),
            ("price", 8.0),
            (f"round(price, {draw.integer(1, 3)})", 8.0),
            (f"price + {draw.pick(('0.005', '-0.005', '0.0095', '-0.0095', '0.0049', '0.05', '-0.1'))}", 12.0),
            (f'data.current(asset, "{draw.pick(("open", "high", "low", "close"))}")', 8.0),
            (extreme_price, 8.0),
            (odd, 6.0),
        )
    )


def style(draw: Draw, plan: Plan) -> str:
    """Give the arguments that say what kind of order it is."""
    first, second = order_price(draw, plan), order_price(draw, plan)
    return draw.weighted(
        (
            ("", 42.0),
            (", style=MarketOrder()", 4.0),
            (f", limit_price={first}", 12.0),
            (f", stop_price={first}", 9.0),
            (f", limit_price={first}, stop_price={second}", 9.0),
            (f", style=LimitOrder({first})", 9.0),
            (f", style=StopOrder({first})", 7.0),
            (f", style=StopLimitOrder({first}, {second})", 7.0),
            (f", style=StopLimitOrder(limit_price={first}, stop_price={second}, asset=asset)", 1.0),
        )
    )


def order_line(draw: Draw, plan: Plan) -> str:
    """Give a line that places an order of a random unit, size and style."""
    name, amount = draw.weighted([((name, amount), weight) for name, amount, weight in UNITS])
    return f"place(context, lambda: {name}(asset, {amount(draw, plan)}{style(draw, plan)}))"


def indent(lines: list[str], levels: int = 1) -> list[str]:
    """Move lines to the right."""
    return ["    " * levels + line for line in lines]


def function(name: str, doc: str | None, body: list[str]) -> list[str]:
    """Give the source of a function that the algorithm calls."""
    return [f"def {name}(context, data):", f'    """{doc}"""', *indent([f'stream(context, "{name}")', *body])]


def single(name: str, draw: Draw, plan: Plan) -> list[str]:
    """Order one asset, picked by chance, under a condition."""
    condition = draw.weighted(CONDITIONS)
    whom = draw.pick(("context.watch", "context.assets"))
    lines = [f"asset = pick(context, {whom})", 'price = data.current(asset, "price")', *condition(draw, plan)]
    lines += [order_line(draw, plan) for _ in range(draw.weighted(((1, 70.0), (2, 20.0), (3, 10.0))))]
    return function(name, condition.__doc__, lines)


def rebalance(name: str, draw: Draw, plan: Plan) -> list[str]:
    """Order every asset towards a weight that depends on its window."""
    weight = draw.number(0.2, 1.4, 2)
    other = draw.pick(("0", f"-{draw.number(0.0, 0.5, 2)} / len(context.watch)"))
    body = [
        "for asset in context.watch:",
        *(["    if not data.can_trade(asset):", "        continue"] if draw.chance(0.5) else []),
        '    price = data.current(asset, "price")',
        f'    window = attempt(context, "history", lambda: data.history(asset, "price", {draw.integer(2, 30)}, "1d"))',
        "    if window is None:",
        "        return",
        f"    weight = {weight} / len(context.watch) if price {draw.pick('<>')} mean(window) else {other}",
        f"    place(context, lambda: order_target_percent(asset, weight{style(draw, plan)}))",
    ]
    return function(name, rebalance.__doc__, body)


def pair(name: str, draw: Draw, plan: Plan) -> list[str]:
    """Rank the assets by their change, buy one end and sell the other."""
    count, frequency = (draw.integer(5, 60), "1m") if plan.minute else (draw.integer(2, 25), "1d")
    size = draw.number(0.1, 0.6, 2)
    body = [
        f'frame = attempt(context, "history", lambda: data.history(context.watch, "price", {count}, "{frequency}"))',
        "if frame is None:",
        "    return",
        "change = (frame.iloc[-1] / frame.iloc[0]).dropna().sort_values(kind='stable')",
        "if len(change) > 1:",
        f"    place(context, lambda: order_target_percent(change.index[0], {draw.pick((size, -size))}))",
        f"    place(context, lambda: order_target_percent(change.index[-1], {draw.pick((size, -size))}))",
    ]
    return function(name, pair.__doc__, body)


def move(name: str, draw: Draw, plan: Plan) -> list[str]:
    """Give the source of a function that orders."""
    return draw.weighted(((single, 75.0), (rebalance, 15.0), (pair, 10.0)))(name, draw, plan)


def cancelling(name: str, draw: Draw, plan: Plan) -> list[str]:
    """Cancel some of the open orders, by id or by object, and look at what becomes of them."""
    target = draw.pick(("placed.id", "placed"))
    which = draw.pick(("orders[0]", "orders[-1]"))
    body = [
        "open_orders = get_open_orders()",
        'note(context, "open", [[asset, [one.amount for one in orders]] for asset, orders in open_orders.items()])',
        "for asset, orders in list(open_orders.items()):",
        f"    if unit(context) < {draw.number(0.3, 1.0, 1)}:",
        f"        placed = {which}",
        f"        cancel_order({target})",
        "        after = get_order(placed.id)",
        '        note(context, "cancelled", order_state(after), len(get_open_orders(asset)))',
    ]
    if draw.chance(0.3):
        body += ["if context.placed:", "    cancel_order(context.placed[0])"]
    return function(name, cancelling.__doc__, body)


def waiting(name: str, draw: Draw, plan: Plan) -> list[str]:
    """Order a few shares far from the market, to be open when something happens to the asset."""
    low, high = draw.number(0.3, 0.8, 2), draw.number(1.3, 3.0, 2)
    body = [
        'note(context, "waiting", sorted((a.symbol, len(o)) for a, o in get_open_orders().items()))',
        "asset = pick(context, context.assets)",
        'price = data.current(asset, "price")',
        f"place(context, lambda: order(asset, {draw.integer(1, 5)}, limit_price=price * {low}))",
        f"place(context, lambda: order(asset, -{draw.integer(1, 5)}, stop_price=price * {low}))",
        f"place(context, lambda: order(asset, -{draw.integer(1, 40)}, limit_price=price * {high}))",
        f"place(context, lambda: order(asset, {draw.integer(1, 40)}, style=StopLimitOrder(price, price * {high})))",
    ]
    return function(name, waiting.__doc__, body)


def batch(name: str, draw: Draw, plan: Plan) -> list[str]:
    """Order several assets in one call."""
    most = max(20, int(plan.capital / 80 / len(plan.symbols)))
    sizes = ", ".join(str(draw.integer(-most, most) * draw.pick((0, 1, 1, 1))) for _ in range(3))
    body = [
        f"counts = pd.Series({{asset: pick(context, ({sizes})) for asset in context.watch}}, dtype='int64')",
        'placed = attempt(context, "batch", lambda: batch_market_order(counts))',
        "if placed is not None:",
        "    context.placed.extend(list(placed))",
        '    note(context, "batch", len(placed), [get_order(one).amount for one in placed])',
    ]
    return function(name, batch.__doc__, body)
