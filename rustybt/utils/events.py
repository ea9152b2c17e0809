"""By which rules may a function be scheduled? The same names as `rustybt.engine.events`."""

from rustybt.engine.events import *  # noqa: F403
from rustybt.engine.events import __all__ as __all__
