"""Which data do the cases run on, and how does a package ingest it?

The folders are csvdirs of synthetic US equities: mag7, quad, holes and adversarial have daily bars, minutes has both.
Two more data sets are the same bars with further corporate actions and lives, so that stock dividends, mergers, reverse
splits, and splits, late listings and delistings under minute bars occur too. Runs under either package's interpreter.
"""

import importlib
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import pandas as pd

PAY_DAYS = pd.Timedelta(days=14)  # from the ex-date to the pay date of a csvdir's dividend; it may be no session


class Extras(NamedTuple):
    """What a data set adds to its bars: (symbol, date, ...) rows."""

    splits: tuple[tuple[str, str, float], ...] = ()  # ratio as stored: 0.5 doubles the shares
    mergers: tuple[tuple[str, str, float], ...] = ()
    dividends: tuple[tuple[str, str, str | None, float], ...] = ()  # symbol, ex-date, pay date, amount
    stock_dividends: tuple[tuple[str, str, str, str, float], ...] = ()  # symbol, ex-date, pay date, paid in, ratio
    lives: tuple[tuple[str, str | None, str | None], ...] = ()  # first and last session of the bars
    listed: tuple[tuple[str, str, str, str | None], ...] = ()  # first and last date and auto-close of the asset


class DataSet(NamedTuple):
    """A folder of CSVs, the span that its bundle is registered with, and what is added."""

    folder: str
    first: str
    last: str
    symbols: tuple[str, ...]
    lives: tuple[tuple[str, str | None, str | None], ...] = ()  # of symbols that do not live from first to last
    events: tuple[tuple[str, str], ...] = ()  # symbol and date of what is worth trading around
    extras: Extras = Extras()


MAG7_SPLITS = (
    *(("AAPL", day) for day in ("2005-02-28", "2014-06-09", "2020-08-31")),
    *(("NVDA", day) for day in ("2000-06-27", "2001-09-12", "2006-04-07", "2007-09-11", "2021-07-20", "2024-06-10")),
    *(("TSLA", day) for day in ("2020-08-31", "2022-08-25")),
    *(("GOOGL", day) for day in ("2014-04-03", "2022-07-18")),
    *(("MSFT", "2003-02-18"), ("AMZN", "2022-06-06"), ("AVGO", "2024-07-15")),
)
MAG7_LIVES = (
    ("GOOGL", "2004-08-19", None),
    ("AVGO", "2009-08-06", None),
    ("TSLA", "2010-06-29", None),
    ("META", "2012-05-18", None),
)
HOLES_LIVES = (("BORN", "2016-03-15", None), ("DEAD", None, "2017-06-30"))
HOLES_LISTED = (("BORN", "2016-03-01", None), ("DEAD", None, "2017-07-31"))
HOLES_EXTRAS = Extras(  # on days without a bar, several on one day, paid after a delisting
    splits=(
        ("GAPS", "2017-05-24", 0.5),
        ("GAPS", "2016-07-07", 1.4),
        ("THIN", "2016-08-03", 1 / 3),
        ("PAYS", "2016-05-10", 0.25),
        ("ALIV", "2016-09-01", 0.7),
        ("DEAD", "2016-11-15", 6.0),
    ),
    mergers=(("GAPS", "2018-05-15", 0.93), ("ALIV", "2016-09-01", 1.17), ("THIN", "2017-06-21", 0.8)),
    dividends=(
        ("GAPS", "2017-05-26", "2017-06-05", 0.6),
        ("GAPS", "2016-06-29", "2016-07-08", 0.35),
        ("THIN", "2015-05-19", "2015-05-26", 0.2),
        ("ALIV", "2016-09-01", "2016-09-08", 0.44),
        ("DEAD", "2017-06-21", "2017-08-15", 0.5),
        ("DEAD", "2017-07-05", "2017-07-12", 0.25),
        ("BORN", "2016-03-16", "2016-03-30", 0.15),
    ),
    stock_dividends=(
        ("DEAD", "2017-06-20", "2017-07-14", "BORN", 0.07),
        ("THIN", "2016-06-10", "2016-06-20", "THIN", 0.31),
        ("ALIV", "2015-11-10", "2015-11-17", "DEAD", 0.02),
    ),
    listed=(("BORN", "2016-03-01", "2019-12-31", None), ("DEAD", "2015-01-02", "2017-07-31", "2017-08-08")),
)
QUAD_SPLITS = (("AAPL", "2014-06-06"), ("KO", "2012-08-10"), ("MSFT", "2013-03-15"), ("MSFT", "2013-05-09"))
QUAD_EXTRAS = Extras(
    splits=(("KO", "2013-02-06", 8.0), ("IBM", "2013-07-24", 1 / 1.998), ("AAPL", "2012-06-20", 2 / 3)),
    mergers=(("IBM", "2012-10-15", 0.83), ("KO", "2014-03-03", 1.31)),
    dividends=(
        ("KO", "2012-10-03", "2012-10-13", 0.31),
        ("MSFT", "2014-02-12", None, 0.9),
        ("IBM", "2013-07-24", "2013-08-01", 0.27),
    ),
    stock_dividends=(
        ("IBM", "2012-05-01", "2012-05-15", "IBM", 0.05),
        ("AAPL", "2013-01-08", "2013-01-22", "KO", 0.113),
        ("MSFT", "2014-05-06", "2014-05-12", "IBM", 0.29),
    ),
)
MINUTE_LIVES = (("MCCC", "2019-11-21", None), ("MBBB", None, "2019-12-03"))
MINUTE_EXTRAS = Extras(
    splits=(
        ("MAAA", "2019-11-22", 0.5),
        ("MAAA", "2019-11-29", 1 / 1.998),
        ("MBBB", "2019-11-26", 3.0),
        ("MCCC", "2019-12-02", 0.2),
    ),
    mergers=(("MCCC", "2019-11-27", 0.91),),
    dividends=(
        ("MAAA", "2019-11-25", "2019-11-27", 0.12),
        ("MBBB", "2019-11-22", "2019-12-02", 0.4),
        ("MCCC", "2019-12-02", "2019-12-04", 0.05),
    ),
    stock_dividends=(("MBBB", "2019-11-27", "2019-12-02", "MAAA", 0.1),),
    lives=MINUTE_LIVES,
)


