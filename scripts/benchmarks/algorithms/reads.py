"""What do single reads cost? One price of each of eight stocks, and a window as a frame, timed where they stand.

The yardstick of the window is the DataFrame that pandas makes of a slice of the same shape.
"""

from time import perf_counter

import numpy as np
import pandas as pd
from zipline.api import symbol

SYMBOLS = ["AAPL", "AMZN", "AVGO", "GOOGL", "META", "MSFT", "NVDA", "TSLA"]
BARS = 50


def initialize(context):
    context.assets = [symbol(s) for s in SYMBOLS]
    context.columns = pd.Index(context.assets, dtype=object)
    context.sessions = pd.date_range("2000-01-03", periods=8_000, freq="B")
    context.closes = np.random.default_rng(4).uniform(10, 200, (8_000, len(SYMBOLS)))
    context.row = BARS
    context.log["price"], context.log["nothing"], context.log["history"], context.log["slice"] = [], [], [], []


def handle_data(context, data):
    row, assets, log = context.row, context.assets, context.log
    began = perf_counter()
    for asset in assets:
        data.current(asset, "price")
    read = perf_counter()
    for _ in assets:
        pass
    looped = perf_counter()
    data.history(assets, "close", BARS, "1d")
    window = perf_counter()
    pd.DataFrame(context.closes[row - BARS : row], context.sessions[row - BARS : row], context.columns, copy=False)
    built = perf_counter()
    log["price"].append(read - began)
    log["nothing"].append(looped - read)
    log["history"].append(window - looped)
    log["slice"].append(built - window)
    context.row += 1
