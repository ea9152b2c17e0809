"""Which columns do a bundle's bars have?"""

from rustybt.pipeline.data.dataset import Column, DataSet
from rustybt.pipeline.domain import US_EQUITIES
from rustybt.pipeline.dtypes import categorical_dtype, float64_dtype


class EquityPricing(DataSet):
    """Daily prices, volumes and currencies, as they were known on each session's morning: up to the session before.

    Past prices are adjusted for splits, mergers and dividends up to the session that looks at them, past volumes for
    splits. NaN where there is no bar; a volume is 0 there.
    """

    open = Column(float64_dtype, currency_aware=True)
    high = Column(float64_dtype, currency_aware=True)
    low = Column(float64_dtype, currency_aware=True)
    close = Column(float64_dtype, currency_aware=True)
    volume = Column(float64_dtype)
    currency = Column(categorical_dtype)


USEquityPricing = EquityPricing.specialize(US_EQUITIES)
"""`EquityPricing` of the United States."""
