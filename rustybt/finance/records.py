"""What do a fill and a restatement of a position look like, as records?"""

from typing import Final

import numpy as np

TRANSACTION: Final = np.dtype(
    [
        ("session", "i8"),
        ("sid", "i8"),
        ("amount", "f8"),
        ("price", "f8"),
        ("commission", "f8"),
        ("dt_ns", "i8"),
    ]
)
"""One fill, in order of execution.

``session`` is the index into the run's sessions, ``sid`` the asset's number, ``amount`` the shares (negative
when sold), ``price`` the price paid a share (as traded on that day, not adjusted for later splits),
``commission`` the account currency charged for this fill and ``dt_ns`` the minute in nanoseconds UTC.
"""

RESTATEMENT: Final = np.dtype([("session", "i8"), ("sid", "i8"), ("ratio", "f8"), ("shares", "f8")])
"""One change of a position that no fill made, before the session's fills, in order.

A split has ``ratio`` as Zipline's (new shares = old / ratio, truncated to whole ones, the fraction paid in cash)
and ``shares`` 0. A stock dividend that is paid has ``ratio`` 1 and the ``shares`` added to the position.
"""
