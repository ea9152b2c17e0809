"""Which filters do users import?"""

from rustybt.pipeline.filter import (
    ArrayPredicate,
    CustomFilter,
    Filter,
    Latest,
    MaximumFilter,
    NotNullFilter,
    NullFilter,
    PercentileFilter,
)
from rustybt.pipeline.filters.chosen import SingleAsset, StaticAssets, StaticSids
from rustybt.pipeline.filters.smoothing import All, AllPresent, AtLeastN
from rustybt.pipeline.filters.smoothing import Any_ as Any

__all__ = [
    "All",
    "AllPresent",
    "Any",
    "ArrayPredicate",
    "AtLeastN",
    "CustomFilter",
    "Filter",
    "Latest",
    "MaximumFilter",
    "NotNullFilter",
    "NullFilter",
    "PercentileFilter",
    "SingleAsset",
    "StaticAssets",
    "StaticSids",
]
