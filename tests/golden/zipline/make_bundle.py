"""Bundles as Zipline leaves them on disk, and the tables that they were made of: bundles.tar.gz beside this file.

usage, with an interpreter that has zipline-reloaded 3.2.1: ZIPLINE_ROOT=/some/new/folder python make_bundle.py
makes bundles.tar.gz anew (Python 3.11, seed 11). It holds

- csvs/daily/*.csv: three symbols, 40 sessions, with splits and dividends, a late listing and a missing bar;
- plain/: what Zipline's own `csvdir_equities` made of them;
- csvs/minute/*.csv and whole/: daily and minute bars over a half day, an exchange, dividends with their dates, two
  splits of one asset, a merger, a dividend in shares, an asset that changed its symbol, and a symbol that went to
  another asset.
"""

import gzip
import json
import os
import tarfile
from pathlib import Path

import numpy as np
import pandas as pd
from zipline.data import bundles
from zipline.data.bundles.csvdir import csvdir_equities
from zipline.utils.calendar_utils import get_calendar

ROOT = Path(os.environ["ZIPLINE_ROOT"])
OUT = Path(__file__).with_name("bundles.tar.gz")
FIRST, LAST = "2019-10-31", "2019-12-27"
MINUTES = ("2019-11-27", "2019-12-02")
TIME = pd.Timestamp("2020-01-02", tz="UTC")
COLUMNS = ["open", "high", "low", "close", "volume"]


def walk(rng, index, start, scale, places):
    """Make bars of a random walk."""
    close = start * np.exp(np.cumsum(rng.normal(0, scale, len(index))))
    first = np.concatenate([[start], close[:-1]])
    high = np.maximum(first, close) * (1 + rng.uniform(0, scale, len(index)))
    low = np.minimum(first, close) * (1 - rng.uniform(0, scale, len(index)))
    frame = pd.DataFrame({"open": first, "high": high, "low": low, "close": close}, index=index).round(places)
    return frame.assign(volume=rng.integers(1_000, 90_000, len(index)))


def daily_frames(rng, days):
    """Make daily bars with what csvdir reads beside them."""
    frames = {
        "AAA": walk(rng, days, 100.0, 0.01, 3),
        "BBB": walk(rng, days[5:], 20.0, 0.02, 3),
        "CCC": walk(rng, days[:30], 5.0, 0.02, 3),
    }
    for frame in frames.values():
        frame["dividend"], frame["split"] = 0.0, 1.0
    for symbol, day, ratio in (("AAA", days[20], 2.0), ("BBB", days[25], 3.0), ("CCC", days[10], 0.5)):
        frames[symbol].loc[day, "split"] = ratio
        frames[symbol].loc[day:, COLUMNS[:4]] = (frames[symbol].loc[day:, COLUMNS[:4]] / ratio).round(3)
    frames["AAA"].loc[days[12], "dividend"] = 0.53
    frames["BBB"].loc[days[30], "dividend"] = 0.07
    frames["BBB"].loc[days[17], COLUMNS] = np.nan
    return frames


def minute_frames(rng, calendar):
    """Make minute bars with holes, finer than thousandths for BBB."""
    minutes = calendar.sessions_minutes(*MINUTES)
    return {
        "AAA": walk(rng, minutes, 101.0, 0.0005, 3).iloc[:-30].drop(minutes[100:130]),
        "BBB": walk(rng, minutes[400:], 2.5, 0.0005, 5),
    }


def write_csvs(frames, folder):
    """Write one file a symbol."""
    folder.mkdir(parents=True)
    for symbol, frame in frames.items():
        frame.rename_axis("date").to_csv(
            folder / f"{symbol}.csv", date_format="%Y-%m-%d %H:%M" if "min" in folder.name else None
        )


