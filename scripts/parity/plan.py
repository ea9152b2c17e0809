"""On which data, over which span and with how much money does a case run?"""

from datetime import date, timedelta
from typing import NamedTuple

from scripts.parity.data_sets import DATA_SETS, DataSet
from scripts.parity.draws import Draw

DAILY = (
    ("mag7", 30.0),
    ("quad", 20.0),
    ("quad_actions", 14.0),
    ("holes", 18.0),
    ("holes_actions", 16.0),
    ("adversarial", 12.0),
    ("minutes_actions", 6.0),
)
MINUTE = (("minutes", 4.0), ("minutes_actions", 6.0))
MINUTE_SHARE = 0.27
CAPITALS = (50_000.0, 100_000.0, 123_456.78, 1_000_000.0, 1_000_000.0, 10_000_000.0)


class Plan(NamedTuple):
    """What every part of a case's algorithm goes by."""

    seed: int
    bundle: str
    minute: bool
    start: date
    end: date
    capital: float
    symbols: tuple[str, ...]  # listed before the run ends
    sids: tuple[int, ...]  # of assets that are listed later: symbols() does not find them
    benchmark: str  # a symbol, "series" for given returns, or "" for none

    @property
    def data_set(self) -> DataSet:
        """The data set of the bundle."""
        return DATA_SETS[self.bundle]

    @property
    def bars(self) -> int:
        """About how many bars the run has."""
        sessions = max(1, round((self.end - self.start).days * 252 / 365.25))
        return sessions * 390 if self.minute else sessions

    @property
    def events(self) -> list[tuple[str, date]]:
        """Symbol and date of what happens to the plan's symbols in its span."""
        dates = ((symbol, date.fromisoformat(day)) for symbol, day in self.data_set.events)
        return [(s, day) for s, day in dates if s in self.symbols and self.start <= day <= self.end]

    @property
    def consolidates(self) -> bool:
        """Whether a reverse split leaves small orders of a plan's symbol without a whole share."""
        splits = ((symbol, date.fromisoformat(day), ratio) for symbol, day, ratio in self.data_set.extras.splits)
        return any(s in self.symbols and self.start <= day <= self.end and ratio > 2 for s, day, ratio in splits)

    def every(self, draw: Draw, low: int, high: int) -> int:
        """Give a period in bars after which something happens about low to high times in the run."""
        return max(1, self.bars // draw.integer(low, high))


def span_of(draw: Draw, data_set: DataSet, days: int) -> tuple[date, date]:
    """Place a span of days in a data set, half the time so that an event lies in it."""
    first, last = date.fromisoformat(data_set.first), date.fromisoformat(data_set.last)
    days = min(days, (last - first).days)
    latest = last - timedelta(days=days)
    start = first + timedelta(days=draw.integer(0, (latest - first).days))
    if data_set.events and draw.chance(0.5):
        event = date.fromisoformat(draw.pick(data_set.events)[1])
        start = min(max(event - timedelta(days=draw.integer(0, days)), first), latest)
    return start, start + timedelta(days=days)


def on_weekdays(start: date, end: date) -> tuple[date, date]:
    """Move the ends of a span that fall on weekends inwards."""
    while start.weekday() > 4:
        start += timedelta(days=1)
    while end.weekday() > 4:
        end -= timedelta(days=1)
    return start, end


def lives_throughout(data_set: DataSet, symbol: str, start: date, end: date) -> bool:
    """Whether a symbol is listed from start to end."""
    for name, first, last in data_set.lives:
        if name == symbol and ((first and first > start.isoformat()) or (last and last < end.isoformat())):
            return False
    return True


def plan_of(seed: int, minute_bars: bool = True) -> Plan:
    """Draw what a seed's case runs on.

    Parameters
    ----------
    seed : int
        The case.
    minute_bars : bool
        Whether simulations by the minute may be drawn.

    Returns
    -------
    Plan
    """
    draw = Draw(seed, "plan")
    minute = draw.chance(MINUTE_SHARE) and minute_bars
    bundle = draw.weighted(MINUTE if minute else DAILY if minute_bars else DAILY[:-1])
    data_set = DATA_SETS[bundle]
    days = draw.integer(2, 9) if minute else round(draw.growing(31, 4 * 365))
    start, end = span_of(draw, data_set, days)
    if draw.chance(0.9):
        start, end = on_weekdays(start, end)
    if minute and (end - start).days < 2:  # hardly more than a weekend
        start, end = date(2019, 11, 20), date(2019, 11, 26)
    later = [name for name, first, _ in data_set.lives if first and first > end.isoformat()]
    known = [name for name in data_set.symbols if name not in later]
    symbols = tuple(draw.some(known, 2, len(known)))
    sids = tuple(data_set.symbols.index(name) for name in later if draw.chance(0.15))
    paying_shares = {row[0] for row in data_set.extras.stock_dividends if draw.chance(0.95)}  # no benchmarks
    listed = [s for s in data_set.symbols if lives_throughout(data_set, s, start, end) and s not in paying_shares]
    benchmark = draw.weighted(((draw.pick(listed) if listed else "", 15.0), ("series", 10.0), ("", 75.0)))
    return Plan(seed, bundle, minute, start, end, draw.pick(CAPITALS), symbols, sids, benchmark)
