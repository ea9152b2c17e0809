"""What does an order with its fill cost? Eight a session, each to another share of the portfolio than is held."""

from zipline.api import order_target_percent, symbol

SYMBOLS = ["AAPL", "AMZN", "AVGO", "GOOGL", "META", "MSFT", "NVDA", "TSLA"]


def initialize(context):
    context.assets = [symbol(s) for s in SYMBOLS]
    context.bought = False


def handle_data(context, data):
    context.bought = not context.bought
    target = 0.12 if context.bought else 0.10
    for asset in context.assets:
        order_target_percent(asset, target)
