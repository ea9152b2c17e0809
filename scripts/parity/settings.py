"""What does a case's algorithm set in initialize, and which calls does it make that are refused?"""

from datetime import timedelta

from scripts.parity.draws import Draw
from scripts.parity.plan import Plan


def slippage(draw: Draw, plan: Plan) -> list[str]:
    """Choose a slippage model."""
    limit = draw.pick((0.0005, 0.001, 0.01, 0.025, 0.1, 0.25, 1.0))
    model = draw.pick(
        (
            "slippage.NoSlippage()",
            f"slippage.FixedSlippage(spread={draw.number(0.0, 0.3, 3)})",
            f"slippage.VolumeShareSlippage(volume_limit={limit}, price_impact={draw.number(0.0, 0.6, 2)})",
            f"VolumeShareSlippage({limit})",
            f"slippage.FixedBasisPointsSlippage(basis_points={draw.number(0.0, 30.0, 1)}, volume_limit={limit})",
            f"FixedBasisPointsSlippage(volume_limit={limit})",
        )
    )
    return [f"set_slippage({draw.pick(('', 'us_equities='))}{model})"]


def commission(draw: Draw, plan: Plan) -> list[str]:
    """Choose a commission model."""
    model = draw.pick(
        (
            "commission.NoCommission()",
            f"commission.PerShare(cost={draw.number(0.0005, 0.02)})",
            f"commission.PerShare(cost={draw.number(0.0005, 0.02)}, min_trade_cost={draw.number(0.0, 6.0, 2)})",
            f"commission.PerTrade(cost={draw.number(0.0, 12.0, 2)})",
            f"commission.PerDollar(cost={draw.number(0.0, 0.004, 5)})",
        )
    )
    return [f"set_commission({draw.pick(('', 'us_equities='))}{model})"]


def cancel_policy(draw: Draw, plan: Plan) -> list[str]:
    """Choose what becomes of open orders at the end of the day."""
    policies = ("EODCancel()", "cancel_policy.EODCancel()", "EODCancel(warn_on_cancel=False)", "NeverCancel()")
    return [f"set_cancel_policy({draw.pick(policies)})"]


def limits(draw: Draw, plan: Plan, on_error: str) -> list[str]:
    """Give calls that set trading controls."""
    symbol = draw.pick(plan.symbols)
    shares = max(5, int(plan.capital / draw.integer(100, 1500)))
    notional = round(plan.capital * draw.number(0.02, 0.5, 3), 2)
    whom = draw.pick(("", f'asset=symbol("{symbol}"), '))
    calls = (
        f"set_max_order_size({whom}max_shares={shares}, ",
        f"set_max_order_size({whom}max_notional={notional}, ",
        f"set_max_order_size({whom}max_shares={shares}, max_notional={notional}, ",
        f"set_max_position_size({whom}max_shares={shares}, ",
        f"set_max_position_size({whom}max_notional={notional}, ",
        f"set_max_order_count({draw.integer(1, 6)}, ",
        "set_long_only(",
    )
    return [f'{call}on_error="{on_error}")' for call in draw.some(calls, 1, 3)]


def controls_log(draw: Draw, plan: Plan) -> list[str]:
    """Set trading controls that only log."""
    return limits(draw, plan, "log")


def controls_caught(draw: Draw, plan: Plan) -> list[str]:
    """Set trading controls whose violations the algorithm catches."""
    return limits(draw, plan, "fail")


def controls_fatal(draw: Draw, plan: Plan) -> list[str]:
    """Set a trading control whose violation late in the run ends it."""
    most = round(plan.capital * 40, 2)
    return ['context.fatal = ("TradingControlViolation",)', f"set_max_order_size(max_notional={most})"]


def last_order(draw: Draw, plan: Plan) -> list[str]:
    """Give lines of handle_data that violate the control, near the end."""
    bar = max(2, int(plan.bars * draw.number(0.75, 0.95, 2)))
    return [f"if context.bar == {bar}:", "    place(context, lambda: order(context.assets[0], 10**9))"]


def leverage(draw: Draw, plan: Plan) -> list[str]:
    """Set account controls; a violation ends the run."""
    grace = max(1, int((plan.end - plan.start).days * draw.number(0.5, 0.9, 2)))
    most = f"set_max_leverage({draw.pick((1.5, 3.0, 5.0, 10.0))})"
    least = f"set_min_leverage({draw.pick((0.0, 0.01, 0.05))}, pd.Timedelta(days={grace}))"
    return draw.pick(([most], [least], [most, least]))


