"""How does the time grow with the number of assets? A crossover of as many as the parameter says."""

from zipline.api import order_target_percent, symbol


def initialize(context):
    context.assets = [symbol(f"S{number:03d}") for number in range(context.log["assets"])]


def handle_data(context, data):
    assets = context.assets
    prices = data.history(assets, "close", 50, "1d").to_numpy()
    fast, slow = prices[-10:].mean(axis=0).tolist(), prices.mean(axis=0).tolist()
    for column, asset in enumerate(assets):
        order_target_percent(asset, 1 / len(assets) if fast[column] > slow[column] else 0.0)
