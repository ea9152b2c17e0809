"""Which assets does a user name?"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
import pandas as pd

from rustybt._typing import BoolArray
from rustybt.assets import Asset
from rustybt.errors import NonExistentAssetInTimeFrame
from rustybt.pipeline.filter import Filter


class StaticSids(Filter):
    """Assets by their sids.

    Examples
    --------
    >>> StaticSids([1, 2])
    StaticSids([], 0)
    """

    inputs = ()
    window_length = 0
    params: Any = ("sids",)

    def __new__(cls, sids: Iterable[int]) -> Any:
        """Name some."""
        return super().__new__(cls, sids=frozenset(int(sid) for sid in sids))

    def _compute(self, inputs: list[Any], dates: Any, assets: pd.Index, mask: BoolArray) -> Any:
        return assets.isin(self.params["sids"]) & mask


class StaticAssets(StaticSids):
    """Assets."""

    def __new__(cls, assets: Iterable[Any]) -> Any:
        """Name some."""
        return super().__new__(cls, (_checked(asset, cls.__name__).sid for asset in assets))


class SingleAsset(Filter):
    """One asset, which must exist on every session that is computed."""

    inputs = ()
    window_length = 1
    asset: Any

    def __new__(cls, asset: Any) -> Any:
        """Name it."""
        return super().__new__(cls, asset=_checked(asset, cls.__name__))

    def _compute(self, inputs: list[Any], dates: pd.DatetimeIndex, assets: pd.Index, mask: BoolArray) -> Any:
        out = np.broadcast_to(assets.to_numpy() == self.asset.sid, mask.shape)
        if not (out & mask).any(axis=1).all():
            raise NonExistentAssetInTimeFrame(
                f"{self.asset!r} does not exist on every session from {dates[0].date()} to {dates[-1].date()}: choose "
                "another asset or span"
            )
        return out.copy()

    def __repr__(self) -> str:
        return f"SingleAsset({self.asset!r})"


def _checked(asset: Any, filter_name: str) -> Asset:
    if not isinstance(asset, Asset):
        raise TypeError(f"{filter_name} got {asset!r}, which is no asset: pass assets, as symbol('AAPL') gives them")
    return asset
