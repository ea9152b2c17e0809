"""How much did a price change, what was its mean, how did it vary? The factors that most pipelines use."""

from __future__ import annotations

from typing import Any

import numpy as np

from rustybt.errors import InvalidParameter
from rustybt.kernels import lane_statistics
from rustybt.kernels import window_statistics as statistics
from rustybt.kernels.windows import over_lanes, over_windows
from rustybt.pipeline.custom import SingleInputMixin
from rustybt.pipeline.data.equity_pricing import EquityPricing
from rustybt.pipeline.factor import CustomFactor
from rustybt.pipeline.summaries import nanmax, nanmean, nanstd, nansum


class _OverTwo(CustomFactor):
    """A factor that compares a window's ends."""

    def _validate(self) -> None:
        super()._validate()
        if self.window_length < 2:
            raise ValueError(
                f"{type(self).__name__!r} expected a window length of at least 2, but was given {self.window_length}: "
                "for daily changes, use 2"
            )


class Returns(_OverTwo):
    """The change of the close over the window, over its first: (last - first) / first.

    A window of 2 gives daily returns.
    """

    inputs: Any = (EquityPricing.close,)
    window_safe = True

    def compute(self, today: Any, assets: Any, out: Any, close: Any) -> None:
        """Compute a session."""
        with np.errstate(all="ignore"):
            out[:] = (close[-1] - close[0]) / close[0]

    _kernel = over_lanes(lane_statistics.change_over_window)


class DailyReturns(Returns):
    """The change of the close since the session before."""

    window_length = 2


class PercentChange(SingleInputMixin, _OverTwo):
    """The change of an input over the window, over its first value's size: (last - first) / abs(first)."""

    window_safe = True

    def compute(self, today: Any, assets: Any, out: Any, values: Any) -> None:
        """Compute a session."""
        with np.errstate(all="ignore"):
            out[:] = (values[-1] - values[0]) / abs(values[0])

    _kernel = over_windows(statistics.change_over_size)


class SimpleMovingAverage(SingleInputMixin, CustomFactor):
    """The mean of an input over the window, of what is there."""

    def compute(self, today: Any, assets: Any, out: Any, data: Any) -> None:
        """Compute a session."""
        out[:] = nanmean(data)

    _kernel = over_lanes(lane_statistics.mean)


class WeightedAverageValue(CustomFactor):
    """The sum of the products of two inputs over the window, over the sum of the second."""

    def compute(self, today: Any, assets: Any, out: Any, base: Any, weight: Any) -> None:
        """Compute a session."""
        with np.errstate(all="ignore"):
            out[:] = nansum(base * weight) / nansum(weight)

    _kernel = over_lanes(lane_statistics.weighted_by_input)


class VWAP(WeightedAverageValue):
    """The mean close over the window, weighted by volume."""

    inputs: Any = (EquityPricing.close, EquityPricing.volume)


class MaxDrawdown(SingleInputMixin, CustomFactor):
    """The greatest fall of an input from a peak before it, over the value that it fell to.

    The fall that counts is the greatest one in units of the input, not in percent.
    """

    def compute(self, today: Any, assets: Any, out: Any, data: Any) -> None:
        """Compute a session."""
        with np.errstate(all="ignore"):
            falls = np.fmax.accumulate(data, axis=0) - data
            falls[np.isnan(falls)] = -np.inf
            for i, end in enumerate(falls.argmax(axis=0).tolist()):
                peak = nanmax(data[: end + 1, i])
                out[i] = (peak - data[end, i]) / data[end, i]

    _kernel = over_windows(statistics.max_drawdown)


class AverageDollarVolume(CustomFactor):
    """The mean of close times volume over the window; a session without a bar counts as 0."""

    inputs: Any = (EquityPricing.close, EquityPricing.volume)

    def compute(self, today: Any, assets: Any, out: Any, close: Any, volume: Any) -> None:
        """Compute a session."""
        out[:] = nansum(close * volume) / len(close)

    _kernel = over_lanes(lane_statistics.mean_product)


class AnnualizedVolatility(CustomFactor):
    """The deviation (ddof 0) of daily returns over the window, times the root of the sessions of a year."""

    inputs: Any = (Returns(window_length=2),)
    params: Any = {"annualization_factor": 252.0}
    window_length = 252

    def compute(self, today: Any, assets: Any, out: Any, returns: Any, annualization_factor: Any) -> None:
        """Compute a session."""
        out[:] = nanstd(returns) * annualization_factor**0.5

    def _kernel_params(self) -> tuple[Any, ...]:
        return (self.params["annualization_factor"] ** 0.5,)

    _kernel = over_lanes(lane_statistics.scaled_std)


