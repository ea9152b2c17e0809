"""How often does Python look for garbage while a run piles up records?"""

import gc
from collections.abc import Iterator
from contextlib import contextmanager

YOUNG_OBJECTS = 10_000
"""New containers after which Python looks through them; its own 700 finds a run's records alive over and over again."""

YOUNG_COLLECTIONS = 50
"""So often it does before it looks through all that it kept then; its own number is 10."""


@contextmanager
def rare_collections() -> Iterator[None]:
    """Let Python look for cyclic garbage more rarely until the block ends, if it looks at all."""
    before = gc.get_threshold()
    rarely = (max(before[0], YOUNG_OBJECTS), max(before[1], YOUNG_COLLECTIONS), before[2])
    gc.set_threshold(*(rarely if before[0] else before))
    try:
        yield
    finally:
        gc.set_threshold(*before)


@contextmanager
def no_collections() -> Iterator[None]:
    """Keep Python from looking for cyclic garbage until the block ends; for code that makes none."""
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()
