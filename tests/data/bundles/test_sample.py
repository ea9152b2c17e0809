"""The packaged sample is the generator's synthetic data."""

import importlib.util
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from rustybt.constants import OHLC
from rustybt.data import bundles
from rustybt.data.bundles.sample import SAMPLE_FILE
from tests.golden.ingest import SPANS, daily_csvs

SCRIPT = Path(__file__).parents[3] / "scripts" / "make_data.py"
ACTIONS = ["dividend", "split"]


def generated(out: Path) -> Path:
    spec = importlib.util.spec_from_file_location("make_data", SCRIPT)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    assert module.mag7(out, seed=7) == 40_987
    return out / "mag7" / "daily"


def test_shape_span_and_size(mag7):
    assert SAMPLE_FILE.stat().st_size <= 2_000_000
    manifest = mag7.manifest
    assert (manifest.rows, manifest.assets, manifest.gaps) == (40_987, 8, {})
    assert (manifest.first_session, manifest.last_session) == ("2000-01-03", "2024-12-31")
    symbols = [equity.symbol for equity in mag7.asset_finder.equities]
    assert symbols == ["AAPL", "AMZN", "AVGO", "GOOGL", "META", "MSFT", "NVDA", "TSLA"]
    assert len(mag7.adjustments.splits) == 15 and len(mag7.adjustments.dividends) == 361


def test_says_that_it_is_synthetic(mag7):
    assert "SYNTHETIC" in mag7.manifest.description
    (record,) = [record for record in bundles.available() if record.name == "mag-7"]
    assert "SYNTHETIC" in record.description and record.registered


@pytest.mark.filterwarnings("ignore:Series.values:DeprecationWarning")  # exchange_calendars' own call, on pandas 3.1
def test_packaged_file_is_what_the_generator_writes(tmp_path):
    folder, packed = generated(tmp_path), pd.read_parquet(SAMPLE_FILE)
    for path in sorted(folder.glob("*.csv")):
        want = pd.read_csv(path, parse_dates=["date"])
        got = packed[packed["symbol"] == path.stem].reset_index(drop=True)
        assert (got["date"].to_numpy("M8[D]") == want["date"].to_numpy("M8[D]")).all()
        # exp and log may differ in the last bit between platforms, which moves a rounded price by one thousandth
        np.testing.assert_allclose(got[list(OHLC)], want[list(OHLC)], atol=0.0011, rtol=0)
        np.testing.assert_allclose(got[ACTIONS], want[ACTIONS], atol=0.00011, rtol=0)


def test_sample_equals_an_ingest_of_its_csv_files(mag7, tmp_path):
    packed = pd.read_parquet(SAMPLE_FILE)
    for symbol, table in packed.groupby("symbol"):
        table.drop(columns="symbol").to_csv(tmp_path / f"{symbol}.csv", index=False)
    first, last = SPANS["mag7"]
    bundles.register("again", daily_csvs(tmp_path), start_session=first, end_session=last)
    bundles.ingest("again")
    bundles.unregister("again")
    again = bundles.load("again")
    assert again.fingerprint == mag7.fingerprint and again.manifest.sid_map == mag7.manifest.sid_map
