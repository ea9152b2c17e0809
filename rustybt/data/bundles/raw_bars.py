"""What does a source say of one symbol, before anything is checked? Arrays of its rows, and where each row is from."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, NamedTuple, Protocol, TypeAlias

import numpy as np
import pandas as pd

from rustybt._typing import FloatArray, IntArray

Frame: TypeAlias = Literal["daily", "minute"]
FRAMES: tuple[Frame, ...] = ("daily", "minute")


class Place(NamedTuple):
    """Where a row of a source is.

    Attributes
    ----------
    file : str
        Its file; empty for what is in no file.
    line : int or None
        Its line in a text file, or its number from 1 on in a table; None where nobody knows.
    """

    file: str
    line: int | None = None

    def __str__(self) -> str:
        return self.file if self.line is None else f"{self.file} line {self.line}".strip()


class Origin(Protocol):
    """Knows where the rows of one symbol are from; it is asked only about rows that a message names."""

    def places(self, rows: Sequence[int]) -> list[Place]:
        """Give the places of rows, by their numbers from 0 on."""


class RawBars(NamedTuple):
    """The rows of one symbol, in any order.

    Attributes
    ----------
    symbol : str
        As `symbols.checked_symbol` gives it; or a key of its own where several assets have had one symbol, see `Facts`.
    label_ns : int64 array, shape (n,)
        Label of each row's session or minute, nanoseconds UTC; NAT where the source has none.
    ohlcv : float64 array, shape (5, n)
        Open, high, low, close, volume as the source gives them; NaN where missing.
    dividend : float64 array, shape (n,)
        Cash a share with this ex-date, 0 for none.
    split : float64 array, shape (n,)
        Shares after for one before (2 for 2:1), 1 for none.
    rows : int64 array, shape (n,)
        Number of each row in the source.
    origin : Origin
        Where they are from.
    """

    symbol: str
    label_ns: IntArray
    ohlcv: FloatArray
    dividend: FloatArray
    split: FloatArray
    rows: IntArray
    origin: Origin

    @classmethod
    def of(
        cls,
        symbol: str,
        label_ns: IntArray,
        ohlcv: FloatArray,
        origin: Origin,
        dividend: FloatArray | None = None,
        split: FloatArray | None = None,
    ) -> RawBars:
        """Give the rows of a source in its order; without dividends or splits where it has none."""
        count = len(label_ns)
        return cls(
            symbol,
            label_ns,
            ohlcv,
            np.zeros(count) if dividend is None else np.where(np.isnan(dividend), 0.0, dividend),
            np.ones(count) if split is None else np.where(np.isnan(split), 1.0, split),
            np.arange(count),
            origin,
        )

    def at(self, chosen: Any) -> RawBars:
        """Give some rows, by a mask or by positions."""
        return RawBars(
            self.symbol,
            self.label_ns[chosen],
            self.ohlcv[:, chosen],
            self.dividend[chosen],
            self.split[chosen],
            self.rows[chosen],
            self.origin,
        )


@dataclass(frozen=True, slots=True)
class Facts:
    """What a source says beside its bars.

    Attributes
    ----------
    assets : mapping of str to mapping
        By symbol, what is known of "asset_name", "exchange", "canonical_name" (the exchange's), "country_code",
        "start_date", "end_date", "first_traded", "auto_close_date" and "tick_size"; "never_closed" is true of an asset
        that has no auto-close date, not even the usual one. Where `RawBars.symbol` is no symbol but a key, "symbol" is
        the asset's. "symbols" are those that it had, the latest last, each with its first and last day or None.
    dividends : DataFrame or None
        Columns symbol, ex_date, amount, and pay_date, record_date, declared_date as far as they are known.
    splits : DataFrame or None
        Columns symbol, effective_date, and ratio (shares after for one before), where the last of one day counts; or
        instead of it factor (what earlier prices are multiplied by), where all of one day count.
    notes : tuple of str
        What a user should know.
    mergers : DataFrame or None
        Columns symbol, effective_date, factor.
    stock_dividends : DataFrame or None
        Columns symbol, payment_symbol, ex_date, declared_date, record_date, pay_date, ratio (shares a share).
    """

    assets: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    dividends: pd.DataFrame | None = None
    splits: pd.DataFrame | None = None
    notes: tuple[str, ...] = ()
    mergers: pd.DataFrame | None = None
    stock_dividends: pd.DataFrame | None = None


class Source(Protocol):
    """Where the bars of a bundle come from."""

    def symbols(self, frame: Frame) -> Collection[str]:
        """Name the symbols that have bars of this kind; none where there are none."""

    def bars(self, frame: Frame) -> Iterator[RawBars]:
        """Read the bars of each symbol, one after the other, each once."""

    def facts(self) -> Facts:
        """Give what is known beside the bars; asked after these were read."""
