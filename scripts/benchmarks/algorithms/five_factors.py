"""Five factors, a screen and a rank, as a Zipline pipeline."""

import numpy as np
from zipline.pipeline import CustomFactor, Pipeline
from zipline.pipeline.data import EquityPricing
from zipline.pipeline.factors import RSI, AnnualizedVolatility, AverageDollarVolume, Returns


class HighLowRange(CustomFactor):
    """The highest high less the lowest low."""

    inputs = [EquityPricing.high, EquityPricing.low]
    window_length = 20

    def compute(self, today, assets, out, high, low):
        """Compute a session."""
        out[:] = np.nanmax(high, axis=0) - np.nanmin(low, axis=0)


def make_pipeline():
    returns = Returns(window_length=252)
    dollar_volume = AverageDollarVolume(window_length=60)
    liquid = dollar_volume.percentile_between(50, 100)
    columns = {
        "returns": returns,
        "rsi": RSI(),
        "volatility": AnnualizedVolatility(),
        "dollar_volume": dollar_volume,
        "range": HighLowRange(),
        "rank": returns.rank(mask=liquid),
    }
    return Pipeline(columns=columns, screen=liquid)
