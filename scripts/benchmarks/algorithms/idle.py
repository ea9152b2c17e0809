"""What does a session cost in which nothing is done? Eight stocks are bought at the start, and held."""

from zipline.api import order_target_percent, symbol

SYMBOLS = ["AAPL", "AMZN", "AVGO", "GOOGL", "META", "MSFT", "NVDA", "TSLA"]


def initialize(context):
    context.assets = [symbol(s) for s in SYMBOLS]
    context.bought = False


def handle_data(context, data):
    if not context.bought:
        context.bought = True
        for asset in context.assets:
            order_target_percent(asset, 1 / 8)
