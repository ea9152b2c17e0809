"""How long does backtrader take for the crossover? Its indicators and order_target_percent."""

from collections.abc import Callable
from typing import Any

import backtrader as bt

from scripts.benchmarks.adjusted import read_bars
from scripts.benchmarks.answering import Job, serve


class PerShare(bt.CommInfoBase):
    """A tenth of a cent a share."""

    params = (("stocklike", True), ("commtype", bt.CommInfoBase.COMM_FIXED), ("commission", 0.001))


class Crossover(bt.Strategy):
    """An eighth in each asset whose fast average is above its slow one, every session."""

    params = (("fast", 10), ("slow", 50))

    def __init__(self) -> None:
        self.means = [
            (bt.ind.SMA(data.close, period=self.p.fast), bt.ind.SMA(data.close, period=self.p.slow))
            for data in self.datas
        ]

    def prenext(self) -> None:
        """Trade the assets that are listed while others are not yet."""
        self.next()

    def next(self) -> None:
        """Decide a session."""
        for data, (fast, slow) in zip(self.datas, self.means, strict=True):
            if len(data) >= self.p.slow:
                self.order_target_percent(data, 1 / len(self.datas) if fast[0] > slow[0] else 0.0)


def load(arguments: dict[str, Any]) -> Callable[[dict[str, Any]], Job]:
    """Read the bars, from as early that the slow average is there on the first day."""
    bars = read_bars(arguments["folder"], arguments["start"], arguments["end"], arguments["slow"] - 1)
    frames = {symbol: bars.of(symbol) for symbol in bars.symbols}

    def prepare(request: dict[str, Any]) -> Job:
        cerebro = bt.Cerebro(stdstats=False)
        for symbol, frame in frames.items():
            if len(frame):
                cerebro.adddata(bt.feeds.PandasData(dataname=frame), name=symbol)
        cerebro.addstrategy(Crossover, fast=arguments["fast"], slow=arguments["slow"])
        cerebro.broker.setcash(arguments["capital"])
        cerebro.broker.addcommissioninfo(PerShare())
        cerebro.broker.set_slippage_perc(0.0005)
        note = "fills at the next open"
        return Job(cerebro.run, lambda ran: {"value": ran[0].broker.getvalue(), "note": note})

    return prepare


if __name__ == "__main__":
    serve(load)