class PeerCount(SingleInputMixin, CustomFactor):
    """How many assets have the same label of a classifier; NaN for those without one."""

    window_length = 1

    def _validate(self) -> None:
        super()._validate()
        if self.window_length != 1:
            raise ValueError(f"'PeerCount' expected a window length of 1, but was given {self.window_length}")

    def compute(self, today: Any, assets: Any, out: Any, labels: Any) -> None:
        """Compute a session."""
        groups, nowhere = self.inputs[0]._to_integral(labels[0])
        _, places, counts = np.unique(groups, return_inverse=True, return_counts=True)
        np.copyto(out, counts[places], where=groups != nowhere)


class Clip(CustomFactor):
    """An input's last value, brought in to two bounds."""

    window_length = 1
    params: Any = ("min_bound", "max_bound")

    def compute(self, today: Any, assets: Any, out: Any, values: Any, min_bound: Any, max_bound: Any) -> None:
        """Compute a session."""
        np.clip(values[-1], min_bound, max_bound, out=out)

    _kernel = over_windows(statistics.clipped)


# Weighted means -----------------------------------------------------------------------------------------------------


def exponential_weights(length: int, decay_rate: float) -> Any:
    """Give weights of as many rows, the last one's the greatest: decay_rate to the power of length + 1, ..., 2.

    Examples
    --------
    >>> exponential_weights(3, 0.5).tolist()
    [0.0625, 0.125, 0.25]
    """
    return np.full(length, decay_rate, dtype=np.float64) ** np.arange(length + 1, 1, -1)


class _ExponentialWeightedFactor(SingleInputMixin, CustomFactor):
    """A factor whose weights fall by `decay_rate` with each session back."""

    params: Any = ("decay_rate",)

    @classmethod
    def from_span(cls, inputs: Any, window_length: int, span: float, **kwargs: Any) -> Any:
        """Make one of a span: decay_rate = 1 - 2 / (1 + span)."""
        if span <= 1:
            raise InvalidParameter(f"span {span} must be greater than 1")
        return cls(inputs=inputs, window_length=window_length, decay_rate=1.0 - 2.0 / (1.0 + span), **kwargs)

    @classmethod
    def from_halflife(cls, inputs: Any, window_length: int, halflife: float, **kwargs: Any) -> Any:
        """Make one of a half-life in sessions: decay_rate = exp(log(0.5) / halflife)."""
        if halflife <= 0:
            raise InvalidParameter(f"halflife {halflife} must be greater than 0")
        return cls(inputs=inputs, window_length=window_length, decay_rate=np.exp(np.log(0.5) / halflife), **kwargs)

    @classmethod
    def from_center_of_mass(cls, inputs: Any, window_length: int, center_of_mass: float, **kwargs: Any) -> Any:
        """Make one of a center of mass: decay_rate = 1 - 1 / (1 + center_of_mass)."""
        decay_rate = 1.0 - 1.0 / (1.0 + center_of_mass)
        return cls(inputs=inputs, window_length=window_length, decay_rate=decay_rate, **kwargs)

    def _kernel_params(self) -> tuple[Any, ...]:
        return (exponential_weights(self.window_length, self.params["decay_rate"]),)


class ExponentialWeightedMovingAverage(_ExponentialWeightedFactor):
    """The mean of an input over the window, with exponential weights; NaN where a value is missing."""

    def compute(self, today: Any, assets: Any, out: Any, data: Any, decay_rate: Any) -> None:
        """Compute a session."""
        out[:] = np.average(data, axis=0, weights=exponential_weights(len(data), decay_rate))

    _kernel = over_windows(statistics.weighted)


class ExponentialWeightedMovingStdDev(_ExponentialWeightedFactor):
    """The deviation of an input over the window, with exponential weights and corrected for their bias."""

    def compute(self, today: Any, assets: Any, out: Any, data: Any, decay_rate: Any) -> None:
        """Compute a session."""
        weights = exponential_weights(len(data), decay_rate)
        center = np.average(data, axis=0, weights=weights)
        variance = np.average((data - center) ** 2, axis=0, weights=weights)
        square = weights.sum() ** 2
        with np.errstate(all="ignore"):
            out[:] = np.sqrt(variance * (square / (square - (weights**2).sum())))

    _kernel = over_windows(statistics.weighted_std)


EWMA = ExponentialWeightedMovingAverage
EWMSTD = ExponentialWeightedMovingStdDev


class LinearWeightedMovingAverage(SingleInputMixin, CustomFactor):
    """The mean of an input over the window, with weights 1, 2, 3...; a missing value counts as 0."""

    def compute(self, today: Any, assets: Any, out: Any, data: Any) -> None:
        """Compute a session."""
        days = len(data)
        weights = np.arange(1.0, days + 1)[:, None]
        out[:] = nansum(data * weights) / (days * (days + 1) / 2)

    _kernel = over_windows(statistics.linear_weighted)
