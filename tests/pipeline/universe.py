"""A small random bundle over splits, dividends, gaps, a listing and a delisting, and every term of the golden files."""

import numpy as np
import pandas as pd

from tests.builders import days, make_bundle
from tests.golden.pipeline.rustybt_side import terms_of

FIRST = "2019-07-01"
SESSIONS = days(205, FIRST)
SYMBOLS = ("AAA", "BBB", "CCC", "DDD", "EEE", "FFF")
LISTED = {"DDD": (130, 205), "EEE": (0, 165)}
SPAN = ("2020-01-10", "2020-04-09")
SPLITS = [("AAA", "2019-12-10", 0.5), ("BBB", "2020-01-22", 3.0), ("FFF", "2020-02-05", 0.25)]
DIVIDENDS = [
    ("AAA", "2020-01-28", "2020-02-10", 0.4),
    ("CCC", "2019-12-20", "2020-01-03", 0.7),
    ("FFF", "2020-02-24", "2020-03-02", 0.2),
]


def frames(seed=5):
    """Make bars by symbol: random walks, of which two assets have gaps."""
    rng = np.random.default_rng(seed)
    made = {}
    for place, symbol in enumerate(SYMBOLS):
        index = SESSIONS[slice(*LISTED.get(symbol, (0, len(SESSIONS))))]
        made[symbol] = _walk(rng, index, 10.0 + 12.0 * place, gaps=0.2 if symbol in ("CCC", "DDD") else 0.0)
    return made


def _walk(rng, index, start, gaps):
    close = start * np.exp(np.cumsum(rng.normal(0, 0.02, len(index))))
    spread = rng.uniform(0.001, 0.02, (2, len(index)))
    frame = pd.DataFrame(
        {"open": close * rng.uniform(0.99, 1.01, len(index)), "high": close, "low": close, "close": close}, index=index
    )
    frame["high"] = frame[["open", "close"]].max(axis=1) * (1 + spread[0])
    frame["low"] = frame[["open", "close"]].min(axis=1) * (1 - spread[1])
    frame["volume"] = rng.integers(1_000, 90_000, len(index)).astype(float)
    gone = rng.random(len(index)) < gaps
    gone[[0, -1]] = False
    frame.loc[gone, ["open", "high", "low", "close"]] = np.nan
    frame.loc[gone, "volume"] = 0.0
    return frame


def bundle_of(name, bars, splits=(), dividends=()):
    """Ingest bars with the corporate actions above, and some more."""
    return make_bundle(bars, name=name, splits=[*SPLITS, *splits], dividends=[*DIVIDENDS, *dividends])


def named_terms(bundle):
    """Give every term by name, and the loaders that they need."""
    return terms_of(bundle, "AAA", "BBB")
