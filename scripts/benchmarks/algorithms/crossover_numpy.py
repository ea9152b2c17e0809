"""The same decisions as crossover.py; what the window is for is computed with NumPy."""

from zipline.api import order_target_percent, symbol

SYMBOLS = ["AAPL", "AMZN", "AVGO", "GOOGL", "META", "MSFT", "NVDA", "TSLA"]


def initialize(context):
    context.assets = [symbol(s) for s in SYMBOLS]


def handle_data(context, data):
    live = [a for a in context.assets if data.can_trade(a)]
    prices = data.history(live, "close", 50, "1d").to_numpy()
    fast, slow = prices[-10:].mean(axis=0).tolist(), prices.mean(axis=0).tolist()
    for column, asset in enumerate(live):
        if slow[column] == slow[column]:
            order_target_percent(asset, 1 / 8 if fast[column] > slow[column] else 0.0)
