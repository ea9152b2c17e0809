"""Where did the time of a run go?"""

from rustybt.profiling.profile import Profile

__all__ = ["Profile"]