def restrictions(draw: Draw, plan: Plan) -> list[str]:
    """Restrict assets, always or from dates on."""
    on_error = draw.pick(("log", "fail"))
    symbol, other = draw.pick(plan.symbols), draw.pick(plan.symbols)
    days = (plan.end - plan.start).days
    dates = sorted(plan.start + timedelta(days=draw.integer(0, days)) for _ in range(4))
    states = ("FROZEN", "ALLOWED", "FROZEN", "ALLOWED")
    zone = draw.pick(("", ', tz="UTC"'))
    rows = [
        f'Restriction(symbol("{draw.pick((symbol, other))}"), pd.Timestamp("{day}"{zone}), RESTRICTION_STATES.{state})'
        for day, state in zip(dates, states, strict=True)
    ]
    static = f'StaticRestrictions([symbol("{symbol}")])'
    historical = f"HistoricalRestrictions([{', '.join(rows)}])"
    listed = f'set_do_not_order_list([symbol("{other}")], on_error="{on_error}")'
    both = [f'set_asset_restrictions({one}, on_error="{on_error}")' for one in (static, historical)]
    return draw.pick(
        (
            [both[0]],
            [both[1]],
            [both[1]],
            both,
            [listed],
            [listed, both[1]],
            [f'set_asset_restrictions({static} | {historical}, on_error="{on_error}")'],
        )
    )


CUSTOM_SLIPPAGE = '''
class Slippage(slippage.SlippageModel):
    """Fill a part of what is open at the middle of the bar."""

    def process_order(self, data, order):
        if self.volume_for_bar > {most}:
            raise LiquidityExceeded()
        price = (data.current(order.asset, "high") + data.current(order.asset, "low")) / 2
        amount = order.open_amount if abs(order.open_amount) < {most} else int(order.open_amount * {part})
        if amount == 0:
            return None, None
        return price * (1 + {spread} * order.direction), amount
'''
CUSTOM_COMMISSION = '''
class Commission(commission.CommissionModel):
    """Charge a fee by value, and a little more for an order's first fill."""

    def calculate(self, order, transaction):
        fee = abs(transaction.amount) * transaction.price * {rate}
        return fee if order.filled else fee + {fee}
'''


def custom_classes(draw: Draw, plan: Plan) -> list[str]:
    """Give classes of cost models of the algorithm's own."""
    most = draw.integer(50, 500)
    first = CUSTOM_SLIPPAGE.format(most=most, part=draw.number(0.3, 0.9, 2), spread=draw.number(0.0, 0.002, 5))
    second = CUSTOM_COMMISSION.format(rate=draw.number(0.0, 0.002, 5), fee=draw.number(0.0, 3.0, 2))
    return [*first.splitlines(), *second.splitlines()]


def refused_at_first(draw: Draw, plan: Plan) -> list[str]:
    """Give lines of initialize that are refused."""
    calls = (
        'symbol("NOPE")',
        "sid(987654)",
        "date_rules.month_start(days_offset=23)",
        "date_rules.week_end(days_offset=5)",
        "time_rules.market_open(hours=13)",
        "time_rules.market_close(minutes=0)",
        "set_max_order_size(max_shares=-1)",
        "set_max_position_size()",
        "set_max_leverage(-1)",
        "slippage.FixedBasisPointsSlippage(basis_points=-1)",
        "slippage.FixedBasisPointsSlippage(volume_limit=0)",
        "schedule_function(last_words, date_rules.every_day)",
    )
    return [f'attempt(context, "at first", lambda: {call})' for call in draw.some(calls, 2, 6)]


def refused_later(draw: Draw, plan: Plan) -> list[str]:
    """Give the body of a function whose calls are refused after initialize."""
    calls = (
        "set_slippage(slippage.NoSlippage())",
        "set_commission(commission.NoCommission())",
        "set_cancel_policy(NeverCancel())",
        "set_benchmark(context.assets[0])",
        "set_long_only()",
        "set_max_leverage(2.0)",
        'order("AAPL", 1)',
        "order(context.assets[0], 1, limit_price=10.0, style=MarketOrder())",
        "order(context.assets[0], 1, stop_price=10.0, style=MarketOrder())",
        'order(context.assets[0], float("nan"))',
        "order(context.assets[0], 10**12)",
        'data.history(context.assets[0], "nothing", 3, "1d")',
        'data.history(context.assets[0], "price", 3, "1w")',
        'data.history(context.assets[0], "price", 0, "1d")',
        'data.history(context.assets[0], "price", -1, "1d")',
        'data.history(context.assets[0], "close", 2, "1m")',
        'get_order("nothing")',
        'cancel_order("nothing")',
        'get_environment("nothing")',
        "batch_market_order(pd.Series({context.assets[0]: 1.5}))",
        "setattr(context.portfolio, 'cash', 0)",
        "setattr(context.account, 'leverage', 0)",
        "setattr(context.portfolio.positions[context.assets[0]], 'amount', 0)",
        'context.portfolio.positions["AAPL"]',
    )
    return [f'attempt(context, "later", lambda: {call})' for call in draw.some(calls, 3, 10)]
