"""The edges of orders: what latches, what doubles, what is refused, what a cancel policy leaves; each logged by name."""
from zipline.api import (
    cancel_order, get_datetime, get_open_orders, get_order, order, order_percent, order_target, order_target_value, order_value,
    record, set_cancel_policy, set_commission, set_slippage, symbol,
)
from zipline.finance import commission, slippage
from zipline.finance.cancel_policy import EODCancel
from zipline.finance.execution import LimitOrder, StopLimitOrder, StopOrder

CONFIG = dict(bundle="holes", start="2016-03-10", end="2017-08-31", capital_base=1e5)


def initialize(context):
    set_slippage(slippage.VolumeShareSlippage(volume_limit=0.1, price_impact=0.2))
    set_commission(commission.PerShare(cost=0.01, min_trade_cost=1.5))
    set_cancel_policy(EODCancel(warn_on_cancel=False))
    context.day = -1
    context.ids = {}


def before_trading_start(context, data):
    asset = symbol("ALIV")
    if context.day in (3, 4):
        context.log.append(["before trading start", get_datetime(), data.current(asset, "close"), data.history(asset, "close", 2, "1d").tolist(),
                            context.portfolio.portfolio_value])
        try:
            order(asset, 1)
        except Exception as error:
            context.log.append(["order before trading start", type(error).__name__])


def state(order_id):
    o = get_order(order_id)
    return [o.amount, o.filled, o.commission, o.limit, o.stop, o.limit_reached, o.stop_reached, int(o.status), o.dt]


def refused(context, name, action):
    try:
        context.log.append([name, "placed" if action() else "nothing"])
    except Exception as error:
        context.log.append([name, type(error).__name__])


def handle_data(context, data):
    context.day += 1
    aliv, born, dead, gaps, thin = (symbol(s) for s in ("ALIV", "BORN", "DEAD", "GAPS", "THIN"))
    price = data.current(aliv, "price")
    if context.day == 1:
        order_target(aliv, 50)
        order_target(aliv, 50)  # does not see the first: 100 in the end
    if context.day == 2:
        refused(context, "value of an unlisted asset", lambda: order_value(born, 1000))
        refused(context, "percent of an unlisted asset", lambda: order_percent(born, 0.1))
        refused(context, "shares of an unlisted asset", lambda: order(born, 10))
    if context.day == 3:
        context.ids["latched"] = order(thin, 900, limit_price=data.current(thin, "price") * 1.002)
        context.ids["stop limit"] = order(aliv, -30, style=StopLimitOrder(price * 1.01, price * 1.2))
        context.ids["never"] = order(aliv, 10, limit_price=0.0)
        context.ids["at once"] = order(aliv, -10, limit_price=0.0)
        context.ids["stop"] = order(aliv, 20, style=StopOrder(price * 0.5))
    if 4 <= context.day <= 9:
        context.log.append([context.day, {name: state(i) for name, i in context.ids.items() if i}])
        context.log.append(sorted((a.symbol, len(o)) for a, o in get_open_orders().items()))
    if context.day == 10:
        for orders in list(get_open_orders().values()):
            for o in orders:
                cancel_order(o)
        refused(context, "nan", lambda: order(aliv, float("nan")))
        refused(context, "nan price", lambda: order(aliv, 1, limit_price=float("nan")))
        refused(context, "negative price", lambda: order(aliv, 1, stop_price=-1))
        refused(context, "too many", lambda: order(aliv, 2e11))
        refused(context, "text", lambda: order("ALIV", 1))
        refused(context, "style and price", lambda: order(aliv, 1, limit_price=5, style=LimitOrder(5)))
        refused(context, "almost a share", lambda: order(aliv, 0.99995))
        refused(context, "nothing", lambda: order(aliv, 0.4))
        order_target_value(dead, 20_000)
        order(gaps, -35)
    if context.day in (12, 320, 345):
        refused(context, "after the end", lambda: order(dead, 10))
        refused(context, "value after the end", lambda: order_value(dead, 1000))
        refused(context, "target value after the end", lambda: order_target_value(dead, 1000))
        context.log.append([str(a.symbol) for a in context.portfolio.positions])
    if context.day == 15:
        order(thin, -5000)
        order(thin, 40)
        order(thin, 7)
    if context.day % 25 == 0:
        order_target_value(aliv, -30_000 if context.day % 50 == 0 else 60_000)
    record(day=context.day, cash=context.portfolio.cash, leverage=context.account.leverage)
