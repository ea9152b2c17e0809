"""How does each asset move with another? Correlations, regressions and betas over windows."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy.special import stdtr
from scipy.stats import rankdata

from rustybt.assets import Asset
from rustybt.errors import IncompatibleTerms, InvalidParameter
from rustybt.kernels import window_pairs as pairs
from rustybt.kernels import window_statistics as statistics
from rustybt.kernels.windows import over_windows
from rustybt.pipeline.custom import StandardOutputs, require_filter
from rustybt.pipeline.dtypes import float64_dtype, int64_dtype
from rustybt.pipeline.factor import CustomFactor
from rustybt.pipeline.factors.basic import Returns
from rustybt.pipeline.filters.chosen import SingleAsset
from rustybt.pipeline.sentinels import NotSpecified
from rustybt.pipeline.summaries import nanmean
from rustybt.pipeline.term import AssetExists, Term


def _checked_pair(name: str, first: Any, second: Any, length_name: str, length: int) -> None:
    for term in (first, second):
        if not isinstance(term, Term) or term.dtype not in (float64_dtype, int64_dtype):
            raise TypeError(f"{name} got {term!r}: pass factors, columns or slices of numbers")
    if length < 2:
        raise InvalidParameter(f"{name}: {length_name} {length} must be 2 or more")
    if second.ndim == 2 and getattr(first, "mask", None) is not getattr(second, "mask", None):
        raise IncompatibleTerms(
            f"{name}: {first!r} and {second!r} have different masks, and cannot be compared asset by asset: give them "
            "one"
        )


def returns_with(target: Any, returns_length: int) -> Any:
    """Give the returns of all assets, where the target must exist all the time."""
    return Returns(window_length=returns_length, mask=AssetExists() | SingleAsset(asset=target))


class _RollingCorrelation(CustomFactor):
    """A correlation of two terms' past values."""

    def __new__(cls, base_factor: Any, target: Any, correlation_length: int, mask: Any = NotSpecified) -> Any:
        """Correlate two terms."""
        _checked_pair(cls.__name__, base_factor, target, "correlation_length", correlation_length)
        return super().__new__(
            cls, inputs=[base_factor, target], window_length=correlation_length, mask=require_filter(mask, cls.__name__)
        )

    window_safe = True


class RollingPearson(_RollingCorrelation):
    """Pearson's correlation of each asset's past values of a factor with a target's; NaN where one is missing.

    Parameters
    ----------
    base_factor : Factor
        Of each asset.
    target : Factor, column or slice
        A slice is one asset's, for all; else assets are compared with themselves.
    correlation_length : int
        Sessions, at least 2.
    mask : Filter, optional
        Assets that are computed.
    """

    def compute(self, today: Any, assets: Any, out: Any, base: Any, target: Any) -> None:
        """Compute a session."""
        out[:] = _pearson(base, target)

    _kernel = over_windows(pairs.pearson)


class RollingSpearman(_RollingCorrelation):
    """Spearman's correlation of ranks of past values; parameters as `RollingPearson` has them."""

    def compute(self, today: Any, assets: Any, out: Any, base: Any, target: Any) -> None:
        """Compute a session."""
        missing = (np.isnan(base) | np.isnan(target)).any(axis=0)
        ranks = _pearson(rankdata(base, axis=0), rankdata(np.broadcast_to(target, base.shape), axis=0))
        out[:] = np.where(missing, np.nan, ranks)

    _kernel = over_windows(pairs.spearman)


def _pearson(base: Any, target: Any) -> Any:
    x, y = target - target.mean(axis=0), base - base.mean(axis=0)
    with np.errstate(all="ignore"):
        return (x * y).mean(axis=0) / np.sqrt((x**2).mean(axis=0) * (y**2).mean(axis=0))


class RollingLinearRegression(CustomFactor):
    """The regression of each asset's past values on another term's: alpha, beta, r_value, p_value, stderr.

    NaN where a value is missing, or where the independent one never changes. `p_value` is the two-sided one of a slope
    of 0, `stderr` the slope's standard error (Student's t with n - 2 degrees of freedom).

    Parameters
    ----------
    dependent : Factor
        What is explained.
    independent : Factor, column or slice
        What explains it.
    regression_length : int
        Sessions, at least 2.
    mask : Filter, optional
        Assets that are computed.
    """

    outputs: Any = ("alpha", "beta", "r_value", "p_value", "stderr")

    def __new__(cls, dependent: Any, independent: Any, regression_length: int, mask: Any = NotSpecified) -> Any:
        """Regress one term on another."""
        _checked_pair(cls.__name__, dependent, independent, "regression_length", regression_length)
        return super().__new__(
            cls,
            inputs=[dependent, independent],
            window_length=regression_length,
            mask=require_filter(mask, cls.__name__),
        )

    def compute(self, today: Any, assets: Any, out: Any, dependent: Any, independent: Any) -> None:
        """Compute a session."""
        n = len(dependent)
        mean_x, mean_y = independent.mean(axis=0), dependent.mean(axis=0)
        x, y = independent - mean_x, dependent - mean_y
        variance_x, variance_y, covariance = ((a * b).mean(axis=0) for a, b in ((x, x), (y, y), (x, y)))
        with np.errstate(all="ignore"):
            slope = np.where(variance_x > 0, covariance / variance_x, np.nan)
            r = np.clip(covariance / np.sqrt(variance_x * variance_y), -1.0, 1.0)
            out.alpha[:] = mean_y - slope * mean_x
            out.beta[:], out.r_value[:] = slope, r
            out.stderr[:] = np.sqrt((1 - r**2) * variance_y / variance_x / (n - 2)) if n > 2 else slope * 0.0
        out.p_value[:] = _p_values(slope, r, n)

    _kernel = over_windows(pairs.regression)

    def _compute_by_kernel(self, kernel: Any, inputs: Any, mask: Any, out: Any) -> None:
        super()._compute_by_kernel(kernel, inputs, mask, out)
        out["p_value"] = _p_values(out["beta"], out["r_value"], self.window_length)


