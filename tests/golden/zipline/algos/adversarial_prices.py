"""Prices whose last bits decide: current against history, in every field, over splits and dividends, and orders out of it."""
from zipline.api import order, symbols

CONFIG = dict(bundle="adversarial", start="2018-06-22", end="2019-01-18", capital_base=1e6)
FIELDS = ("open", "high", "low", "close", "volume", "price")


def initialize(context):
    context.assets = symbols("BACK", "BOTH", "FIVE", "FLAT", "ODDS", "PAYS")
    context.day = 0


def handle_data(context, data):
    context.day += 1
    verdicts = []
    for asset in context.assets:
        now = data.current(asset, "close")
        past = data.history(asset, "close", 15, "1d")
        verdicts += [now >= past.max(), now <= past.min(), now == past.iloc[-1], int((past == now).sum()), int((past < now).sum())]
        if now > past.iloc[:-1].max():
            order(asset, 13)
        elif now < past.iloc[:-1].min():
            order(asset, -7)
    context.log.append(verdicts)
    if context.day % 9 == 0:
        context.log.append([[data.history(context.assets, field, 15, "1d")[a].tolist() for a in context.assets] for field in FIELDS])
        context.log.append(data.current(context.assets, list(FIELDS)).values.tolist())
