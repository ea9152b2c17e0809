"""What do runs come to when they are strung together, or cut short?"""

from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import NamedTuple

import numpy as np
import pandas as pd

from rustybt._typing import FloatArray, IntArray, Records
from rustybt.errors import InvalidParameter
from rustybt.finance.records import TRANSACTION
from rustybt.results.metrics import MetricInputs, compute_metrics
from rustybt.results.result import RunResult
from rustybt.results.trades import TRADE, trades_frame

MONEY_OF_TRADES = ("shares", "pnl", "commission")
MONEY_OF_FILLS = ("amount", "commission")
"""Fields that grow with the account; prices and ratios do not."""


class Piece(NamedTuple):
    """One run as arrays, which reach another process as they are.

    Attributes
    ----------
    session_ns : int64 array, shape (n_sessions,)
        Midnight labels of its sessions, nanoseconds.
    inputs : MetricInputs
        What its metrics are computed from.
    capital_base : float
        Cash at the start, above 0.
    """

    session_ns: IntArray
    inputs: MetricInputs
    capital_base: float


def piece_of(result: RunResult) -> Piece:
    """Give a run as arrays."""
    return Piece(result.sessions.session_ns, result.metric_inputs, float(result.records.capital_base))


def cash_piece(session_ns: IntArray, capital_base: float = 1.0, benchmark_returns: FloatArray | None = None) -> Piece:
    """Give sessions in which nothing is held as a piece: returns of 0, no trade.

    Parameters
    ----------
    session_ns : int64 array, shape (n_sessions,)
        Midnight labels, nanoseconds.
    capital_base : float
        Cash, which a first piece hands on to those after it.
    benchmark_returns : float64 array, shape (n_sessions,), optional
        Zeros if omitted.

    Returns
    -------
    Piece

    Examples
    --------
    >>> cash_piece(np.array([0, 86_400 * 10**9])).inputs.returns.tolist()
    [0.0, 0.0]
    """
    nothing = np.zeros(len(session_ns))
    inputs = MetricInputs(
        returns=nothing,
        benchmark_returns=nothing if benchmark_returns is None else benchmark_returns,
        portfolio_value=nothing + capital_base,
        capital_base=capital_base,
        gross_leverage=nothing,
        trades=np.empty(0, TRADE),
        transactions=np.empty(0, TRANSACTION),
    )
    return Piece(session_ns, inputs, capital_base)


def stitched(runs: Sequence[RunResult | Piece], symbols: Mapping[int, str] | None = None) -> "StitchedResult":
    """Put runs behind one another, each of which goes on with the wealth that the one before ended with.

    Parameters
    ----------
    runs : sequence of RunResult or Piece
        In time, without a common session. Between two of them there may be sessions of neither: they do not count, as
        if no time passed in cash.
    symbols : mapping of int to str, optional
        Tickers by sid, for `trades`; those of the results' bundles are known.

    Returns
    -------
    StitchedResult

    Raises
    ------
    InvalidParameter
        If there is none, or one does not begin after the one before.

    Notes
    -----
    A run's account begins with its own capital base, C. Strung together it begins with W, what the one before ended
    with (the first with its own C), and everything in money is multiplied by W/C: portfolio value, shares, pnl,
    commissions, financing. Prices, returns, leverage and sessions held are as they were. So a stitched account trades
    fractions of a share, and a commission with a minimum is the fraction of it that its own run paid.

    Each run begins in cash. What the one before held at its end is valued at the last close, and counts as a trade
    that is still open; that it is not carried on is not charged as a sale.

    An account that a run leaves with nothing, or less, trades no more: later sessions return 0.

    Examples
    --------
    >>> day = 86_400 * 10**9
    >>> stitched([cash_piece(np.array([0, day])), cash_piece(np.array([5 * day]))]).metrics["total_return"]
    0.0
    """
    pieces = [piece_of(run) if isinstance(run, RunResult) else run for run in runs]
    if not pieces or not all(len(piece.session_ns) for piece in pieces):
        raise InvalidParameter("runs is empty, or one of them has no session: there is nothing to string together")
    for before, after in zip(pieces, pieces[1:], strict=False):
        if after.session_ns[0] <= before.session_ns[-1]:
            raise InvalidParameter(
                f"a run begins at {_day(after.session_ns[0])}, not after {_day(before.session_ns[-1])}, where the one "
                "before ends: pass runs in time that share no session"
            )
    known = {e.sid: e.symbol for run in runs if isinstance(run, RunResult) for e in run.records.portal.finder.equities}
    return StitchedResult(pieces, {**known, **(symbols or {})})


def prefix_metrics(result: RunResult, sessions: int) -> dict[str, float]:
    """Give the metrics that a run would have had, had it ended after its first sessions.

    Parameters
    ----------
    result : RunResult
        Of the longer run; `result.is_prefix_safe` says whether the shorter one would have gone the same way.
    sessions : int
        How many; at least 1.

    Returns
    -------
    dict of str to float
        As `RunResult.metrics`, to the last bit those of the shorter run.

    Raises
    ------
    InvalidParameter
        If the run has not so many sessions.
    """
    return result.prefix(sessions).metrics