def dates_of(extras: Extras) -> tuple[tuple[str, str], ...]:
    """Give symbol and date of every action and limit of a life."""
    actions = (*extras.splits, *extras.mergers, *extras.dividends, *extras.stock_dividends)
    limits = ((symbol, day) for symbol, first, last in extras.lives for day in (first, last) if day)
    # a listing may begin before the first bar and end after the last one
    limits = (*limits, *((row[0], day) for row in extras.listed for day in row[1:] if day))
    return (*((row[0], row[1]) for row in actions), *limits)


MAG7 = ("AAPL", "AMZN", "AVGO", "GOOGL", "META", "MSFT", "NVDA", "TSLA")
QUAD = ("AAPL", "IBM", "KO", "MSFT")
HOLES = ("ALIV", "BORN", "DEAD", "GAPS", "PAYS", "THIN")
HOLES_EVENTS = (("ALIV", "2019-03-15"), ("THIN", "2015-12-04"), ("BORN", "2016-03-15"), ("DEAD", "2017-06-30"))
ADVERSARIAL = ("BACK", "BOTH", "FIVE", "FLAT", "ODDS", "PAYS")
ADVERSARIAL_EVENTS = (
    *(("BACK", day) for day in ("2018-07-30", "2018-10-09")),
    *(("BOTH", day) for day in ("2018-08-13", "2018-10-23")),
    *(("FIVE", day) for day in ("2018-08-27", "2018-09-13")),
    *(("FLAT", day) for day in ("2018-07-16", "2018-09-25", "2018-11-06")),
    *(("ODDS", day) for day in ("2018-08-06", "2018-10-16")),
)
MINUTES = ("MAAA", "MBBB", "MCCC")
DATA_SETS = {
    "mag7": DataSet("mag7", "2000-01-03", "2024-12-31", MAG7, MAG7_LIVES, MAG7_SPLITS),
    "quad": DataSet("quad", "2012-01-03", "2014-12-31", QUAD, (), QUAD_SPLITS),
    "quad_actions": DataSet("quad", "2012-01-03", "2014-12-31", QUAD, (), dates_of(QUAD_EXTRAS), QUAD_EXTRAS),
    "holes": DataSet("holes", "2015-01-02", "2019-12-31", HOLES, HOLES_LIVES, HOLES_EVENTS),
    "holes_actions": DataSet(
        "holes", "2015-01-02", "2019-12-31", HOLES, HOLES_LISTED, dates_of(HOLES_EXTRAS), HOLES_EXTRAS
    ),
    "adversarial": DataSet("adversarial", "2018-06-01", "2019-01-18", ADVERSARIAL, (), ADVERSARIAL_EVENTS),
    "minutes": DataSet("minutes", "2019-11-18", "2019-12-06", MINUTES),
    "minutes_actions": DataSet(
        "minutes",
        "2019-11-18",
        "2019-12-06",
        MINUTES,
        MINUTE_LIVES,
        dates_of(MINUTE_EXTRAS),
        MINUTE_EXTRAS,
    ),
}


def read_frames(folder: Path, frequency: str, lives: dict[str, tuple[Any, Any]]) -> dict[str, pd.DataFrame]:
    """Read a csvdir's CSVs, cut to the lives given."""
    frames = {}
    for path in sorted((folder / frequency).glob("*.csv")):
        first, last = lives.get(path.stem, (None, None))
        frames[path.stem] = pd.read_csv(path, index_col="date", parse_dates=True).loc[first:last]
    return frames


