"""Adjusted windows by pandas and plain loops, from a bundle's tables and dense arrays."""

import numpy as np
import pandas as pd


def raw(bundle, asset, field):
    """One asset's stored values over the bundle's sessions."""
    index = pd.DatetimeIndex(bundle.sessions.session_ns.view("M8[ns]"))
    return pd.Series(np.array(bundle.daily(field)[:, asset.column]), index=index)


def events(bundle, asset, field):
    """(date, kind, factor) of one asset in the order in which a window applies them."""
    tables = [(0, bundle.adjustments.mergers), (1, bundle.adjustments.dividend_ratios), (2, bundle.adjustments.splits)]
    rows = []
    for kind, table in tables:
        for sid, effective_ns, ratio in table.tolist():
            if sid == asset.sid and (field != "volume" or kind == 2):
                rows.append((pd.Timestamp(effective_ns), kind, 1.0 / ratio if field == "volume" else ratio))
    return sorted(rows, key=lambda row: (row[0], row[1]))


def window(bundle, asset, day, bars, field):
    """What a strategy at `day` sees of the last `bars` sessions."""
    stored = "close" if field == "price" else field
    everything = raw(bundle, asset, stored)
    labels = everything.loc[:day].index[-bars:]
    values = everything.loc[labels].copy()
    for when, _, factor in events(bundle, asset, stored):
        if labels[0] < when <= labels[-1]:
            values[values.index < when] *= factor
    values = values.round(3)
    if field != "price":
        return values
    if np.isnan(values.iloc[0]):
        values.iloc[0] = price(bundle, asset, labels[0], labels[-1])
    values = values.ffill()
    values[values.index > asset.end_date] = np.nan
    return values


def price(bundle, asset, day, seen_from):
    """The last close up to `day`, adjusted to another day."""
    if not asset.start_date <= day:
        return np.nan
    traded = raw(bundle, asset, "volume").loc[:day]
    traded = traded[traded > 0]
    if traded.empty:
        return np.nan
    last = traded.index[-1]
    value = raw(bundle, asset, "close")[last]
    ordered = events(bundle, asset, "close")
    for kind in (2, 0, 1):
        for when, which, factor in ordered:
            if which == kind and last < when <= seen_from:
                value *= factor
    return value