class StitchedResult:
    """Runs strung together; see `stitched`.

    Parameters
    ----------
    pieces : sequence of Piece
        In time, without a common session.
    symbols : mapping of int to str
        Tickers by sid.

    Attributes
    ----------
    inputs : MetricInputs
        As of one run: sessions are counted through all pieces.
    session_ns : int64 array, shape (n_sessions,)
        Midnight labels, nanoseconds.
    piece : int64 array, shape (n_sessions,)
        To which piece each session belongs, from 0.
    """

    def __init__(self, pieces: Sequence[Piece], symbols: Mapping[int, str]) -> None:
        sizes = [len(piece.session_ns) for piece in pieces]
        self.session_ns: IntArray = np.concatenate([piece.session_ns for piece in pieces])
        self.piece: IntArray = np.repeat(np.arange(len(pieces)), sizes)
        self.inputs = _chained(pieces)
        self._symbols = symbols

    @cached_property
    def sessions(self) -> pd.DatetimeIndex:
        """Session labels, tz-naive."""
        return pd.DatetimeIndex(self.session_ns.view("datetime64[ns]"))

    @property
    def returns(self) -> FloatArray:
        """Simple returns, float64 of shape (n_sessions,)."""
        return self.inputs.returns

    @property
    def portfolio_value(self) -> FloatArray:
        """What the account is worth at each session's end, float64 of shape (n_sessions,)."""
        return self.inputs.portfolio_value

    @property
    def equity(self) -> "pd.Series[float]":
        """`portfolio_value` by session label."""
        return pd.Series(self.portfolio_value, index=self.sessions, name="equity")

    @property
    def benchmark_returns(self) -> FloatArray:
        """Simple returns of the benchmark, float64 of shape (n_sessions,); zeros without one."""
        return self.inputs.benchmark_returns

    @property
    def gross_leverage(self) -> FloatArray:
        """Gross exposure over portfolio value, float64 of shape (n_sessions,)."""
        return self.inputs.gross_leverage

    @property
    def transactions(self) -> Records:
        """All fills, a structured array of dtype `rustybt.finance.records.TRANSACTION`; shares may be fractions."""
        return self.inputs.transactions

    @property
    def round_trips(self) -> Records:
        """All trades, a structured array of dtype `rustybt.results.trades.TRADE`; one may be open in each piece."""
        return self.inputs.trades

    @property
    def trades(self) -> pd.DataFrame:
        """Round trips, one row each; see `rustybt.results.trades.trades_frame`."""
        return trades_frame(self.round_trips, self.session_ns, self._symbols)

    @cached_property
    def metrics(self) -> dict[str, float]:
        """Every metric of docs/metrics.md by name."""
        return compute_metrics(self.inputs)


def _chained(pieces: Sequence[Piece]) -> MetricInputs:
    """Put runs behind one another, each with the wealth of the one before."""
    first = pieces[0]
    wealth, begin, capital = first.capital_base, 0, first.inputs.capital_base
    parts: list[MetricInputs] = []
    for piece in pieces:
        part = _continued(piece, wealth, begin)
        if parts:
            capital += part.capital_base - wealth
        parts.append(part)
        wealth, begin = float(part.portfolio_value[-1]), begin + len(part.returns)
    arrays = {
        name: np.concatenate([getattr(part, name) for part in parts])
        for name in ("returns", "benchmark_returns", "portfolio_value", "gross_leverage", "trades", "transactions")
    }
    return MetricInputs(
        **arrays,
        capital_base=capital,
        borrow_cost=sum(part.borrow_cost for part in parts),
        margin_interest=sum(part.margin_interest for part in parts),
    )


def _continued(piece: Piece, wealth: float, begin: int) -> MetricInputs:
    """Give a run's figures as those of an account that begins with some wealth, at a session of the whole."""
    if not wealth > 0:
        idle = cash_piece(piece.session_ns, wealth, piece.inputs.benchmark_returns)
        return idle.inputs
    inputs, scale = piece.inputs, wealth / piece.capital_base
    trades, fills = inputs.trades.copy(), inputs.transactions.copy()
    for name in MONEY_OF_TRADES:
        trades[name] *= scale
    for name in MONEY_OF_FILLS:
        fills[name] *= scale
    trades["entry_session"] += begin
    trades["exit_session"] += np.where(trades["is_open"], 0, begin)
    fills["session"] += begin
    return inputs._replace(
        portfolio_value=inputs.portfolio_value * scale,
        capital_base=wealth + (inputs.capital_base - piece.capital_base) * scale,
        trades=trades,
        transactions=fills,
        borrow_cost=inputs.borrow_cost * scale,
        margin_interest=inputs.margin_interest * scale,
    )


def _day(session_ns: int) -> str:
    return str(np.datetime64(int(session_ns), "ns").astype("datetime64[D]"))
