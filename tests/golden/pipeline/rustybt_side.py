"""What does rustybt compute for the terms of terms.py, in the form of the golden files?"""

from functools import cache

import numpy as np
import pandas as pd

from rustybt.data import bundles
from rustybt.pipeline import Pipeline, run_pipeline
from tests.golden.pipeline.kit import loaders
from tests.golden.pipeline.spans import SPANS
from tests.golden.pipeline.terms import terms


def terms_of(bundle, *symbols):
    """Give the terms over a bundle, and the loaders of the table's columns."""
    from rustybt.data.portal import portal_of

    finder, sessions = portal_of(bundle).finder, portal_of(bundle).sessions
    assets = sorted(finder.equities, key=lambda asset: asset.sid)
    by_symbol = {asset.symbol: asset for asset in assets}
    named = terms("rustybt", assets, *(by_symbol[symbol] for symbol in symbols))
    return named, loaders("rustybt", sessions, [asset.sid for asset in assets])


def plain(column):
    """Give a column as an array of numbers, truth values, dates or text."""
    if isinstance(column.dtype, pd.CategoricalDtype) or column.dtype == object:
        return np.array(["<none>" if pd.isna(label) else str(label) for label in column], dtype=str)
    return column.to_numpy()


@cache
def computed(root, label):
    """Give a span's arrays by name, all terms in one pipeline: rows, and each term's values."""
    name, first, last, *symbols = SPANS[label]
    bundle = bundles.load(name, {"RUSTYBT_ROOT": str(root)})
    named, custom = terms_of(bundle, *symbols)
    frame = run_pipeline(Pipeline(named), first, last, bundle, custom)
    sessions = frame.index.get_level_values(0)
    rows = {
        "sessions": sessions.strftime("%Y-%m-%d").to_numpy().astype(str),
        "symbols": np.array([asset.symbol for asset in frame.index.get_level_values(1)]),
    }
    return rows | {column: plain(frame[column]) for column in frame}
