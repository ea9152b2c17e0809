"""What an audit's crossover does, as a Zipline script: windows as frames, orders at the start of each month."""

from zipline.api import date_rules, order_target_percent, schedule_function, symbol

SYMBOLS = ["AAPL", "AMZN", "AVGO", "GOOGL", "META", "MSFT", "NVDA", "TSLA"]
FAST, SLOW = 5, 30


def initialize(context):
    context.stocks = [symbol(s) for s in SYMBOLS]
    schedule_function(rebalance, date_rules.month_start())


def handle_data(context, data):
    pass


def rebalance(context, data):
    prices = data.history(context.stocks, "close", SLOW, "1d")
    long, short = prices.mean(), prices.iloc[-FAST:].mean()
    for stock in context.stocks:
        order_target_percent(stock, 1 / len(context.stocks) if short[stock] > long[stock] else 0.0)
