"""What is one fill, as a record?"""

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
