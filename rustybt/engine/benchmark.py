"""What did the benchmark return in each session of a run?"""

import numpy as np
import pandas as pd

from rustybt._typing import FloatArray
from rustybt.assets import Equity
from rustybt.data.history import daily_window
from rustybt.data.portal import Portal
from rustybt.engine.span import Span
from rustybt.errors import (
    BenchmarkAssetNotAvailableTooEarly,
    BenchmarkAssetNotAvailableTooLate,
    InvalidBenchmarkAsset,
)


def returns_of_series(series: pd.Series, portal: Portal, span: Span) -> FloatArray:
    """Align a series of returns with a run.

    Parameters
    ----------
    series : pd.Series
        Simple returns, indexed by session label (a zone is dropped).
    portal, span : Portal, Span
        Give the run's sessions.

    Returns
    -------
    float64 array, shape (n_sessions,)
        0 where the series has no value.
    """
    index = pd.DatetimeIndex(series.index).tz_localize(None)
    sessions = portal.sessions[span.first : span.last + 1]
    aligned = pd.Series(series.to_numpy(dtype=np.float64), index=index).reindex(sessions).fillna(0.0)
    return aligned.to_numpy(dtype=np.float64)


def returns_of_asset(asset: Equity, portal: Portal, span: Span) -> FloatArray:
    """Give an asset's returns over a run, adjusted as of its last session.

    Parameters
    ----------
    asset : Equity
        Alive throughout the run.
    portal, span : Portal, Span
        Give prices and sessions.

    Returns
    -------
    float64 array, shape (n_sessions,)
        Close to close; the first is open to close where the asset's life begins with the run. A session without a bar
        returns 0.

    Raises
    ------
    InvalidBenchmarkAsset
        If it pays a dividend in stock within the run.
    BenchmarkAssetNotAvailableTooEarly, BenchmarkAssetNotAvailableTooLate
        If it does not live throughout the run.
    """
    _check(asset, portal, span)
    born_with_run = portal.alive_from[asset.column] == span.first
    bars = span.size if born_with_run else span.size + 1
    prices = daily_window(portal, [asset], span.last, bars, "price")[:, 0]
    returns = prices[1:] / prices[:-1] - 1
    if born_with_run:
        opened, closed = portal.value(asset, "open", span.first), portal.value(asset, "close", span.first)
        returns = np.r_[(closed - opened) / opened, returns]  # type: ignore[operator]
    return returns


def _check(asset: Equity, portal: Portal, span: Span) -> None:
    labels = portal.session_labels
    first, last = labels[span.first], labels[span.last]
    stock = portal.bundle.adjustments.stock_dividends
    paid = stock[(stock["sid"] == asset.sid) & (stock["ex_ns"] > first.value) & (stock["pay_ns"] < last.value)]
    if len(paid):
        raise InvalidBenchmarkAsset(
            f"{asset} cannot be the benchmark: it pays a dividend in stock on {pd.Timestamp(paid['ex_ns'][0]).date()}; "
            "choose another asset"
        )
    if portal.alive_from[asset.column] > span.first:
        raise BenchmarkAssetNotAvailableTooEarly(
            f"{asset} does not exist on {first.date()}. "
            f"It started trading on {labels[portal.alive_from[asset.column]].date()}: "
            "choose another benchmark or a later start"
        )
    if portal.alive_to[asset.column] < span.last:
        raise BenchmarkAssetNotAvailableTooLate(
            f"{asset} does not exist on {last.date()}. "
            f"It stopped trading on {labels[portal.alive_to[asset.column]].date()}: "
            "choose another benchmark or an earlier end"
        )
