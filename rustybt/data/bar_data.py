"""What may an algorithm ask about the market at its bar, as `data` in handle_data?"""

from collections.abc import Iterable, Sequence
from typing import Any, Protocol

import pandas as pd

from rustybt._typing import FloatArray
from rustybt.assets import Equity
from rustybt.data.asked import asset_list
from rustybt.data.instant import Instant
from rustybt.data.market import Market, Window
from rustybt.data.rolling_reads import RollingReads


class Restricting(Protocol):
    """What forbids assets, as `rustybt.finance.asset_restrictions.Restrictions` do."""

    def is_restricted(self, assets: Any, dt: pd.Timestamp) -> Any:
        """Say whether an asset may not be ordered at a time."""


class BarData(RollingReads):
    """Prices and volumes as of the current bar of a simulation.

    Parameters
    ----------
    market : Market
        What the run trades on.

    Notes
    -----
    The engine moves it from bar to bar; a strategy only reads. Values are those of Zipline: `current` prices are raw
    (k·0.001), `history` is adjusted as of the bar and rounded to three decimals.
    """

    __slots__ = ("_at", "_market", "_portal", "_restrictions", "_seen")

    def __init__(self, market: Market) -> None:
        self._market = market
        self._portal = market.portal
        self._restrictions: list[Restricting] = []
        self._series = None
        self._move(Instant(0, 0, market.portal.close_times[0]))

    def _move(self, at: Instant, seen: Instant | None = None) -> None:
        """Stand at a moment; where that is no market minute, `seen` is the last one before it."""
        self._at = at
        self._seen = seen

    def _restrict(self, restrictions: "Restricting") -> None:
        self._restrictions.append(restrictions)

    @property
    def current_dt(self) -> pd.Timestamp:
        """The simulation's time, UTC."""
        return self._at.now

    @property
    def current_session(self) -> pd.Timestamp:
        """The label of the current session, tz-naive midnight."""
        return self._portal.session_labels[self._at.row]

    @property
    def current_session_minutes(self) -> pd.DatetimeIndex:
        """Every market minute of the current session, UTC."""
        return self._portal.session_minutes(self._at.row)

    def current(self, assets: Any, fields: Any) -> Any:
        """Give the current value of fields of assets.

        Parameters
        ----------
        assets : Asset or iterable of Asset
            Whose values.
        fields : str or iterable of str
            Among open, high, low, close, volume, price, last_traded.

        Returns
        -------
        scalar, Series or DataFrame
            A scalar for one asset and one field; a Series over the fields named after the symbol for one asset; a
            Series over the assets named after the field for one field; else a frame of assets × fields. A price is NaN
            where the bar is missing, except "price", which is the last known close, adjusted; volume is 0.

        Raises
        ------
        TypeError
            If assets or fields are of another type.
        KeyError
            If a field is unknown.
        """
        if isinstance(assets, Equity):
            if isinstance(fields, str):
                if self._seen is None:
                    return self._market.value(assets, fields, self._at)
                return self._value(assets, fields)
            names = _field_list(fields)
            values = [self._value(assets, name) for name in names]
            return pd.Series(values, index=names, name=assets.symbol)
        chosen = asset_list(assets, "assets")
        if isinstance(fields, str):
            return self._column(chosen, fields)
        return pd.DataFrame({name: self._column(chosen, name) for name in _field_list(fields)})

    def history(self, assets: Any, fields: Any, bar_count: int, frequency: str) -> Any:
        """Give a trailing window that ends with the current bar, adjusted as of it.

        Parameters
        ----------
        assets : Asset or iterable of Asset
            Whose values.
        fields : str or iterable of str
            Among open, high, low, close, volume, price ("price" is filled forward).
        bar_count : int
            Length of the window, at least 1.
        frequency : str
            "1d"; in a minute simulation also "1m", or bars of several minutes such as "5m", which are counted from each
            session's open.

        Returns
        -------
        Series or DataFrame
            A Series over dates for one asset and one field; dates × assets for several assets; for several fields a
            frame with a (date, asset) index and the fields as columns.

        Raises
        ------
        HistoryWindowStartsBeforeData
            If the window reaches back before the bundle's first session.
        TypeError, ValueError
            If an argument has the wrong type, or bar_count, field or frequency an unknown value.
        """
        _check_bar_count(bar_count)
        single = isinstance(assets, Equity)
        chosen = (assets,) if single else tuple(asset_list(assets, "assets"))
        if isinstance(fields, str):
            window = self._window(chosen, fields, bar_count, frequency, self._night_factors(chosen, fields))
            return (
                pd.Series(_own(window.array)[:, 0], window.labels, name=assets)
                if single
                else self._frame(window, chosen)
            )
        # For several fields Zipline, which has no night in a daily run, adjusts every asset by the first one's factor.
        adjusted = chosen if self._market.frequency == "daily" else chosen[:1]
        frames = {
            name: self._frame(
                self._window(chosen, name, bar_count, frequency, self._night_factors(adjusted, name)), chosen
            )
            for name in _field_list(fields)
        }
        date = "date" if frequency == "1d" else "date_time"
        long = pd.DataFrame({name: _stacked(frame, date) for name, frame in frames.items()})
        return long.rename_axis(columns="fields").sort_index()

    def window(self, assets: Any, field: str, bar_count: int, frequency: str = "1d") -> FloatArray:
        """Give the values of `history` as an array, without building a frame.

        Parameters
        ----------
        assets : Asset or iterable of Asset
            Whose values.
        field : str
            One of open, high, low, close, volume, price ("price" is filled forward).
        bar_count : int
            Length of the window, at least 1.
        frequency : str
            As `history` takes it; sessions by default, in a minute simulation too.

        Returns
        -------
        float64 array, shape (bar_count,) for one asset, (bar_count, n_assets) for several
            Oldest bar first, the current one last, adjusted as of it and rounded as `history` does. NaN where there is
            no bar (volume is 0). Read-only: where no adjustment falls into the window, and the assets follow each other
            in the bundle, as one does, or all of them in order, it is a view of the bundle's own bars. `copy()` gives
            one to change.

        Raises
        ------
        HistoryWindowStartsBeforeData
            If the window reaches back before the bundle's first session.
        TypeError, ValueError
            If an argument has the wrong type, or bar_count, field or frequency an unknown value.

        Examples
        --------
        >>> def handle_data(context, data):
        ...     closes = data.window(context.assets, "close", 50)
        ...     rising = closes[-10:].mean(axis=0) > closes.mean(axis=0)
        """
        _check_bar_count(bar_count)
        if not isinstance(field, str):
            raise TypeError(f"Expected field argument to be of type str, got {field!r}: an array has one field")
        single = isinstance(assets, Equity)
        chosen = (assets,) if single else tuple(asset_list(assets, "assets"))
        values = self._window(chosen, field, bar_count, frequency, self._night_factors(chosen, field)).array
        if single:
            values = values[:, 0]
        values.flags.writeable = False
        return values

    def can_trade(self, assets: Any) -> Any:
        """Say whether assets are alive, and have a known price, in the current session.

        Parameters
        ----------
        assets : Asset or iterable of Asset
            Which.

        Returns
        -------
        bool or Series of bool
        """
        if isinstance(assets, Equity):
            return self._tradeable(assets)
        chosen = asset_list(assets, "assets")
        return pd.Series(
            [self._tradeable(a) for a in chosen], index=self._portal.asset_index(tuple(chosen)), dtype=bool
        )

    def is_stale(self, assets: Any) -> Any:
        """Say whether assets are alive and traded before, but not in the current bar.

        Parameters
        ----------
        assets : Asset or iterable of Asset
            Which.

        Returns
        -------
        bool or Series of bool
        """
        if isinstance(assets, Equity):
            return self._stale(assets)
        chosen = asset_list(assets, "assets")
        return pd.Series([self._stale(a) for a in chosen], index=self._portal.asset_index(tuple(chosen)), dtype=bool)

    def _column(self, assets: Sequence[Equity], field: str) -> pd.Series:
        values = [self._value(asset, field) for asset in assets]
        return pd.Series(values, index=self._portal.asset_index(tuple(assets)), name=field)

    def _value(self, asset: Equity, field: str) -> float | pd.Timestamp:
        seen = self._seen
        if seen is None:
            return self._market.value(asset, field, self._at)
        value = self._market.value(asset, field, seen)
        return value if field == "last_traded" else value * self._night_factor(asset, field)  # type: ignore[operator]

    def _window(
        self, assets: tuple[Equity, ...], field: str, bars: int, frequency: str, factors: list[float] | None
    ) -> Window:
        window = self._market.window(assets, self._seen or self._at, bars, frequency, field)
        if factors is not None:
            window.array = window.array * factors
        return window

    def _frame(self, window: Window, assets: tuple[Equity, ...]) -> pd.DataFrame:
        return pd.DataFrame(_own(window.array), window.labels, self._portal.asset_index(assets), copy=False)

    def _night_factors(self, assets: Sequence[Equity], field: str) -> list[float] | None:
        """Give the factors that took effect since the last market minute, None where the market is open."""
        return None if self._seen is None else [self._night_factor(asset, field) for asset in assets]

    def _night_factor(self, asset: Equity, field: str) -> float:
        seen_ns = self._at.now_ns if self._seen is None else self._seen.now_ns
        return self._portal.factors.between(asset.column, seen_ns, self._at.now_ns, field)

    def _tradeable(self, asset: Equity) -> bool:
        portal, row, column = self._portal, self._at.row, asset.column
        if not portal.alive_from[column] <= row <= portal.alive_to[column]:
            return False
        if row > portal.last_open_rows[column]:
            return False
        if self._seen is not None and self._market.frequency == "minute":
            return False  # Zipline asks at the session's opening time, one minute before its first market minute
        seen = self._seen or self._at
        if self._restrictions and any(r.is_restricted(asset, seen.now) for r in self._restrictions):
            return False
        price = self._market.price(asset, seen)
        return price == price

    def _stale(self, asset: Equity) -> bool:
        portal, row, column = self._portal, self._at.row, asset.column
        if not portal.alive_from[column] <= row <= portal.alive_to[column]:
            return False
        seen = self._seen or self._at
        if self._market.value(asset, "volume", seen) > 0:  # type: ignore[operator]
            return False
        return not pd.isna(self._market.value(asset, "last_traded", seen))


def _own(values: FloatArray) -> FloatArray:
    """Give an array that a caller may change."""
    return values if values.flags.writeable else values.copy()


def _field_list(fields: Any) -> list[str]:
    if isinstance(fields, Iterable):
        names = list(fields)
        if all(isinstance(name, str) for name in names):
            return names
    raise TypeError(f"Expected fields argument to be of type str or iterable of type str, got {fields!r}")


def _check_bar_count(bar_count: Any) -> None:
    if isinstance(bar_count, bool) or not hasattr(bar_count, "__index__"):
        raise TypeError(f"Expected bar_count argument to be of type int, got {bar_count!r}")


def _stacked(frame: pd.DataFrame, date: str) -> pd.Series:
    """Turn dates × assets into one column over (date, asset), keeping missing values."""
    index = pd.MultiIndex.from_product([frame.index, frame.columns], names=[date, None])
    return pd.Series(frame.to_numpy().reshape(-1), index=index)
