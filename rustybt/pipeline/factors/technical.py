"""What do the charts' indicators say?"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from rustybt.errors import InvalidParameter
from rustybt.kernels import lane_statistics
from rustybt.kernels import window_statistics as statistics
from rustybt.kernels.windows import over_lanes, over_windows
from rustybt.pipeline.custom import SingleInputMixin
from rustybt.pipeline.data.equity_pricing import EquityPricing
from rustybt.pipeline.factor import CustomFactor
from rustybt.pipeline.factors.basic import exponential_weights
from rustybt.pipeline.summaries import nanmax, nanmean, nanmin, nanstd


class RSI(SingleInputMixin, CustomFactor):
    """The relative strength index: 100 - 100 / (1 + mean rise / mean fall), over the window's changes.

    Means are simple ones, of the changes that are there.
    """

    window_length = 15
    inputs: Any = (EquityPricing.close,)
    window_safe = True

    def compute(self, today: Any, assets: Any, out: Any, closes: Any) -> None:
        """Compute a session."""
        changes = np.diff(closes, axis=0)
        ups = nanmean(np.clip(changes, 0, np.inf))
        downs = abs(nanmean(np.clip(changes, -np.inf, 0)))
        with np.errstate(all="ignore"):
            out[:] = 100 - (100 / (1 + (ups / downs)))

    _kernel = over_lanes(lane_statistics.relative_strength)


class BollingerBands(CustomFactor):
    """The mean close over the window, and k deviations (ddof 0) below and above it: lower, middle, upper."""

    params: Any = ("k",)
    inputs: Any = (EquityPricing.close,)
    outputs: Any = ("lower", "middle", "upper")

    def compute(self, today: Any, assets: Any, out: Any, close: Any, k: Any) -> None:
        """Compute a session."""
        middle, difference = nanmean(close), k * nanstd(close)
        out.lower[:] = middle - difference
        out.middle[:] = middle
        out.upper[:] = middle + difference

    _kernel = over_lanes(lane_statistics.bands)


class Aroon(CustomFactor):
    """How late in the window the lowest low (down) and the highest high (up) stand, from 0 to 100.

    NaN where there is none.
    """

    inputs: Any = (EquityPricing.low, EquityPricing.high)
    outputs: Any = ("down", "up")

    def compute(self, today: Any, assets: Any, out: Any, lows: Any, highs: Any) -> None:
        """Compute a session."""
        span = self.window_length - 1
        late = np.where(np.isnan(lows).all(axis=0), np.nan, np.where(np.isnan(lows), np.inf, lows).argmin(axis=0))
        out.down[:] = 100 * late / span
        late = np.where(np.isnan(highs).all(axis=0), np.nan, np.where(np.isnan(highs), -np.inf, highs).argmax(axis=0))
        out.up[:] = 100 * late / span

    _kernel = over_windows(statistics.aroon)


class FastStochasticOscillator(CustomFactor):
    """Where the last close stands between the window's lowest low and highest high, in percent: %K."""

    inputs: Any = (EquityPricing.close, EquityPricing.low, EquityPricing.high)
    window_safe = True
    window_length = 14

    def compute(self, today: Any, assets: Any, out: Any, closes: Any, lows: Any, highs: Any) -> None:
        """Compute a session."""
        highest, lowest = nanmax(highs), nanmin(lows)
        with np.errstate(all="ignore"):
            out[:] = ((closes[-1] - lowest) / (highest - lowest)) * 100

    _kernel = over_windows(statistics.stochastic)


