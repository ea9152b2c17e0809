"""At which prices does a position leave by itself: its stop-loss and its take-profit?"""

import math
from dataclasses import dataclass
from typing import Any

from rustybt.errors import InvalidParameter


@dataclass(frozen=True)
class Bracket:
    """A stop-loss and a take-profit that are placed when an order fills, for the shares that filled.

    Parameters
    ----------
    stop : float, optional
        Loss at which to leave, as a fraction of the fill's price: 0.05 is 5%. Above 0 and below 1.
    target : float, optional
        Gain at which to leave, as a fraction of the fill's price. Above 0. The target of a short position is never
        reached from 1 on, and no order is placed for it.

    Raises
    ------
    InvalidParameter
        If neither is given, or one is out of bounds.

    Examples
    --------
    >>> Bracket(stop=0.5, target=0.25).exit_prices(8.0, 100)
    (4.0, 10.0)
    >>> Bracket(stop=0.5, target=0.25).exit_prices(8.0, -100)
    (12.0, 6.0)
    """

    stop: float | None = None
    target: float | None = None

    def __post_init__(self) -> None:
        if self.stop is None and self.target is None:
            raise InvalidParameter("Bracket() has neither stop nor target: pass at least one, as Bracket(stop=0.05)")
        _check("stop", self.stop, 1.0)
        _check("target", self.target, math.inf)

    def exit_prices(self, price: float, shares: float) -> tuple[float | None, float | None]:
        """Give the prices at which a fill's shares leave.

        Parameters
        ----------
        price, shares : float
            The fill; negative shares make or enlarge a short position, whose prices are mirrored.

        Returns
        -------
        tuple of float or None
            Of the stop and of the target, not rounded to the tick; None where there is none, or none above 0.
        """
        side = math.copysign(1.0, shares)
        stop = None if self.stop is None else price * (1 - side * self.stop)
        target = None if self.target is None else price * (1 + side * self.target)
        return stop, target if target is not None and target > 0 else None


def _check(name: str, fraction: Any, below: float) -> None:
    if fraction is None:
        return
    if isinstance(fraction, bool) or not isinstance(fraction, int | float):
        raise InvalidParameter(f"Bracket: {name} {fraction!r} is no number: 0.05 is 5% of the fill's price")
    if not 0 < fraction < below:
        bounds = "above 0" if below == math.inf else f"above 0 and below {below:g}"
        raise InvalidParameter(f"Bracket: {name} {fraction} must be {bounds}: 0.05 is 5% of the fill's price")
