"""Yahoo's prices are stored as they were traded, whatever split came later."""

from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from rustybt.data import bundles
from rustybt.data.bundles.yahoo_source import as_traded, significant
from rustybt.errors import BadData, DownloadFailed, IngestWarning, InvalidParameter, MissingExtra

DAYS = pd.DatetimeIndex(["2020-01-02", "2020-01-03", "2020-01-06", "2020-01-07", "2020-01-08"])
TRADED = pd.DataFrame(
    {
        "open": [280.0, 282.0, 71.0, 72.0, 1444.0],
        "high": [285.0, 288.0, 74.0, 73.0, 1500.0],
        "low": [279.0, 281.0, 70.0, 71.0, 1400.0],
        "close": [283.4, 287.91, 72.03, 72.22, 1460.2],
        "volume": [1000.0, 2000.0, 9000.0, 8000.0, 500.0],
        "dividend": [0.0, 0.8, 0.0, 0.25, 0.0],
        "split": [1.0, 1.0, 4.0, 1.0, 0.05],
    },
    index=DAYS,
)


class YahooError(Exception):
    """As yfinance.exceptions.YFException."""


def yahoo_frame(traded, up_to=None):
    """Adjust traded prices for later splits, one split after the other, in single precision, as Yahoo does."""
    made = traded.loc[:up_to].copy()
    for day, ratio in made["split"].items():
        before = made.index < day
        made.loc[before, ["open", "high", "low", "close", "dividend"]] /= ratio
        made.loc[before, "volume"] *= ratio
    prices = made[["open", "high", "low", "close"]].astype(np.float32).astype(float)
    prices.columns = ["Open", "High", "Low", "Close"]
    split = made["split"].where(made["split"] != 1.0, 0.0)
    more = {"Adj Close": prices["Close"] * 0.9, "Volume": made["volume"].astype(int), "Dividends": made["dividend"]}
    frame = prices.assign(**more, **{"Stock Splits": split})
    frame.index = frame.index.tz_localize("America/New_York").rename("Date")
    return frame


class Yahoo:
    """What is used of yfinance; it gives `frames`, and counts what it was asked."""

    exceptions = SimpleNamespace(YFException=YahooError)

    def __init__(self, **frames):
        self.frames, self.asked = frames, []

    def Ticker(self, symbol):
        def history(**how):
            self.asked.append((symbol, how))
            frame = self.frames.get(symbol)
            if isinstance(frame, Exception):
                raise frame
            return pd.DataFrame() if frame is None else frame.loc[how.get("start") :]

        return SimpleNamespace(history=history)


def ingested(yahoo, symbols=("AAPL",), **how):
    bundles.ingest_yfinance(list(symbols), "y", module=yahoo, dividend_pay_lag=0, **how)
    return bundles.load("y")


def test_prices_come_back_as_they_were_traded():
    pd.testing.assert_frame_equal(as_traded(yahoo_frame(TRADED)).tz_localize(None), TRADED, check_names=False)


def test_a_later_split_does_not_change_what_was_read_before():
    before, after = as_traded(yahoo_frame(TRADED, "2020-01-07")), as_traded(yahoo_frame(TRADED))
    pd.testing.assert_frame_equal(before, after.iloc[:4], check_exact=True)


@pytest.mark.filterwarnings("ignore:1 jumps look like:rustybt.errors.IngestWarning")
def test_a_bundle_equals_that_of_traded_frames():
    yahoo = Yahoo(AAPL=yahoo_frame(TRADED))
    bundle = ingested(yahoo)
    bundles.ingest_frames({"AAPL": TRADED}, "t", dividend_pay_lag=0)
    assert bundle.fingerprint == bundles.load("t").fingerprint
    assert yahoo.asked == [("AAPL", {"interval": "1d", "auto_adjust": False, "actions": True, "period": "max"})]
    assert bundle.manifest.source == {
        "kind": "yfinance",
        "calendar": "XNYS",
        "symbols": ["AAPL"],
        "dividend_pay_lag": 0,
    }


def test_splits_after_the_end_are_undone_too():
    bundle = ingested(Yahoo(AAPL=yahoo_frame(TRADED)), start="2020-01-03", end="2020-01-03")
    assert bundle.daily("close")[:, 0].tolist() == [287.91]
    assert bundle.adjustments.splits.size == 0
    with pytest.raises(BadData, match="AAPL: Yahoo has no bars up to 2019-12-31"):
        ingested(Yahoo(AAPL=yahoo_frame(TRADED)), end="2019-12-31")


def test_what_came_before_a_failure_is_not_asked_for_again():
    frame = yahoo_frame(TRADED, "2020-01-07")
    yahoo = Yahoo(AAPL=frame, MSFT=YahooError("Too many requests"))
    with pytest.raises(DownloadFailed, match=r"MSFT: Yahoo does not give it \(Too many requests\): ingest again later"):
        ingested(yahoo, ["AAPL", "MSFT"])
    yahoo.frames["MSFT"] = frame
    yahoo.asked.clear()
    assert ingested(yahoo, ["AAPL", "MSFT"]).manifest.assets == 2
    assert [symbol for symbol, _ in yahoo.asked] == ["MSFT"]


def test_an_unknown_ticker_and_a_missing_column_are_errors():
    with pytest.raises(BadData, match="NO: Yahoo has no bars of it: correct the symbol, or leave it out"):
        ingested(Yahoo(), ["NO"])
    with pytest.raises(BadData, match="yfinance gave no column 'Volume'"):
        ingested(Yahoo(A=yahoo_frame(TRADED).drop(columns="Volume")), ["A"])
    with pytest.raises(InvalidParameter, match="there are no symbols"):
        ingested(Yahoo(), [])


def test_capital_gains_are_told():
    frame = yahoo_frame(TRADED, "2020-01-07").assign(**{"Capital Gains": [0, 0, 0.5, 0]})
    with pytest.warns(IngestWarning, match="FUND has distributions of capital gains, which are left out"):
        ingested(Yahoo(FUND=frame), ["FUND"])


def test_yfinance_is_asked_for_by_name(monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "yfinance", None)
    with pytest.raises(MissingExtra, match=r'yfinance is not installed: run pip install "rustybt\[yfinance\]"'):
        bundles.ingest_yfinance(["AAPL"], "y")


def test_digits_that_single_precision_has():
    values = np.array([0.1, 109.88, 1e-9, 123456.78, 1.5e12, -3.0, 0.0, np.nan, np.inf])
    noisy = values.astype(np.float32).astype(float)
    np.testing.assert_array_equal(significant(noisy)[:3], values[:3])
    assert significant(noisy)[3] == 123456.8
    np.testing.assert_array_equal(significant(noisy)[5:], values[5:])