def _p_values(slope: Any, r: Any, n: int) -> Any:
    """Give the probability of a correlation as great as r, either way, of n points without any."""
    if n == 2:
        return np.where(np.isnan(slope), np.nan, np.where(slope == 0, 1.0, 0.0))
    least = 1e-20  # keeps a correlation of 1 from dividing by 0
    with np.errstate(all="ignore"):
        t = r * np.sqrt((n - 2) / ((1.0 - r + least) * (1.0 + r + least)))
    return 2 * stdtr(n - 2, -np.abs(t))


class RollingPearsonOfReturns(RollingPearson):
    """Pearson's correlation of each asset's returns with those of one asset.

    Parameters
    ----------
    target : Asset
        That asset; it must exist all the time.
    returns_length : int
        Sessions of the window of each return, at least 2.
    correlation_length : int
        Sessions of the correlation.
    mask : Filter, optional
        Assets that are computed.
    """

    def __new__(cls, target: Any, returns_length: int, correlation_length: int, mask: Any = NotSpecified) -> Any:
        """Correlate returns with an asset's."""
        returns = returns_with(target, returns_length)
        return super().__new__(
            cls, base_factor=returns, target=returns[target], correlation_length=correlation_length, mask=mask
        )


class RollingSpearmanOfReturns(RollingSpearman):
    """Spearman's correlation of each asset's returns with those of one asset; see `RollingPearsonOfReturns`."""

    def __new__(cls, target: Any, returns_length: int, correlation_length: int, mask: Any = NotSpecified) -> Any:
        """Correlate returns with an asset's."""
        returns = returns_with(target, returns_length)
        return super().__new__(
            cls, base_factor=returns, target=returns[target], correlation_length=correlation_length, mask=mask
        )


class RollingLinearRegressionOfReturns(RollingLinearRegression):
    """The regression of each asset's returns on those of one asset; see `RollingLinearRegression`."""

    window_safe = True

    def __new__(cls, target: Any, returns_length: int, regression_length: int, mask: Any = NotSpecified) -> Any:
        """Regress returns on an asset's."""
        returns = returns_with(target, returns_length)
        return super().__new__(
            cls, dependent=returns, independent=returns[target], regression_length=regression_length, mask=mask
        )


class SimpleBeta(StandardOutputs, CustomFactor):
    """The slope of each asset's daily returns on those of one asset.

    Parameters
    ----------
    target : Asset
        That asset; it must exist all the time.
    regression_length : int
        Sessions, at least 3.
    allowed_missing_percentage : float
        Share of them that may be missing, from 0 to 1; else NaN.
    """

    window_safe = True
    params: Any = ("allowed_missing_count",)

    def __new__(cls, target: Any, regression_length: int, allowed_missing_percentage: float = 0.25) -> Any:
        """Give the betas on an asset."""
        if not isinstance(target, Asset):
            raise TypeError(f"SimpleBeta got {target!r} as target: pass an asset")
        if regression_length < 3:
            raise InvalidParameter(f"SimpleBeta: regression_length {regression_length} must be 3 or more")
        if not 0.0 <= allowed_missing_percentage <= 1.0:
            raise InvalidParameter(
                f"SimpleBeta: allowed_missing_percentage {allowed_missing_percentage} must be from 0 to 1"
            )
        returns = returns_with(target, 2)
        return super().__new__(
            cls,
            inputs=[returns, returns[target]],
            window_length=regression_length,
            allowed_missing_count=int(allowed_missing_percentage * regression_length),
        )

    def compute(self, today: Any, assets: Any, out: Any, returns: Any, target: Any, allowed_missing_count: Any) -> None:
        """Compute a session."""
        independent = np.where(np.isnan(returns), np.nan, target)
        residuals = independent - nanmean(independent)
        with np.errstate(all="ignore"):
            out[:] = nanmean(residuals * returns) / nanmean(residuals**2)
        out[np.isnan(independent).sum(axis=0) > allowed_missing_count] = np.nan

    _kernel = over_windows(statistics.beta)

    @property
    def target(self) -> Any:
        """The asset."""
        return self.inputs[1].asset

    def __repr__(self) -> str:
        allowed = self.params["allowed_missing_count"]
        return f"SimpleBeta({self.target}, length={self.window_length}, allowed_missing={allowed})"
