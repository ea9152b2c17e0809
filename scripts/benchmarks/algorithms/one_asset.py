"""When do the averages of one stock cross? It is bought with what there is, and sold, on the day after."""

from rustybt.api import order_target_percent, symbol


def initialize(context):
    context.asset = symbol("AAPL")
    context.rising = None


def handle_data(context, data):
    asset = context.asset
    rising = data.rolling_mean(asset, "close", 10) > data.rolling_mean(asset, "close", 50)
    if rising != context.rising and context.rising is not None:
        order_target_percent(asset, 0.95 if rising else 0.0)
    context.rising = rising
