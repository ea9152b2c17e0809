"""Which sessions does a trial run over?"""

from typing import NamedTuple

from rustybt.engine.span import Span


class Scope(NamedTuple):
    """Sessions of one trial, as rows of the bundle's session table.

    Attributes
    ----------
    spans : tuple of (int, int)
        First and last row of each backtest, both included, in time. Several are run one by one, each with the whole
        capital, and their returns strung together.
    warmup : int
        Sessions before each span in which the strategy is called, and its orders are ignored.
    finds_warmup : bool
        Of those, take as many as the strategy needs; see `rustybt.optimization.warmup.needed_warmup`.
    ends : tuple of int
        Rows of earlier sessions for which to say, too, what the run would have come to if it had ended there.

    Examples
    --------
    >>> Scope(((0, 9), (20, 29))).size
    20
    """

    spans: tuple[tuple[int, int], ...]
    warmup: int = 0
    finds_warmup: bool = False
    ends: tuple[int, ...] = ()

    @staticmethod
    def of(span: Span) -> "Scope":
        """Give the scope of one backtest over a span."""
        return Scope(((span.first, span.last),))

    @property
    def size(self) -> int:
        """Sessions that are counted."""
        return sum(last - first + 1 for first, last in self.spans)
