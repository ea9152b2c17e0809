"""Code that takes a known time, and code of the user's to sample."""

import time


def burn(seconds):
    """Keep the processor busy in Python."""
    end = time.perf_counter() + seconds
    while time.perf_counter() < end:
        sum(range(50))


def burn_twice(seconds):
    burn(seconds / 2)
    burn(seconds / 2)
