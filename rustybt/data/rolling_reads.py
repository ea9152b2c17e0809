"""What may an algorithm ask of rolling statistics and indicators at its bar, as `data.rolling_mean(...)`?"""

from typing import TYPE_CHECKING, Any

import pandas as pd

from rustybt.assets import Equity
from rustybt.data.asked import asset_list

if TYPE_CHECKING:
    from rustybt.data.indicators import Bands
    from rustybt.data.instant import Instant
    from rustybt.data.market import Market
    from rustybt.data.portal import Portal
    from rustybt.data.rolling_series import Series

SCALE_FREE = frozenset({"rank", "zscore", "returns", "rsi", "correlation"})


class RollingReads:
    """Rolling statistics of bars up to the current one, for `BarData`.

    Notes
    -----
    Each method takes one asset and gives a float, or several and gives a Series over them; NaN where too few values are
    known. The window is that of `data.history(asset, field, window, "1d")` in a daily simulation and of "1m" in a
    minute simulation. A whole column is computed at the first request and kept for all runs of the process, so that a
    request costs a look-up. `field` is open, high, low, close, volume or price; `min_count` is how many values a window
    needs, all of them by default.

    In a minute simulation, `ema`, `rsi` and `atr` of a month begin so many bars before it that what was before them
    would weigh less than 1e-17.

    Examples
    --------
    >>> def handle_data(context, data):
    ...     usual = data.rolling_mean(context.asset, "volume", 20)
    ...     if data.current(context.asset, "volume") > 2 * usual:
    ...         order_target_percent(context.asset, 1.0)
    """

    __slots__ = ("_series",)

    if TYPE_CHECKING:
        _at: Instant
        _seen: Instant | None
        _market: Market
        _portal: Portal
        _series: Series | None

        def _night_factor(self, asset: Equity, field: str) -> float: ...

    def rolling_sum(self, assets: Any, field: str, window: int, min_count: int | None = None) -> Any:
        """Give the sum of a window."""
        return self._read("sum", assets, field, window, min_count)

    def rolling_mean(self, assets: Any, field: str, window: int, min_count: int | None = None) -> Any:
        """Give the mean of a window."""
        return self._read("mean", assets, field, window, min_count)

    def rolling_std(self, assets: Any, field: str, window: int, min_count: int | None = None) -> Any:
        """Give the standard deviation of a window as a sample (n - 1)."""
        return self._read("std", assets, field, window, min_count)

    def rolling_min(self, assets: Any, field: str, window: int, min_count: int | None = None) -> Any:
        """Give the least value of a window."""
        return self._read("min", assets, field, window, min_count)

    def rolling_max(self, assets: Any, field: str, window: int, min_count: int | None = None) -> Any:
        """Give the greatest value of a window."""
        return self._read("max", assets, field, window, min_count)

    def rolling_median(self, assets: Any, field: str, window: int, min_count: int | None = None) -> Any:
        """Give the median of a window."""
        return self._read("median", assets, field, window, min_count)

    def rolling_rank(self, assets: Any, field: str, window: int, min_count: int | None = None) -> Any:
        """Give the rank of the current value as a fraction of the window's values; equal ones share their mean rank."""
        return self._read("rank", assets, field, window, min_count)

    def rolling_zscore(self, assets: Any, field: str, window: int, min_count: int | None = None) -> Any:
        """Give (current value - mean) / sample deviation of a window; NaN where it is constant."""
        return self._read("zscore", assets, field, window, min_count)

    def volume_mean(self, assets: Any, window: int, min_count: int | None = None) -> Any:
        """Give the mean volume of a window; a bar without trades counts as 0."""
        return self._read("mean", assets, "volume", window, min_count)

    def lag(self, assets: Any, field: str, bars: int = 1) -> Any:
        """Give the value of a number of bars ago, adjusted as of now."""
        return self._read("lag", assets, field, bars, None)

    def returns(self, assets: Any, bars: int = 1, field: str = "price") -> Any:
        """Give the current value over that of a number of bars ago, less 1."""
        return self._read("returns", assets, field, bars, None)

    def ema(self, assets: Any, field: str, span: float) -> Any:
        """Give the exponential moving average, as pandas' `ewm(span=span, adjust=False, ignore_na=True).mean()`."""
        return self._read("ema", assets, field, span, None)

    def rsi(self, assets: Any, window: int = 14, field: str = "close") -> Any:
        """Give Wilder's relative strength index, from 0 to 100."""
        return self._read("rsi", assets, field, window, None)

    def atr(self, assets: Any, window: int = 14) -> Any:
        """Give Wilder's average true range, in the currency of the prices."""
        return self._read("atr", assets, "close", window, None)

    def bollinger(self, assets: Any, field: str, window: int = 20, width: float = 2.0) -> "Bands":
        """Give lower, middle and upper band: the mean, and `width` population deviations (n) under and over it."""
        from rustybt.data.indicators import Bands, check_positive  # as in `_kept_series`

        width = check_positive("width", width, 0.0)
        middle = self._read("mean", assets, field, window, None)
        deviation = self._read("population_std", assets, field, window, None)
        return Bands(middle - width * deviation, middle, middle + width * deviation)

    def rolling_correlation(
        self,
        assets: Any,
        other: Equity,
        window: int,
        field: str = "price",
        of_returns: bool = True,
        min_count: int | None = None,
    ) -> Any:
        """Give Pearson's correlation with another asset: of one-bar returns, or of the field itself.

        NaN where one of the two is constant.
        """
        (other,) = asset_list([other], "other")
        return self._read("correlation", assets, field, window, min_count, (other, bool(of_returns)))

    def _read(
        self,
        name: str,
        assets: Any,
        field: str,
        length: float,
        min_count: int | None,
        compared: tuple[Equity, bool] | None = None,
    ) -> Any:
        series = self._series or self._kept_series()
        if isinstance(assets, Equity):
            if self._seen is None:
                return series.at(self._at.bar, assets, name, field, length, min_count, compared)
            return self._read_before_open(series, assets, name, field, length, min_count, compared)
        chosen = asset_list(assets, "assets")
        values = [self._read(name, asset, field, length, min_count, compared) for asset in chosen]
        return pd.Series(values, index=self._portal.asset_index(tuple(chosen)), name=field, dtype="float64")

    def _read_before_open(
        self,
        series: "Series",
        asset: Equity,
        name: str,
        field: str,
        length: float,
        min_count: int | None,
        compared: tuple[Equity, bool] | None,
    ) -> float:
        """Read at the last bar known, adjusted over the night as `history` is."""
        assert self._seen is not None
        value = series.at(self._seen.bar, asset, name, field, length, min_count, compared)
        return value if name in SCALE_FREE else value * self._night_factor(asset, field)

    def _kept_series(self) -> "Series":
        # Kernels bring the compiler along, half a second of importing, which an algorithm without indicators is spared.
        from rustybt.data.rolling_series import series_of

        self._series = series_of(self._portal, self._market.frequency)
        return self._series
