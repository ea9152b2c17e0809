"""What do users import to read data in a pipeline? Bars, and datasets of their own."""

from rustybt.pipeline.data.dataset import BoundColumn, Column, DataSet
from rustybt.pipeline.data.equity_pricing import EquityPricing, USEquityPricing

__all__ = ["BoundColumn", "Column", "DataSet", "EquityPricing", "USEquityPricing"]
