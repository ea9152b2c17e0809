"""What is a stack's time spent on?

On what its innermost frame is for that is the user's, or that the table below knows. So pandas called from a line of
the user's is the user's, and pandas called by data.history is data.
"""

from enum import StrEnum
from fnmatch import fnmatchcase
from functools import cache
from typing import Final

from rustybt.profiling.sampler import Place, Stack


class Category(StrEnum):
    """What time is spent on, in the order of a report."""

    USER = "user code"
    DATA = "data"
    ORDERS = "orders"
    LEDGER = "ledger"
    METRICS = "metrics and frames"
    KERNELS = "kernels"
    COMPILING = "compiling"
    ENGINE = "engine's own loop"
    DRIVER = "search, files, command"
    IDLE = "idle"


RULES: Final[tuple[tuple[str, Category | None], ...]] = (
    ("rustybt.data", Category.DATA),
    ("rustybt.assets", Category.DATA),
    ("rustybt.calendars", Category.DATA),
    ("rustybt.finance.ledger", Category.LEDGER),
    ("rustybt.finance.portfolio", Category.LEDGER),
    ("rustybt.finance.metrics", Category.METRICS),
    ("rustybt.finance", Category.ORDERS),
    ("rustybt.engine.order_calls", Category.ORDERS),
    ("rustybt.engine.ordering", Category.ORDERS),
    ("rustybt.engine.capital_changes", Category.LEDGER),
    ("rustybt.engine.recorder", Category.LEDGER),
    ("rustybt.engine.benchmark", Category.METRICS),
    ("rustybt.engine.metric_hooks", Category.METRICS),
    ("rustybt.engine.records", Category.METRICS),
    ("rustybt.engine.script", Category.DRIVER),
    ("rustybt.engine.extensions", Category.DRIVER),
    ("rustybt.engine.active", None),
    ("rustybt.engine.vector*", Category.KERNELS),
    ("rustybt.engine", Category.ENGINE),
    ("rustybt.kernels", Category.KERNELS),
    ("rustybt.results", Category.METRICS),
    ("rustybt.vector_run", Category.KERNELS),
    ("rustybt.run", Category.ENGINE),
    ("rustybt.algorithm", Category.ENGINE),
    ("rustybt.optimization", Category.DRIVER),
    ("rustybt.cli", Category.DRIVER),
    ("numba", Category.COMPILING),
    ("multiprocessing.connection:wait", Category.IDLE),
    ("rustybt.profiling:idle", Category.IDLE),
)
"""Which modules, and all below them, are for what; the first that fits counts. After a colon stands a function. None is
for its caller, as are modules that are not here."""

FOR_THEIR_CALLER: Final = {Category.KERNELS: {Category.DATA, Category.ORDERS, Category.LEDGER, Category.METRICS}}
"""A kernel that the event tier calls for a window or a fill is part of that; the vector tier's are kernels."""


def category_of(stack: Stack) -> Category:
    """Say what a stack's time is spent on.

    Parameters
    ----------
    stack : tuple of Place
        Outermost first.

    Examples
    --------
    >>> user, history = Place("strategy", "handle_data", "strategy.py", 7), Place("rustybt.data.bar_data", "history")
    >>> mean = Place("pandas.core.frame", "mean")
    >>> print(category_of((user, history)), category_of((user, history, mean)), category_of((user, mean)), sep=", ")
    data, data, user code
    """
    known = (found for place in reversed(stack) if (found := category_of_place(place)) is not None)
    innermost = next(known, Category.DRIVER)
    if innermost not in FOR_THEIR_CALLER:
        return innermost
    caller = next((found for found in known if found is not innermost), innermost)
    return caller if caller in FOR_THEIR_CALLER[innermost] else innermost


def category_of_place(place: Place) -> Category | None:
    """Say what a frame is for; None where that is its caller's to say."""
    return Category.USER if place.is_users else category_of_code(place.module, place.function)


@cache
def category_of_code(module: str, function: str) -> Category | None:
    """Look a function of the package or of a library up in the table."""
    for pattern, category in RULES:
        name, _, only = pattern.partition(":")
        if (not only or only == function) and (fnmatchcase(module, name) or fnmatchcase(module, f"{name}.*")):
            return category
    return None
