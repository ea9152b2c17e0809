"""How long do many bars take? A crossover of one asset, decided every minute."""

from zipline.api import order_target_percent, symbol


def initialize(context):
    context.asset = symbol("S000")


def handle_data(context, data):
    prices = data.history(context.asset, "close", 50, "1m").to_numpy()
    order_target_percent(context.asset, 0.9 if prices[-10:].mean() > prices.mean() else 0.0)