def rows_of_bars(frames: dict[str, pd.DataFrame]) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Give the splits and the dividends that stand in the CSVs' columns."""
    splits, dividends = [], []
    for sid, frame in enumerate(frames.values()):
        if "split" in frame:
            split, cash = frame["split"], frame["dividend"]
            splits += [{"sid": sid, "ratio": 1.0 / r, "effective_date": day} for day, r in split[split != 1].items()]
            dividends += [dividend_row(sid, day, day + PAY_DAYS, amount) for day, amount in cash[cash != 0].items()]
    return splits, dividends


def dividend_row(sid: int, ex_date: Any, pay_date: Any, amount: float) -> dict[str, Any]:
    """Give a dividend's row in the adjustment writer's terms."""
    day = pd.Timestamp(ex_date)
    paid = pd.NaT if pay_date is None else pd.Timestamp(pay_date)
    return {"sid": sid, "amount": amount, "ex_date": day, "record_date": day, "declared_date": day, "pay_date": paid}


def actions(frames: dict[str, pd.DataFrame], extras: Extras) -> dict[str, pd.DataFrame | None]:
    """Give the adjustment writer's tables."""
    sids = {symbol: sid for sid, symbol in enumerate(frames)}
    splits, dividends = rows_of_bars(frames)

    def effective(rows: tuple[tuple[str, str, float], ...]) -> list[dict[str, Any]]:
        return [{"sid": sids[s], "ratio": ratio, "effective_date": pd.Timestamp(day)} for s, day, ratio in rows]

    paid_in_shares = [
        {k: v for k, v in dividend_row(sids[s], ex, pay, 0.0).items() if k != "amount"}
        | {"payment_sid": sids[other], "ratio": ratio}
        for s, ex, pay, other, ratio in extras.stock_dividends
    ]
    dividends += [dividend_row(sids[s], ex, pay, amount) for s, ex, pay, amount in extras.dividends]
    tables = {
        "splits": splits + effective(extras.splits),
        "mergers": effective(extras.mergers),
        "dividends": dividends,
        "stock_dividends": paid_in_shares,
    }
    return {name: table_of(rows) for name, rows in tables.items()}


def table_of(rows: list[dict[str, Any]]) -> pd.DataFrame | None:
    """Give rows as a table, earliest first: Zipline reads a table's rows in the order in which they were written."""
    if not rows:
        return None
    day = "effective_date" if "effective_date" in rows[0] else "ex_date"
    return pd.DataFrame(sorted(rows, key=lambda row: (row["sid"], row[day])))


def ingest_function(data_set: DataSet, data: Path) -> Callable[..., None]:
    """Make an ingest function as a user's extension.py has one."""

    def ingest(
        environ, asset_db_writer, minute_bar_writer, daily_bar_writer, adjustment_writer, calendar, start_session,
        end_session, cache, show_progress, output_dir,
    ):  # fmt: skip
        lives = {symbol: (first, last) for symbol, first, last in data_set.extras.lives}
        daily = read_frames(data / data_set.folder, "daily", lives)
        minute = read_frames(data / data_set.folder, "minute", lives)
        last = [frame.index[-1] for frame in daily.values()]
        equities = {
            "symbol": list(daily),
            "start_date": [frame.index[0] for frame in daily.values()],
            "end_date": last,
            "auto_close_date": [day + pd.Timedelta(days=1) for day in last],
        }
        dates = ("start_date", "end_date", "auto_close_date")
        for symbol, *listed in data_set.extras.listed:
            for name, day in zip(dates, listed, strict=True):
                equities[name][list(daily).index(symbol)] = pd.Timestamp(day) if day else pd.NaT
        exchanges = [{"exchange": "NYSE", "canonical_name": "NYSE", "country_code": "US"}]
        asset_db_writer.write(
            equities=pd.DataFrame(equities).assign(exchange="NYSE"), exchanges=pd.DataFrame(exchanges)
        )
        daily_bar_writer.write(enumerate(daily.values()))
        if minute:
            minute_bar_writer.write((sid, frame.tz_localize("UTC")) for sid, frame in enumerate(minute.values()))
        adjustment_writer.write(**actions(daily, data_set.extras))

    return ingest


def ingest(package: str, name: str, data: Path) -> None:
    """Register and ingest a data set as a bundle of its name under a package."""
    bundles = importlib.import_module(f"{package}.data.bundles")
    data_set = DATA_SETS[name]
    first, last = pd.Timestamp(data_set.first), pd.Timestamp(data_set.last)
    bundles.register(name, ingest_function(data_set, data), calendar_name="XNYS", start_session=first, end_session=last)
    bundles.ingest(name, show_progress=False)
