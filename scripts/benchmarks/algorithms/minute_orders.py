"""What does a minute cost in which a script takes windows and orders? A crossover of each of three assets."""

from zipline.api import order_target_percent, symbol

SYMBOLS = ["S000", "S001", "S002"]


def initialize(context):
    context.assets = [symbol(s) for s in SYMBOLS]


def handle_data(context, data):
    prices = data.history(context.assets, "close", 30, "1m").to_numpy()
    fast, slow = prices[-10:].mean(axis=0).tolist(), prices.mean(axis=0).tolist()
    for column, asset in enumerate(context.assets):
        order_target_percent(asset, 1 / 3 if fast[column] > slow[column] else 0.0)
