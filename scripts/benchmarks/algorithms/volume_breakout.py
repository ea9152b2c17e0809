"""Which asset breaks out on volume? Twenty assets a minute, each with a rolling average of its volume."""

from rustybt.api import order_target_percent, symbol


def initialize(context):
    context.assets = [symbol(f"S{number:03d}") for number in range(context.log["assets"])]
    context.entered = {}
    context.minute = 0


def handle_data(context, data):
    context.minute += 1
    for asset in context.assets:
        usual = data.rolling_mean(asset, "volume", 20)
        if asset in context.entered:
            if context.minute - context.entered[asset] >= 30:
                del context.entered[asset]
                order_target_percent(asset, 0.0)
        elif data.current(asset, "volume") > 2.5 * usual:
            context.entered[asset] = context.minute
            order_target_percent(asset, 1 / len(context.assets))
