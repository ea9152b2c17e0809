"""Which assets did a caller of `data` ask for?"""

from collections.abc import Iterable
from typing import Any

from rustybt.assets import Asset, Equity

ONLY_EQUITIES = {Equity}


def asset_list(assets: Any, parameter: str) -> list[Equity]:
    """Give several assets as a list.

    Raises
    ------
    TypeError
        If they are none.
    """
    if isinstance(assets, Iterable) and not isinstance(assets, str):
        chosen = list(assets)
        if set(map(type, chosen)) <= ONLY_EQUITIES:
            return chosen
        wrong = next((a for a in chosen if not isinstance(a, Asset)), None)
        if wrong is None:
            return chosen
        raise TypeError(
            f"Expected {parameter} argument to be of type Asset or iterable of type Asset, got {type(wrong).__name__} "
            f"({wrong!r}): look it up with symbol() first"
        )
    raise TypeError(
        f"Expected {parameter} argument to be of type Asset or iterable of type Asset, got {type(assets).__name__} "
        f"({assets!r}): look it up with symbol() first"
    )
