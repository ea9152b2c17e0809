"""Does each of eight stocks stand above its average? Windows as frames, order_target_percent every session."""

from zipline.api import order_target_percent, symbol

SYMBOLS = ["AAPL", "AMZN", "AVGO", "GOOGL", "META", "MSFT", "NVDA", "TSLA"]


def initialize(context):
    context.assets = [symbol(s) for s in SYMBOLS]


def handle_data(context, data):
    live = [a for a in context.assets if data.can_trade(a)]
    prices = data.history(live, "close", 50, "1d")
    fast, slow = prices.iloc[-10:].mean(), prices.mean()
    for asset in live:
        if not prices[asset].isnull().any():
            order_target_percent(asset, 1 / 8 if fast[asset] > slow[asset] else 0.0)