class IchimokuKinkoHyo(CustomFactor):
    """The lines of an Ichimoku cloud; NaN where a value of the window is missing.

    Parameters
    ----------
    tenkan_sen_length, kijun_sen_length : int
        Sessions of the two short windows, up to window_length (which is that of senkou_span_b).
    chikou_span_length : int
        Which session of the window, counted from its first as 0, has the close that chikou_span is.
    """

    params: Any = {"tenkan_sen_length": 9, "kijun_sen_length": 26, "chikou_span_length": 26}
    inputs: Any = (EquityPricing.high, EquityPricing.low, EquityPricing.close)
    outputs: Any = ("tenkan_sen", "kijun_sen", "senkou_span_a", "senkou_span_b", "chikou_span")
    window_length = 52

    def _validate(self) -> None:
        super()._validate()
        for name, length in self.params.items():
            limit = self.window_length - (name == "chikou_span_length")
            if not 0 <= length <= limit:
                raise ValueError(f"{name} {length} must be from 0 to {limit}, as window_length is {self.window_length}")

    def compute(self, today: Any, assets: Any, out: Any, high: Any, low: Any, close: Any, **lengths: Any) -> None:
        """Compute a session."""
        tenkan, kijun = lengths["tenkan_sen_length"], lengths["kijun_sen_length"]
        out.tenkan_sen[:] = (high[-tenkan:].max(axis=0) + low[-tenkan:].min(axis=0)) / 2
        out.kijun_sen[:] = (high[-kijun:].max(axis=0) + low[-kijun:].min(axis=0)) / 2
        out.senkou_span_a[:] = (out.tenkan_sen + out.kijun_sen) / 2
        out.senkou_span_b[:] = (high.max(axis=0) + low.min(axis=0)) / 2
        out.chikou_span[:] = close[lengths["chikou_span_length"]]

    def _kernel_params(self) -> tuple[Any, ...]:
        length = self.window_length
        tenkan, kijun = self.params["tenkan_sen_length"] or length, self.params["kijun_sen_length"] or length
        return tenkan, kijun, self.params["chikou_span_length"]

    _kernel = over_windows(statistics.ichimoku)


class RateOfChangePercentage(CustomFactor):
    """The change of an input over the window, in percent of its first value."""

    def compute(self, today: Any, assets: Any, out: Any, close: Any) -> None:
        """Compute a session."""
        with np.errstate(all="ignore"):
            out[:] = ((close[-1] - close[0]) / close[0]) * 100

    _kernel = over_windows(statistics.rate_of_change)


class TrueRange(CustomFactor):
    """The greatest of high - low, and high and low from the close before, of those that are there."""

    inputs: Any = (EquityPricing.high, EquityPricing.low, EquityPricing.close)
    window_length = 2

    def _validate(self) -> None:
        super()._validate()
        if self.window_length < 2:
            raise ValueError(
                f"'TrueRange' needs the session before: window_length {self.window_length} must be 2 or more"
            )

    def compute(self, today: Any, assets: Any, out: Any, highs: Any, lows: Any, closes: Any) -> None:
        """Compute a session."""
        high, low, before = highs[-1], lows[-1], closes[-2]
        out[:] = nanmax(np.stack([high - low, abs(high - before), abs(low - before)]))

    _kernel = over_windows(statistics.true_range)


class MovingAverageConvergenceDivergenceSignal(CustomFactor):
    """The MACD's signal line: the exponential mean of the differences between a fast and a slow one of the close.

    Parameters
    ----------
    fast_period, slow_period, signal_period : int
        Sessions of the three, at least 1; slow more than fast. The window has slow_period + signal_period - 1.
    """

    inputs: Any = (EquityPricing.close,)
    params: Any = ("fast_period", "slow_period", "signal_period")

    def __new__(
        cls, fast_period: int = 12, slow_period: int = 26, signal_period: int = 9, *args: Any, **kwargs: Any
    ) -> Any:
        """Give the factor of three periods."""
        periods = {"fast_period": fast_period, "slow_period": slow_period, "signal_period": signal_period}
        for name, period in periods.items():
            if period < 1:
                raise InvalidParameter(f"MACDSignal: {name} {period} must be 1 or more")
        if slow_period <= fast_period:
            raise InvalidParameter(
                f"MACDSignal: 'slow_period' {slow_period} must be greater than 'fast_period' {fast_period}"
            )
        kwargs |= {**dict(zip(("inputs", "outputs"), args, strict=False)), **periods}
        return super().__new__(cls, window_length=slow_period + signal_period - 1, **kwargs)

    def compute(self, today: Any, assets: Any, out: Any, close: Any, **periods: Any) -> None:
        """Compute a session."""
        signal = periods["signal_period"]
        fast, slow = (
            _moving(sliding_window_view(close, periods[name], axis=0)[-signal:])
            for name in ("fast_period", "slow_period")
        )
        out[:] = _moving((fast - slow).T)

    def _kernel_params(self) -> tuple[Any, ...]:
        periods = tuple(self.params[name] for name in ("fast_period", "slow_period", "signal_period"))
        return *periods, *(exponential_weights(period, _decay_rate(period)) for period in periods)

    _kernel = over_windows(statistics.macd_signal)


def _decay_rate(length: int) -> float:
    return 1.0 - (2.0 / (1.0 + length))


def _moving(windows: Any) -> Any:
    """Give the exponential mean over the last axis."""
    length = windows.shape[-1]
    return np.average(windows, axis=-1, weights=exponential_weights(length, _decay_rate(length)))


MACDSignal = MovingAverageConvergenceDivergenceSignal