def ingest_of(daily, minutes, days):
    """Make the ingest function of the whole bundle."""

    def ingest(environ, asset_db_writer, minute_bar_writer, daily_bar_writer, adjustment_writer, *rest):
        # Sid 4 was CCC before sid 9 took the name over; sid 7 was OLD before it was BBB.
        equities = pd.DataFrame(
            [
                (2, "AAA", "Alpha Ltd.", days[0], days[-1], days[-1] + pd.Timedelta(days=3)),
                (7, "OLD", "Beta Ltd.", days[5], days[14], days[-1] + pd.Timedelta(days=1)),
                (7, "BBB", "Beta Ltd.", days[15], days[-1], days[-1] + pd.Timedelta(days=1)),
                (4, "CCC", "Gamma Ltd.", days[0], days[9], days[10]),
                (9, "CCC", "Delta Ltd.", days[12], days[29], pd.NaT),
            ],
            columns=["sid", "symbol", "asset_name", "start_date", "end_date", "auto_close_date"],
        ).set_index("sid")
        exchanges = pd.DataFrame(
            [{"exchange": "NYSE", "canonical_name": "New York Stock Exchange", "country_code": "US"}]
        )
        asset_db_writer.write(equities=equities.assign(exchange="NYSE"), exchanges=exchanges)
        bars = [(2, daily["AAA"]), (7, daily["BBB"]), (4, daily["CCC"].iloc[:10]), (9, daily["CCC"].iloc[12:])]
        daily_bar_writer.write((sid, frame[COLUMNS].copy()) for sid, frame in bars)
        minute_bar_writer._ohlc_ratios_per_sid = {7: 100_000}
        minute_bar_writer._default_ohlc_ratio = 1000
        minute_bar_writer.write([(2, minutes["AAA"].copy()), (7, minutes["BBB"].copy())])
        splits = [(2, days[20], 0.5), (7, days[25], 1 / 3), (7, days[26], 0.7)]
        dividends = [
            (2, days[12], days[2], days[13], days[18], 0.53),
            (7, days[30], days[20], days[31], days[35], 0.07),
        ]
        adjustment_writer.write(
            splits=pd.DataFrame(splits, columns=["sid", "effective_date", "ratio"]),
            mergers=pd.DataFrame([(9, days[28], 0.9)], columns=["sid", "effective_date", "ratio"]),
            dividends=pd.DataFrame(
                dividends, columns=["sid", "ex_date", "declared_date", "record_date", "pay_date", "amount"]
            ),
            stock_dividends=pd.DataFrame(
                [(2, 7, days[22], days[21], days[23], days[24], 0.1)],
                columns=["sid", "payment_sid", "ex_date", "declared_date", "record_date", "pay_date", "ratio"],
            ),
        )

    return ingest


def write_ratios(folder):
    """Keep what the ingest function said of digits: Zipline writes the metadata before it is called."""
    path = next(folder.glob("*/minute_equities.bcolz/metadata.json"))
    path.write_text(json.dumps(json.loads(path.read_text()) | {"ohlc_ratios_per_sid": {"7": 100_000}}))


def plain_entry(info):
    """Leave out of the archive what differs from run to run."""
    info.mtime, info.uid, info.gid, info.uname, info.gname = 0, 0, 0, "", ""
    return None if info.name.endswith("/.cache") else info


def main():
    """Ingest both bundles and pack them."""
    rng = np.random.default_rng(11)
    calendar = get_calendar("XNYS")
    days = calendar.sessions_in_range(FIRST, LAST)
    daily, minutes = daily_frames(rng, days), minute_frames(rng, calendar)
    csvs = ROOT / "csvs"
    write_csvs(daily, csvs / "daily")
    write_csvs(minutes, csvs / "minute")
    span = {"calendar_name": "XNYS", "start_session": days[0], "end_session": days[-1]}
    bundles.register("plain", csvdir_equities(["daily"], str(csvs)), **span)
    bundles.register("whole", ingest_of(daily, minutes, days), **span)
    for name in ("plain", "whole"):
        bundles.ingest(name, timestamp=TIME)
    write_ratios(ROOT / "data/whole")
    with gzip.GzipFile(OUT, "wb", mtime=0) as packed, tarfile.open(fileobj=packed, mode="w") as archive:
        for name in ("csvs", "data/plain", "data/whole"):
            archive.add(ROOT / name, name.removeprefix("data/"), filter=plain_entry)


if __name__ == "__main__":
    main()
