"""What does a vector strategy read: fields and indicators of some assets at every session of a span?"""

from collections.abc import Callable, Sequence
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rustybt._typing import FloatArray
from rustybt.assets import Equity
from rustybt.data import indicators
from rustybt.data.byte_cache import ByteCache, CacheStatistics
from rustybt.data.held import cache_of_bundles
from rustybt.data.indicators import Bands, check_count, check_field, check_min_count, check_positive
from rustybt.data.models import Model
from rustybt.data.portal import Portal
from rustybt.data.rolling_inputs import DailyTable, known_prices
from rustybt.data.row_predictions import predict_sessions
from rustybt.errors import InvalidParameter, InvalidSpan, did_you_mean

MAX_BYTES = 256 << 20


class Bars:
    """Daily bars of some assets, each session's as it was known at its close.

    Every array has one row a session and one column an asset: float64, C-contiguous, read-only, NaN where there is no
    value. A row shows nothing of later sessions. Sessions before the first one count as history, so indicators are warm
    where the bundle reaches back far enough; elsewhere they are NaN.

    Parameters
    ----------
    portal : Portal
        Of the bundle that holds the assets.
    first, last : int
        Session rows, both included.
    assets : sequence of Equity
        Columns, in order.
    max_bytes : int
        Of results that are kept to be given again, 256 MB by default; the least recently used go first.

    Raises
    ------
    InvalidSpan
        If there are no such sessions.
    InvalidParameter
        If there is no asset, or one twice.

    Notes
    -----
    `field` is one of open, high, low, close, volume and price. A window is that of `data.history`: adjusted as of its
    last session, rounded to three decimals where the bundle's prices are, "price" filled forward, the rest with NaN
    (volume with 0) where there is no bar. Statistics skip NaNs; `min_count` is how many values a window needs, all of
    them by default.
    """

    def __init__(
        self, portal: Portal, first: int, last: int, assets: Sequence[Equity], max_bytes: int = MAX_BYTES
    ) -> None:
        sessions = len(portal.session_ns)
        if not 0 <= first <= last < sessions:
            raise InvalidSpan(f"session rows {first} to {last} do not lie in the bundle's 0 to {sessions - 1}")
        self.assets = tuple(assets)
        if not self.assets or len(set(self.assets)) < len(self.assets):
            raise InvalidParameter(f"assets {self.symbols!r} hold none, or one twice: give each asset once")
        self.portal = portal
        self.first, self.last = first, last
        self._table = DailyTable(portal, self.assets, last + 1)
        self._memo = ByteCache(max_bytes)

    @property
    def symbols(self) -> tuple[str, ...]:
        """The assets' symbols, as the columns."""
        return tuple(asset.symbol for asset in self.assets)

    @cached_property
    def sessions(self) -> NDArray[np.datetime64]:
        """Session labels, datetime64[ns], shape (n_sessions,)."""
        labels = self.portal.session_ns[self.first : self.last + 1].astype("datetime64[ns]")
        labels.flags.writeable = False
        return labels

    @property
    def shape(self) -> tuple[int, int]:
        """The number of sessions and of assets."""
        return len(self), len(self.assets)

    def __len__(self) -> int:
        return self.last - self.first + 1

    def __repr__(self) -> str:
        return f"Bars({self.sessions[0]:.10} to {self.sessions[-1]:.10}, {', '.join(self.symbols)})"

    @property
    def statistics(self) -> CacheStatistics:
        """How often a result was there already, and how much is kept."""
        return self._memo.statistics

    # Fields -----------------------------------------------------------------------------------------------------

    @property
    def open(self) -> FloatArray:
        """Opening prices, not adjusted; NaN where there is no bar."""
        return self._level("open")

    @property
    def high(self) -> FloatArray:
        """Highest prices, not adjusted; NaN where there is no bar."""
        return self._level("high")

    @property
    def low(self) -> FloatArray:
        """Lowest prices, not adjusted; NaN where there is no bar."""
        return self._level("low")

    @property
    def close(self) -> FloatArray:
        """Closing prices, not adjusted; NaN where there is no bar."""
        return self._level("close")

    @property
    def volume(self) -> FloatArray:
        """Shares traded, not adjusted; 0 where there is no bar."""
        return self._level("volume")

    @property
    def price(self) -> FloatArray:
        """The last known close, adjusted as of the session and not rounded, as `data.current(asset, "price")`."""
        return self._kept(("price",), self._prices)

    # Windows ----------------------------------------------------------------------------------------------------

    def sum(self, field: str, window: int, min_count: int | None = None) -> FloatArray:
        """Give the sum of each window."""
        return self._rolling("sum", field, window, min_count)

    def mean(self, field: str, window: int, min_count: int | None = None) -> FloatArray:
        """Give the mean of each window."""
        return self._rolling("mean", field, window, min_count)

    def std(self, field: str, window: int, min_count: int | None = None) -> FloatArray:
        """Give the standard deviation of each window as a sample (n - 1), as pandas' `rolling(window).std()`."""
        return self._rolling("std", field, window, min_count)

    def min(self, field: str, window: int, min_count: int | None = None) -> FloatArray:
        """Give the least value of each window."""
        return self._rolling("min", field, window, min_count)

    def max(self, field: str, window: int, min_count: int | None = None) -> FloatArray:
        """Give the greatest value of each window."""
        return self._rolling("max", field, window, min_count)

    def median(self, field: str, window: int, min_count: int | None = None) -> FloatArray:
        """Give the median of each window."""
        return self._rolling("median", field, window, min_count)

    def rank(self, field: str, window: int, min_count: int | None = None) -> FloatArray:
        """Give the rank of each window's last value as a fraction of its values, 1 for the greatest.

        Equal values share the mean of their ranks, as in pandas' `rolling(window).rank(pct=True)`.
        """
        return self._rolling("rank", field, window, min_count)

    def zscore(self, field: str, window: int, min_count: int | None = None) -> FloatArray:
        """Give (last value - mean) / `std` of each window; NaN where it is constant."""
        return self._rolling("zscore", field, window, min_count)

    def volume_mean(self, window: int, min_count: int | None = None) -> FloatArray:
        """Give the mean volume of each window; a session without a bar counts as 0."""
        return self._rolling("mean", "volume", window, min_count)

    def lag(self, field: str, bars: int = 1) -> FloatArray:
        """Give the value of a number of bars ago, adjusted as of now."""
        bars = check_count("bars", bars)
        return self._rolling("lag", field, bars + 1, None)

    def returns(self, bars: int = 1, field: str = "price") -> FloatArray:
        """Give the value over that of a number of bars ago, less 1."""
        bars = check_count("bars", bars)
        return self._rolling("returns", field, bars + 1, None)

    def correlation(
        self,
        other: Equity | str,
        window: int,
        field: str = "price",
        of_returns: bool = True,
        min_count: int | None = None,
    ) -> FloatArray:
        """Give Pearson's correlation of each asset with another one over each window.

        Parameters
        ----------
        other : Equity or str
            One of the assets, or its symbol.
        window : int
            Values in it: returns, or bars.
        field : str
            What is compared.
        of_returns : bool
            Compare one-bar returns of the field, each as of its own bar; else the field's values.
        min_count : int, optional
            Pairs that a window needs, at least 2 whatever is given.

        Returns
        -------
        float64 array
            In [-1, 1]; NaN where one of the two is constant, or where pairs are too few.
        """
        field, window = check_field(field), check_count("window", window)
        least, column = check_min_count(min_count, window), self._column_of(other)
        give = indicators.correlation_of_returns if of_returns else indicators.correlation
        key = ("correlation", column, window, field, bool(of_returns), least)
        return self._kept(key, lambda: give(self._table, column, field, window, least, self.first))

    # Smoothing --------------------------------------------------------------------------------------------------

    def ema(self, field: str, span: float) -> FloatArray:
        """Give the exponential moving average, as pandas' `ewm(span=span, adjust=False, ignore_na=True).mean()`.

        It begins with the first bar, is multiplied when an adjustment takes effect, and stays where a value is missing.
        """
        field, span = check_field(field), check_positive("span", span, 1.0)
        return self._kept(("ema", field, span), lambda: indicators.ema(self._table, field, span, self.first))

    def rsi(self, window: int = 14, field: str = "close") -> FloatArray:
        """Give Wilder's relative strength index, from 0 to 100, seeded with a simple mean as TA-Lib's.

        NaN before `window` changes are known, and where no value ever changed.
        """
        field, window = check_field(field), check_count("window", window)
        return self._kept(("rsi", field, window), lambda: indicators.rsi(self._table, field, window, self.first))

    def atr(self, window: int = 14) -> FloatArray:
        """Give Wilder's average true range in the currency of the prices, seeded with a simple mean as TA-Lib's."""
        window = check_count("window", window)
        return self._kept(("atr", window), lambda: indicators.atr(self._table, window, self.first))

    def bollinger(self, field: str, window: int = 20, width: float = 2.0) -> Bands:
        """Give lower, middle and upper band: the mean, and `width` population deviations (n) under and over it."""
        width = check_positive("width", width, 0.0)
        middle = self._rolling("mean", field, window, None)
        deviation = self._rolling("population_std", field, window, None)
        lower = self._kept(("lower", field, window, width), lambda: middle - width * deviation)
        upper = self._kept(("upper", field, window, width), lambda: middle + width * deviation)
        return Bands(lower, middle, upper)

    # Models -----------------------------------------------------------------------------------------------------

    def predict(
        self, model: Model, features: Any, output: str | int | None = None, skip_nan: bool = True
    ) -> FloatArray:
        """Give a model's answers for every session, from the process's cache where the same was asked before.

        Parameters
        ----------
        model : Model
            From `rustybt.Model.of` or `Model.from_file`. One that takes rows is asked for up to 64 sessions at once,
            any other for one session at a time, as by `context.predict`. Answers for many rows and for one may differ
            in the last bit, and are kept apart.
        features : array-like, shape (n_sessions, n_features) or (n_sessions, n_assets, n_features)
            Row t knows nothing of later sessions: that is your own care.
        output : str or int, optional
            Which of the model's outputs; all, along a last axis, if omitted.
        skip_nan : bool
            Whether rows with a NaN are not asked for; turn it off for a model that knows what to do with them.

        Returns
        -------
        float64 array, shape (n_sessions, ...) or (n_sessions, n_assets, ...)
            Read-only. NaN on days before the end of the model's training window, when nobody could have had it, and in
            rows that were skipped.

        Raises
        ------
        ModelLooksAhead
            If training ended after the last session, so that there would be nothing but NaN.
        InvalidParameter
            If features, output or answer are no numbers, or do not fit the sessions or the model.
        """
        days_ns = self.portal.session_ns[self.first : self.last + 1]
        return predict_sessions(model, features, output, skip_nan, days_ns, self.first)

    # ------------------------------------------------------------------------------------------------------------

    def until(self, last: int) -> "Bars":
        """Give the bars up to an earlier session.

        Parameters
        ----------
        last : int
            Its row.

        Returns
        -------
        Bars
            Equal to those of a span that ends there. What is kept of all sessions is cut off, not computed again.
        """
        return _Beginning(self, last)

    def _kept(self, key: tuple[Any, ...], make: Callable[[], FloatArray]) -> FloatArray:
        return self._memo.get(key, make)

    def _level(self, field: str) -> FloatArray:
        return self._kept(("level", field), lambda: indicators.levels(self._table, field)[self.first :].copy())

    def _rolling(self, name: str, field: str, window: int, min_count: int | None) -> FloatArray:
        field, window = check_field(field), check_count("window", window)
        least = check_min_count(min_count, window)
        return self._kept(
            (name, field, window, least),
            lambda: indicators.statistic(self._table, name, field, window, least, self.first),
        )

    def _prices(self) -> FloatArray:
        prices = np.empty(self.shape)
        for k, asset in enumerate(self.assets):
            prices[:, k] = known_prices(self.portal, asset, self.last + 1)[self.first :]
        return prices

    def _column_of(self, asset: Equity | str) -> int:
        names: Sequence[Any] = self.symbols if isinstance(asset, str) else self.assets
        if isinstance(asset, str | Equity) and asset in names:  # a number equals the asset that has it as its sid
            return names.index(asset)
        near = did_you_mean(asset, self.symbols) if isinstance(asset, str) else ""
        raise InvalidParameter(f"asset {asset!r} is not among {', '.join(self.symbols)}{near}: give one that is")


class _Beginning(Bars):
    """The first sessions of other bars, whose results it cuts off: no row depends on a later one."""

    def __init__(self, whole: Bars, last: int) -> None:
        super().__init__(whole.portal, whole.first, last, whole.assets, whole._memo.max_bytes)
        self._whole = whole

    def _kept(self, key: tuple[Any, ...], make: Callable[[], FloatArray]) -> FloatArray:
        found = self._whole._memo.find(key)
        return super()._kept(key, make) if found is None else found[: len(self)]


@cache_of_bundles(4)
def bars_of(portal: Portal, first: int, last: int, assets: tuple[Equity, ...]) -> Bars:
    """Give the process's one `Bars` of a span and assets, so that all runs share its results (four are kept)."""
    return Bars(portal, first, last, assets)
