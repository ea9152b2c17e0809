"""What do the terms of terms.py need? A package's pipeline modules, columns of a table in memory, and custom terms.

Everything is made for a package by its name, zipline or rustybt, so that both compute the same.
"""

import importlib
from functools import cache
from types import SimpleNamespace

import numpy as np
import pandas as pd

KINDS = {
    "number": (np.float64, np.nan),
    "stars": (np.int64, -1),
    "flag": (np.bool_, False),
    "event": ("datetime64[ns]", np.datetime64("NaT", "ns")),
    "sector": (object, None),
    "region": (object, ""),
}
"""Columns of the table: dtype and missing value."""


@cache
def kit_of(package):
    """Give a package's modules, the columns of the table, and the custom terms."""
    modules = {
        name: importlib.import_module(f"{package}.pipeline{path}")
        for name, path in {
            "pipeline": "",
            "factors": ".factors",
            "filters": ".filters",
            "classifiers": ".classifiers",
            "data": ".data",
            "domain": ".domain",
            "basic": ".factors.basic",
            "statistical": ".factors.statistical",
        }.items()
    }
    kit = SimpleNamespace(**modules)
    kit.loader = importlib.import_module(f"{package}.pipeline.loaders.frame").DataFrameLoader
    columns = {name: kit.data.Column(dtype, missing_value=missing) for name, (dtype, missing) in KINDS.items()}
    kit.Extra = type("Extra", (kit.data.DataSet,), {**columns, "domain": kit.domain.US_EQUITIES})
    vars(kit).update(custom_terms(kit))
    return kit


def custom_terms(kit):
    """Make the custom factors, filters and classifiers."""
    pricing, extra = kit.data.EquityPricing, kit.Extra

    class Spread(kit.factors.CustomFactor):
        inputs, window_length, params = [pricing.high, pricing.low], 7, {"scale": 1.0}

        def compute(self, today, assets, out, high, low, scale):
            out[:] = (np.fmax.reduce(high, axis=0) - np.fmin.reduce(low, axis=0)) * scale

    class Ends(kit.factors.CustomFactor):
        inputs, window_length, outputs = [pricing.close], 5, ["first", "last", "sid"]

        def compute(self, today, assets, out, close):
            out.first[:], out.last[:], out.sid[:] = close[0], close[-1], assets

    class DayOfMonth(kit.factors.CustomFactor):
        inputs, window_length = (), 1

        def compute(self, today, assets, out):
            out[:] = pd.Timestamp(today).day

    class Whole(kit.factors.CustomFactor):
        inputs, window_length, dtype, missing_value = [extra.number], 2, np.int64, -1
        params = ("less",)

        def compute(self, today, assets, out, number, less):
            out[:] = np.where(np.isnan(number[-1]), -1, np.nan_to_num(number[-1] * 10) - less)

    class Breadth(kit.factors.CustomFactor):
        inputs, window_length, ndim = [pricing.close], 3, 1

        def compute(self, today, assets, out, close):
            out[:] = np.nanmean(close[-1] > close[0])

    class MeanChange(kit.factors.CustomFactor):
        window_length = 6

        def compute(self, today, assets, out, returns):
            out[:] = returns.sum(axis=0)

    class Rising(kit.filters.CustomFilter):
        inputs, window_length, params = [pricing.close], 4, {"least": 0.0}

        def compute(self, today, assets, out, close, least):
            out[:] = close[-1] - close[0] > least

    class Steps(kit.classifiers.CustomClassifier):
        inputs, window_length, dtype, missing_value = [extra.number], 3, np.int64, -9

        def compute(self, today, assets, out, number):
            out[:] = np.isnan(number).sum(axis=0) + assets % 2

    class PastSector(kit.classifiers.CustomClassifier):
        inputs, window_length, dtype, missing_value = [extra.sector], 4, object, None

        def compute(self, today, assets, out, sector):
            out[:] = sector[0]

    class PastEvent(kit.factors.CustomFactor):
        inputs, window_length, dtype = [extra.event], 6, "datetime64[ns]"

        def compute(self, today, assets, out, event):
            out[:] = event[0]

    class Stairs(kit.factors.CustomFactor):
        inputs, window_length, params = (), 1, ("step",)

        def compute(self, today, assets, out, step):
            out[:] = (assets + pd.Timestamp(today).day) // step % 4

    class Bounded(kit.classifiers.CustomClassifier):
        inputs, window_length, dtype, missing_value = [extra.stars], 2, np.int64, -1

        def compute(self, today, assets, out, stars):
            out[:] = np.minimum(stars[0], 1)

    made = [Spread, Ends, DayOfMonth, Whole, Breadth, MeanChange, Rising, Steps, PastSector]
    made += [PastEvent, Stairs, Bounded]
    return {each.__name__: each for each in made}


# The table in memory ------------------------------------------------------------------------------------------------


def table(sessions, sids):
    """Give frames by column: values by session and sid that anybody can make again from the two numbers alone."""
    day = (sessions - pd.Timestamp("2000-01-01")).days.to_numpy()[:, None].astype(np.int64)
    sid = np.asarray(sids, dtype=np.int64)[None, :]
    mixed = (day * 2654435761 + sid * 40503 + (day * sid) * 69069) % 9973
    slow = (day // 11 + sid * 5) % 7
    numbers = np.where(mixed % 13 == 0, np.nan, 1.0 + mixed / 997.0)
    events = np.datetime64("2000-01-01", "ns") + ((day // 20) * 20 + 9 + sid).astype("timedelta64[D]")
    sectors = np.array(["tech", "food", "oil", None, "technics", "energy", "food"], dtype=object)[slow]
    regions = np.array(["north", "", "south", "north-east", "east", "north", "south"], dtype=object)[(slow + sid) % 7]
    values = {
        "number": numbers,
        "stars": np.where(mixed % 11 == 0, -1, mixed % 4),
        "flag": mixed % 3 != 0,
        "event": np.where(mixed % 17 == 0, np.datetime64("NaT", "ns"), events),
        "sector": sectors,
        "region": regions,
    }
    return {name: pd.DataFrame(array, index=sessions, columns=list(sids)) for name, array in values.items()}


OVERWRITTEN = {
    "number": 7.5,
    "stars": 2,
    "flag": False,
    "event": pd.Timestamp("2000-01-03"),
    "sector": "oil",
    "region": "south",
}


def corrections(name, sessions, sids):
    """Give adjustments of a column, one every seven sessions, of a span before it: numbers by each kind in turn."""
    rows = []
    for place in range(30, len(sessions), 7):
        kind = (place // 7) % 3 if name == "number" else 2
        rows.append(
            {
                "sid": sids[place % len(sids)],
                "value": [0.5, 0.25, OVERWRITTEN[name]][kind],
                "kind": kind,
                "start_date": sessions[place - 9],
                "end_date": sessions[place - 2],
                "apply_date": sessions[place],
            }
        )
    return pd.DataFrame(rows)


def loaders(package, sessions, sids):
    """Give the loaders of the table's columns."""
    kit = kit_of(package)
    columns = {name: getattr(kit.Extra, name) for name in KINDS}
    return {
        columns[name]: kit.loader(columns[name], frame, corrections(name, sessions, sids))
        for name, frame in table(sessions, sids).items()
    }
