"""Do real prices go all the way: from CSV files through ingest and run to an optimization?"""

from pathlib import Path

import pandas as pd
import pytest
from arch.data import sp500

FOUR_STOCKS = Path(__file__).resolve().parents[3] / "shared/oracle/data/real"
CROSSOVER = """
from rustybt import Strategy
from rustybt.api import order_target_percent, symbols
from rustybt.optimization import Integer


class Crossover(Strategy):
    fast = Integer(5, 20, step=5)
    slow = Integer(40, 60, step=10)

    def initialize(self, context):
        context.assets = symbols({symbols})

    def handle_data(self, context, data):
        prices = data.history(context.assets, "price", self.slow, "1d")
        fast, slow = prices.iloc[-self.fast :].mean(), prices.mean()
        for asset in context.assets:
            order_target_percent(asset, 1 / len(context.assets) if fast[asset] > slow[asset] else 0)
"""


def go_all_the_way(rustybt, workplace, folder, symbols, span):
    """Ingest a folder, run one backtest and optimize; give the ingest's outcome and the trials."""
    (workplace / "strategy.py").write_text(CROSSOVER.format(symbols=", ".join(map(repr, symbols))))
    ingested = rustybt("ingest", "csvdir", str(folder), "--name", "real")
    assert ingested.exit_code == 0, ingested.output
    done = rustybt(f"run -f strategy.py -b real {span} -p fast=10 -p slow=50 -o perf.parquet")
    assert done.exit_code == 0, done.output
    done = rustybt(f"optimize -f strategy.py -b real {span} --workers 2 -o out")
    assert done.exit_code == 0, done.output
    trials = pd.read_parquet(workplace / "out/trials.parquet")
    assert (len(trials), set(trials["status"])) == (12, {"complete"})
    perf = pd.read_parquet(workplace / "perf.parquet")
    same = trials[(trials["fast"] == 10) & (trials["slow"] == 50)]
    assert perf["sharpe"].iloc[-1] == pytest.approx(same["sharpe"].item(), rel=1e-9)
    return ingested, trials


def test_the_index_of_500_stocks(rustybt, workplace):
    bars = sp500.load().rename(columns=str.lower).loc["2010":"2014", ["open", "high", "low", "close", "volume"]]
    folder = workplace / "index/daily"
    folder.mkdir(parents=True)
    bars.rename_axis("date").to_csv(folder / "SPX.csv")
    ingested, trials = go_all_the_way(rustybt, workplace, folder.parent, ["SPX"], "-s 2010-06-01 -e 2014-12-31")
    assert ingested.stdout == "real: 1 symbol, 1,258 daily bars, 2010-01-04 to 2014-12-31 (XNYS)\n"
    assert ingested.stderr == ""
    held = bars["close"].iloc[-1] / bars["close"].loc["2010-06-01"] - 1
    assert 0 < trials["total_return"].max() < held  # following the trend missed some of these years' long rise


@pytest.mark.skipif(not FOUR_STOCKS.is_dir(), reason="these prices may not be redistributed with the package")
@pytest.mark.filterwarnings("ignore:46 of 46 dividends have no pay date:rustybt.errors.IngestWarning")
def test_four_stocks_with_splits_and_dividends(rustybt, workplace):
    symbols = ["AAPL", "IBM", "KO", "MSFT"]
    ingested, _ = go_all_the_way(rustybt, workplace, FOUR_STOCKS, symbols, "-s 2012-06-01 -e 2014-12-31")
    assert "Split: AAPL splits 7 for 1 on 2014-06-09, but its close goes from 92.224 to 93.7" in ingested.stderr
