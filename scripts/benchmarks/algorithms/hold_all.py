"""What does a session cost with every asset of the bundle held? Nothing is done after the first session."""

from zipline.api import order_target_percent, symbol

COUNT = 100


def initialize(context):
    context.assets = [symbol(f"S{number:03d}") for number in range(COUNT)]
    context.bought = False


def handle_data(context, data):
    if not context.bought:
        context.bought = True
        for asset in context.assets:
            order_target_percent(asset, 1 / COUNT)
