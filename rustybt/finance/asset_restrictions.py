"""Which assets may an algorithm not order, and when?"""

from abc import ABC, abstractmethod
from collections.abc import Iterable
from enum import IntEnum
from typing import Any, NamedTuple

import pandas as pd

from rustybt.assets import Asset


class RESTRICTION_STATES(IntEnum):
    """Whether an asset may be ordered."""

    ALLOWED = 0
    FROZEN = 1


class Restriction(NamedTuple):
    """From a date on, an asset is in a state.

    Attributes
    ----------
    asset : Asset
        Which.
    effective_date : pd.Timestamp
        The first moment; one without a zone is UTC.
    state : RESTRICTION_STATES
        FROZEN may not be ordered.
    """

    asset: Asset
    effective_date: pd.Timestamp
    state: RESTRICTION_STATES


class Restrictions(ABC):
    """Base of restricted lists; `a | b` restricts what either does."""

    @abstractmethod
    def restricts(self, asset: Asset, dt: pd.Timestamp) -> bool:
        """Say whether one asset is restricted at a time."""

    def is_restricted(self, assets: Any, dt: pd.Timestamp) -> Any:
        """Say whether assets are restricted at a time.

        Parameters
        ----------
        assets : Asset or iterable of Asset
            Which.
        dt : pd.Timestamp
            When, UTC.

        Returns
        -------
        bool or Series of bool over the assets
        """
        if isinstance(assets, Asset):
            return self.restricts(assets, dt)
        chosen = list(assets)
        return pd.Series([self.restricts(a, dt) for a in chosen], index=pd.Index(chosen, dtype=object), dtype=bool)

    def __or__(self, other: "Restrictions") -> "Restrictions":
        parts = [*_parts(self), *_parts(other)]
        if not parts:
            return NoRestrictions()
        return parts[0] if len(parts) == 1 else _Union(parts)


class NoRestrictions(Restrictions):
    """Everything may be ordered."""

    def restricts(self, asset: Asset, dt: pd.Timestamp) -> bool:
        """Give False."""
        return False


class StaticRestrictions(Restrictions):
    """The same assets at all times.

    Parameters
    ----------
    restricted_list : iterable of Asset
        What may not be ordered.
    """

    def __init__(self, restricted_list: Iterable[Asset]) -> None:
        self._restricted = frozenset(restricted_list)

    def restricts(self, asset: Asset, dt: pd.Timestamp) -> bool:
        """Say whether the asset is listed."""
        return asset in self._restricted


class HistoricalRestrictions(Restrictions):
    """Assets that are frozen and freed on dates.

    Parameters
    ----------
    restrictions : iterable of Restriction
        In any order; the latest one in effect decides.
    """

    def __init__(self, restrictions: Iterable[Restriction]) -> None:
        self._by_asset: dict[Asset, list[tuple[pd.Timestamp, RESTRICTION_STATES]]] = {}
        for asset, date, state in sorted(restrictions, key=lambda r: _utc(r.effective_date)):
            self._by_asset.setdefault(asset, []).append((_utc(date), state))

    def restricts(self, asset: Asset, dt: pd.Timestamp) -> bool:
        """Say whether the latest state in effect is FROZEN."""
        state = RESTRICTION_STATES.ALLOWED
        for date, later in self._by_asset.get(asset, ()):
            if date > _utc(dt):
                break
            state = later
        return state == RESTRICTION_STATES.FROZEN


class _Union(Restrictions):
    def __init__(self, parts: list[Restrictions]) -> None:
        self._parts = parts

    def restricts(self, asset: Asset, dt: pd.Timestamp) -> bool:
        return any(part.restricts(asset, dt) for part in self._parts)


def _parts(restrictions: Restrictions) -> list[Restrictions]:
    if isinstance(restrictions, NoRestrictions):
        return []
    return restrictions._parts if isinstance(restrictions, _Union) else [restrictions]


def _utc(when: Any) -> pd.Timestamp:
    stamp = pd.Timestamp(when)
    return stamp.tz_localize("UTC") if stamp.tzinfo is None else stamp.tz_convert("UTC")
