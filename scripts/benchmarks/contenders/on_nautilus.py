"""How long does nautilus_trader take for the crossover? Its indicators, and market orders for the difference."""

from collections.abc import Callable
from decimal import Decimal
from typing import Any

from nautilus_trader.backtest.engine import BacktestEngine, BacktestEngineConfig
from nautilus_trader.config import LoggingConfig, StrategyConfig
from nautilus_trader.indicators import SimpleMovingAverage
from nautilus_trader.model.currencies import USD
from nautilus_trader.model.data import Bar, BarType
from nautilus_trader.model.enums import AccountType, OmsType, OrderSide
from nautilus_trader.model.identifiers import InstrumentId, Symbol, Venue
from nautilus_trader.model.instruments import Equity
from nautilus_trader.model.objects import Money, Price, Quantity
from nautilus_trader.persistence.wranglers import BarDataWrangler
from nautilus_trader.trading.strategy import Strategy

from scripts.benchmarks.adjusted import FIELDS, read_bars
from scripts.benchmarks.answering import Job, serve

VENUE = Venue("SIM")
DECIMALS = 3


class CrossoverConfig(StrategyConfig, frozen=True):
    """Assets and windows."""

    bar_types: tuple[BarType, ...]
    fast: int
    slow: int


class Crossover(Strategy):
    """An eighth in each asset whose fast average is above its slow one, every session."""

    def __init__(self, config: CrossoverConfig) -> None:
        super().__init__(config)
        self.means = {
            bars.instrument_id: (SimpleMovingAverage(config.fast), SimpleMovingAverage(config.slow))
            for bars in config.bar_types
        }

    def on_start(self) -> None:
        """Ask for bars, and let the averages follow them."""
        for bars in self.config.bar_types:
            for mean in self.means[bars.instrument_id]:
                self.register_indicator_for_bars(bars, mean)
            self.subscribe_bars(bars)

    def worth(self) -> float:
        """Add up what is booked and what open positions gained."""
        booked = self.portfolio.account(VENUE).balance_total(USD).as_double()
        open_gains = self.portfolio.unrealized_pnls(VENUE).get(USD)
        return booked + (open_gains.as_double() if open_gains else 0.0)

    def on_bar(self, bar: Bar) -> None:
        """Decide for the bar's asset."""
        one = bar.bar_type.instrument_id
        close = bar.close.as_double()
        fast, slow = self.means[one]
        if not slow.initialized:
            return
        target = int(self.worth() / len(self.means) / close) if fast.value > slow.value else 0
        change = target - int(self.portfolio.net_position(one))
        if change:
            side = OrderSide.BUY if change > 0 else OrderSide.SELL
            self.submit_order(self.order_factory.market(one, side, Quantity.from_int(abs(change))))


def equity_of(symbol: str) -> Equity:
    """Describe an asset."""
    return Equity(
        instrument_id=InstrumentId(Symbol(symbol), VENUE),
        raw_symbol=Symbol(symbol),
        currency=USD,
        price_precision=DECIMALS,
        price_increment=Price(Decimal(1).scaleb(-DECIMALS), DECIMALS),
        lot_size=Quantity.from_int(1),
        ts_event=0,
        ts_init=0,
    )


def load(arguments: dict[str, Any]) -> Callable[[dict[str, Any]], Job]:
    """Read the bars, from as early that the slow average is there on the first day, and add them to an engine."""
    bars = read_bars(arguments["folder"], arguments["start"], arguments["end"], arguments["slow"] - 1)
    engine = BacktestEngine(BacktestEngineConfig(logging=LoggingConfig(bypass_logging=True), run_analysis=False))
    engine.add_venue(VENUE, OmsType.NETTING, AccountType.MARGIN, [Money(arguments["capital"], USD)], base_currency=USD)
    types = []
    for symbol in bars.symbols:
        frame = bars.of(symbol)[list(FIELDS)].tz_localize("UTC")
        if len(frame):
            instrument = equity_of(symbol)
            types.append(BarType.from_str(f"{instrument.id}-1-DAY-LAST-EXTERNAL"))
            engine.add_instrument(instrument)
            engine.add_data(BarDataWrangler(types[-1], instrument).process(frame))

    def prepare(request: dict[str, Any]) -> Job:
        engine.reset()
        engine.clear_strategies()
        config = CrossoverConfig(bar_types=tuple(types), fast=arguments["fast"], slow=arguments["slow"])
        strategy = Crossover(config)
        engine.add_strategy(strategy)
        note = "fills at the close that it decides at, no costs"
        return Job(engine.run, lambda _: {"value": strategy.worth(), "note": note})

    return prepare


if __name__ == "__main__":
    serve(load)
