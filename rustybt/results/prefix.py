"""What would a run have left behind, had it ended earlier?

A simulation knows nothing of later sessions, so a shorter one from the same start is the beginning of a longer one, to
the last bit. Exceptions are named at `ends_do_not_matter`.
"""

import pandas as pd

from rustybt.assets.finder import AssetFinder, symbol_key
from rustybt.engine.benchmark import returns_of_asset
from rustybt.engine.records import RunRecords
from rustybt.errors import InvalidParameter, MultipleSymbolsFound, SymbolNotFound


def records_until(records: RunRecords, sessions: int) -> RunRecords:
    """Cut a run's records off after its first sessions.

    Parameters
    ----------
    records : RunRecords
        Of a finished run.
    sessions : int
        Of the shorter run, at least 1. A run that was given up before them keeps all it has: the shorter one would have
        been given up at the same session.

    Returns
    -------
    RunRecords
        Positions that are open at the cut stay open, valued there; a benchmark asset is adjusted as of the cut.

    Raises
    ------
    InvalidParameter
        If there are not so many sessions, or capital changes added to the account, of which the records know only the
        sum.
    """
    size, stopped = records.span.size, records.stopped
    if sessions == size and stopped is None:
        return records
    if sessions < 1 or (sessions > size and stopped is None):
        raise InvalidParameter(f"sessions {sessions} is none of 1 to {size}, which the run has")
    if records.capital_added != 0:
        raise InvalidParameter("the run's capital was changed, and its records do not say when: run the shorter span")
    asked = records.span._replace(last=records.span.first + sessions - 1)
    kept = min(sessions, size)
    benchmark = records.benchmark_returns
    if records.benchmark is not None:
        benchmark = returns_of_asset(records.benchmark, records.portal, asked)
    return records._replace(
        span=asked._replace(last=asked.first + kept - 1),
        sessions=records.sessions[:kept],
        benchmark_returns=benchmark[:kept],
        positions=records.positions[:sessions],
        orders=records.orders[:sessions],
        transactions=records.transactions[:sessions],
        recorded=records.recorded[:sessions],
        stock_grants=[grant for grant in records.stock_grants if grant[0] < sessions],
        packets=records.packets[:sessions],
        stopped=stopped if sessions >= size else None,
    )


def ends_do_not_matter(records: RunRecords, sessions: int = 1) -> bool:
    """Say whether a run that ends after so many sessions, or later, would have gone as this one did.

    Not known of a strategy that decides for all sessions at once, whose arrays may hold what comes later, and of an
    algorithm that asked where the run ends (`context.sim_params`, `get_environment("end")`); nor where metrics of the
    user's own, which are told, or capital changes were part of the run. A ticker is looked up as of the run's last
    session: it must name the same asset whichever session that is.

    Three things no record shows: an algorithm that raises in a later session has no records at all, where the shorter
    run would have come to its end; likewise, a benchmark asset must be listed throughout the longer run; and code that
    reads a clock, a file or random numbers of its own is never sure to go the same way twice.

    Parameters
    ----------
    records : RunRecords
        Of a finished run.
    sessions : int
        Of the shortest run in question.

    Returns
    -------
    bool
    """
    if records.told_end or records.packets or records.capital_added != 0:
        return False
    labels, span = records.portal.session_labels, records.span
    shortest = labels[span.first + min(sessions, span.size) - 1]
    finder = records.portal.finder
    return all(_names_one_asset(finder, *lookup, shortest, labels[span.last]) for lookup in records.lookups)


def _names_one_asset(
    finder: AssetFinder, symbol: str, country_code: str | None, first: pd.Timestamp, last: pd.Timestamp
) -> bool:
    """Say whether a ticker names the same asset as of every day from one to another."""
    key = symbol_key(symbol)
    starts = {owner.start_ns for owner in finder.owners if symbol_key(owner.symbol) == key}
    days = [first, *(pd.Timestamp(ns) for ns in sorted(starts) if first.value < ns <= last.value)]
    try:
        return len({finder.lookup_symbol(symbol, day, country_code) for day in days}) == 1
    except (SymbolNotFound, MultipleSymbolsFound):
        return False
