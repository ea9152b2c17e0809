"""Does an extension.py that was written for Zipline ingest its bundles, with no change but the package's name?"""

import numpy as np
import pandas as pd
import pytest

from rustybt.constants import OHLCV
from rustybt.data import bundles
from rustybt.engine import extensions
from tests.golden.ingest import DATA

EXTENSION = '''
import os
from pathlib import Path

import numpy as np
import pandas as pd
from zipline.data.bundles import core as bundles
from zipline.data.bundles import register
from zipline.data.bundles.csvdir import csvdir_equities
from zipline.utils.calendar_utils import get_calendar, register_calendar_alias
from zipline.utils.cli import maybe_show_progress

FOLDER = Path(os.environ["PRICES"])
EPOCH = pd.Timestamp("1970-01-01")


def seconds(days):
    return (pd.DatetimeIndex(days) - EPOCH) // pd.Timedelta("1s")


def load(symbol, cache):
    """Read a symbol's prices, which a run before may have left."""
    try:
        return cache[symbol]
    except KeyError:
        frame = pd.read_csv(FOLDER / "daily" / f"{symbol}.csv", parse_dates=["date"], index_col="date")
        cache[symbol] = frame
        return cache[symbol]


def daily_frames(symbols, metadata, cache, sessions, show_progress):
    with maybe_show_progress(symbols, show_progress, label="Loading prices: ") as it:
        for sid, symbol in enumerate(it):
            frame = load(symbol, cache)
            metadata.iloc[sid] = frame.index[0], frame.index[-1], frame.index[-1] + pd.Timedelta(days=1), symbol
            yield sid, frame.reindex(sessions.tz_localize(None)).fillna(0.0)


def minute_frames(symbols):
    for sid, symbol in enumerate(symbols):
        yield sid, pd.read_csv(FOLDER / "minute" / f"{symbol}.csv", parse_dates=["date"], index_col="date")


@register("vendor", calendar_name="NYSE", start_session=pd.Timestamp("2019-11-18"),
          end_session=pd.Timestamp("2019-12-06"), minutes_per_day=390, create_writers=True)
def vendor_bundle(
    environ,
    asset_db_writer,
    minute_bar_writer,
    daily_bar_writer,
    adjustment_writer,
    calendar,
    start_session,
    end_session,
    cache,
    show_progress,
    output_dir,
):
    assert environ["PRICES"] and os.path.isdir(output_dir)
    symbols = sorted(path.stem for path in (FOLDER / "daily").glob("*.csv"))
    sessions = calendar.sessions_in_range(start_session, end_session)
    dtype = [("start_date", "datetime64[ns]"), ("end_date", "datetime64[ns]"), ("auto_close_date", "datetime64[ns]"),
             ("symbol", "object")]
    metadata = pd.DataFrame(np.empty(len(symbols), dtype=dtype))
    daily_bar_writer.write(
        daily_frames(symbols, metadata, cache, sessions, show_progress),
        assets=set(range(len(symbols))),
        show_progress=show_progress,
        invalid_data_behavior="ignore",
    )
    minute_bar_writer.write(minute_frames(symbols), show_progress=show_progress, invalid_data_behavior="raise")
    metadata["exchange"] = "VENDOR"
    exchanges = pd.DataFrame(
        data=[["VENDOR", "The Vendor", "US"]], columns=["exchange", "canonical_name", "country_code"]
    )
    asset_db_writer.write(equities=metadata, exchanges=exchanges)
    days = sessions.tz_localize(None)
    splits = pd.DataFrame({"sid": [0], "effective_date": seconds(days[[5]]), "ratio": [0.5]})
    dividends = pd.DataFrame({
        "sid": [1], "ex_date": days[[6]], "declared_date": days[[1]], "record_date": pd.NaT, "pay_date": days[[9]],
        "amount": [0.25],
    })
    mergers = pd.DataFrame({"sid": [2], "effective_date": seconds(days[[13]]), "ratio": [0.8]})
    stock_dividends = pd.DataFrame({
        "sid": [1], "payment_sid": [0], "ex_date": days[[7]], "declared_date": days[[1]], "record_date": days[[8]],
        "pay_date": days[[9]], "ratio": [0.1],
    })
    adjustment_writer.write(splits=splits, mergers=mergers, dividends=dividends, stock_dividends=stock_dividends)


bundles.register(
    "folder",
    csvdir_equities(["daily"], str(FOLDER)),
    calendar_name="XNYS",
    start_session=pd.Timestamp("2019-11-18"),
    end_session=pd.Timestamp("2019-12-06"),
)
'''
NAMES = ("vendor", "folder")


@pytest.fixture
def extension(data_root, monkeypatch):
    monkeypatch.setenv("PRICES", str(DATA / "minutes"))
    data_root.mkdir(parents=True, exist_ok=True)
    (data_root / "extension.py").write_text(EXTENSION.replace("zipline", "rustybt"))
    yield
    extensions._loaded.clear()
    for name in NAMES:
        if name in bundles.bundles:
            bundles.unregister(name)


@pytest.mark.parametrize("progress", ["--show-progress", "--no-show-progress"])
def test_what_zipline_ingests_is_ingested(rustybt, extension, progress):
    for name in NAMES:
        done = rustybt(f"ingest -b {name} {progress}")
        assert done.exit_code == 0, done.output
    vendor, folder = (bundles.load(name) for name in NAMES)
    for field in OHLCV:
        np.testing.assert_array_equal(vendor.daily(field), folder.daily(field))
    files = sorted((DATA / "minutes/minute").glob("*.csv"))
    assert vendor.manifest.minute_rows == sum(len(pd.read_csv(path).dropna()) for path in files)
    first = vendor.asset_finder.equities[0]
    assert (first.symbol, first.exchange, first.country_code) == ("MAAA", "The Vendor", "US")
    actions = vendor.adjustments
    assert actions.splits.tolist() == [(0, pd.Timestamp("2019-11-25").as_unit("ns").value, 0.5)]
    assert actions.mergers[["sid", "ratio"]].tolist() == [(2, 0.8)]
    assert actions.dividends[["sid", "amount"]].tolist() == [(1, 0.25)]
    assert actions.stock_dividends[["sid", "payment_sid", "ratio"]].tolist() == [(1, 0, 0.1)]


def test_a_strategy_runs_on_it(rustybt, extension, workplace):
    (workplace / "strategy.py").write_text(
        "from rustybt.api import order, symbol\n\n\ndef initialize(context):\n    context.asset = symbol('MBBB')\n\n\n"
        "def handle_data(context, data):\n    if not context.portfolio.positions:\n        order(context.asset, 10)\n"
    )
    assert rustybt("ingest -b vendor --no-show-progress").exit_code == 0
    done = rustybt("run -f strategy.py -b vendor --data-frequency minute --no-benchmark -o perf.pickle")
    assert done.exit_code == 0, done.output
    positions = pd.read_pickle(workplace / "perf.pickle")["positions"].iloc[-1]
    assert {one["sid"].symbol: one["amount"] for one in positions}["MAAA"] > 0  # the dividend was paid in shares
