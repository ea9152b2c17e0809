"""Bars of any exchange's calendar come back as they were given: breaks, half days, late opens, no closing at all."""

import warnings

import numpy as np
import pandas as pd
import pytest

from rustybt import run_algorithm
from rustybt.api import order, symbol
from rustybt.constants import OHLCV
from rustybt.data import bundles
from rustybt.errors import IngestWarning
from tests.oracles.minute_bars import labels_by_session

SPANS = {
    "XNYS": ("2019-11-27", "2019-12-02"),  # the 29th closes at 18:00 UTC
    "XLON": ("2019-12-23", "2019-12-27"),  # the 24th closes at 12:30 UTC
    "XTKS": ("2020-01-06", "2020-01-08"),  # no minutes from 02:31 to 03:30 UTC
    "XHKG": ("2020-01-23", "2020-01-24"),  # the 24th closes before the afternoon
    "XKRX": ("2020-12-02", "2020-12-04"),  # the 3rd opens an hour later
    "24/7": ("2020-02-28", "2020-03-01"),
}
"""First and last session of each calendar: they have a half day, a break, or a late open in between."""


def market(calendar):
    """Give the sessions of a span, and the session of each of its minutes, as the calendar library says them."""
    of = labels_by_session(calendar, *SPANS[calendar])
    return pd.DatetimeIndex(of.unique()), of


def bars_of(labels, seed=1):
    """Give bars with all the digits that a float64 has, and fractional volumes."""
    rng = np.random.default_rng(seed)
    low = rng.uniform(1e-6, 2e-6, len(labels)) if seed == 2 else rng.uniform(90.0, 100.0, len(labels))
    high = low * rng.uniform(1.0, 1.05, len(labels))
    opened, closed = rng.uniform(low, high, (2, len(labels)))
    frame = pd.DataFrame({"open": opened, "high": high, "low": low, "close": closed}, index=pd.DatetimeIndex(labels))
    return frame.assign(volume=rng.uniform(0.001, 5.0, len(labels))).rename_axis("date")


def ingested(frames, calendar, way, folder, frame):
    """Ingest frames, or the same in CSV files."""
    if way == "frames":
        bundles.ingest_frames(frames, "market", calendar, full_precision=True)
    else:
        (folder / frame).mkdir(parents=True)
        for name, one in frames.items():
            one.to_csv(folder / frame / f"{name}.csv")
        bundles.ingest_csvdir(folder, "market", calendar, full_precision=True)
    return bundles.load("market")


def minutes_by_label(bundle, field, column):
    """Give the stored minute bars of an asset, those that are missing left out."""
    table = bundle.minute_table
    blocks = [np.asarray(bundle.minute(field, block))[:, column] for block in range(len(table.block_first) - 1)]
    values = pd.Series(np.concatenate(blocks), index=pd.DatetimeIndex(table.label_ns.view("datetime64[ns]")))
    return values[values > 0]


@pytest.mark.filterwarnings("ignore::rustybt.errors.IngestWarning")
@pytest.mark.parametrize("way", ["frames", "csvdir"])
@pytest.mark.parametrize("calendar", SPANS)
def test_daily_bars_come_back_to_the_last_digit(calendar, way, tmp_path):
    sessions, _ = market(calendar)
    frames = {"A": bars_of(sessions), "B": bars_of(sessions, seed=2)}
    bundle = ingested(frames, calendar, way, tmp_path / "csv", "daily")
    assert bundle.sessions.session_ns.tolist() == sessions.as_unit("ns").asi8.tolist()
    assert bundle.calendar_name == calendar and bundle.price_quantum is None
    for column, frame in enumerate(frames.values()):
        for field in OHLCV:
            assert bundle.daily(field)[:, column].tolist() == frame[field].tolist(), field


@pytest.mark.filterwarnings("ignore::rustybt.errors.IngestWarning")
@pytest.mark.parametrize("way", ["frames", "csvdir"])
@pytest.mark.parametrize("calendar", SPANS)
def test_minute_bars_come_back_and_those_of_a_closed_market_are_counted(calendar, way, tmp_path):
    sessions, of = market(calendar)
    minutes = of.index
    around = pd.Timedelta(minutes=0 if calendar == "24/7" else 5)  # before and after are sessions there, too
    every = pd.date_range(minutes[0] - around, minutes[-1] + around, freq="min")
    frames = {"A": bars_of(every), "B": bars_of(minutes, seed=2)}
    bundle = ingested(frames, calendar, way, tmp_path / "csv", "minute")
    assert bundle.minute_table.label_ns.tolist() == minutes.as_unit("ns").asi8.tolist()
    for column, frame in enumerate(frames.values()):
        for field in OHLCV:
            stored = minutes_by_label(bundle, field, column)
            assert stored.tolist() == frame[field].loc[minutes].tolist(), field
    closed = len(every) - len(minutes)
    found = bundle.manifest.findings.get("outside", {"symbols": {}})
    assert found["symbols"] == ({"A": closed} if closed else {}) and bool(closed) == (calendar != "24/7")
    assert bundle.manifest.minute_rows == 2 * len(minutes)
    for row, session in enumerate(sessions):
        day = frames["A"].loc[minutes[of == session]]
        got = [float(bundle.daily(field)[row, 0]) for field in OHLCV]
        want = [day["open"].iloc[0], day["high"].max(), day["low"].min(), day["close"].iloc[-1]]
        assert got[:4] == want and got[4] == pytest.approx(day["volume"].sum(), rel=1e-14)


def closed_between(calendar, session):
    """Give the minutes from a session's first to its last that are no market minutes, and its first and last."""
    minutes = labels_by_session(calendar, session, session).index
    every = pd.date_range(minutes[0], minutes[-1], freq="min")
    return len(every.difference(minutes)), f"{minutes[0]:%H:%M}", f"{minutes[-1]:%H:%M}"


def test_the_spans_hold_what_they_are_chosen_for():
    assert closed_between("XNYS", "2019-11-29") == (0, "14:31", "18:00")
    assert closed_between("XLON", "2019-12-24") == (0, "08:01", "12:30")
    assert closed_between("XTKS", "2020-01-07") == (60, "00:01", "06:00")
    assert closed_between("XHKG", "2020-01-24")[2] == "04:00"
    assert closed_between("XKRX", "2020-12-02")[1] == "00:01"
    assert closed_between("XKRX", "2020-12-03")[1] == "01:01"
    assert closed_between("24/7", "2020-02-29")[0] == 0


@pytest.mark.parametrize("frequency", ["daily", "minute"])
@pytest.mark.parametrize("calendar", ["24/7", "XTKS"])
def test_a_strategy_trades_what_was_ingested(calendar, frequency):
    sessions, of = market(calendar)
    minutes = of.index
    frame = bars_of(sessions if frequency == "daily" else minutes).assign(volume=1e6 + 0.5)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", IngestWarning)
        bundles.ingest_frames({"A": frame}, "market", calendar, full_precision=True)
    seen = {}

    def handle_data(context, data):
        asset = symbol("A")
        seen[data.current_dt.tz_localize(None)] = data.current(asset, "close")
        if len(seen) == 1:
            order(asset, 10)

    result = run_algorithm(
        bundle="market",
        start=sessions[0],
        end=sessions[-1],
        initialize=lambda context: None,
        handle_data=handle_data,
        data_frequency=frequency,
    )
    assert len(result) == len(sessions)
    assert list(seen.values()) == frame["close"].tolist()
    if frequency == "minute":
        assert list(seen) == list(minutes)
    assert [one["amount"] for day in result["transactions"] for one in day][:1] == [10]
