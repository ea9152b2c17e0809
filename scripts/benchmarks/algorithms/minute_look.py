"""What does a minute cost in which a script looks at one price?"""

from zipline.api import symbol

SYMBOLS = ["S000", "S001", "S002"]


def initialize(context):
    context.assets = [symbol(s) for s in SYMBOLS]
    context.highest = 0.0


def handle_data(context, data):
    context.highest = max(context.highest, data.current(context.assets[0], "price"))
