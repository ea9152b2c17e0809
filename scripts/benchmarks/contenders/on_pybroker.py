"""How long does pybroker take for the crossover? Its indicators, and a function that it calls at every bar."""

from collections.abc import Callable
from typing import Any

import pandas as pd
import pybroker
from pybroker import ExecContext, FeeMode, Strategy, StrategyConfig

from scripts.benchmarks.adjusted import read_bars
from scripts.benchmarks.answering import Job, serve


def table_of(bars: Any) -> pd.DataFrame:
    """Give the bars as pybroker takes them: a row for each symbol and date."""
    frames = [bars.of(symbol).assign(symbol=symbol).reset_index() for symbol in bars.symbols]
    return pd.concat(frames, ignore_index=True).dropna()


def load(arguments: dict[str, Any]) -> Callable[[dict[str, Any]], Job]:
    """Read the bars, from as early that the slow average is there on the first day."""
    pybroker.disable_logging()
    pybroker.disable_progress_bar()
    fast, slow = arguments["fast"], arguments["slow"]
    bars = read_bars(arguments["folder"], arguments["start"], arguments["end"], slow - 1)
    table, weight = table_of(bars), 1 / len(bars.symbols)

    def mean(data: Any, window: int) -> Any:
        return pd.Series(data.close).rolling(window).mean().to_numpy()

    quick, calm = (pybroker.indicator(f"mean_{n}", mean, window=n) for n in (fast, slow))

    def decide(ctx: ExecContext) -> None:
        if ctx.bars < slow:
            return
        position = ctx.long_pos()
        held = position.shares if position else 0
        rising = ctx.indicator(quick.name)[-1] > ctx.indicator(calm.name)[-1]
        change = (ctx.calc_target_shares(weight) if rising else 0) - held
        if change > 0:
            ctx.buy_shares = change
        elif change < 0:
            ctx.sell_shares = -change

    def run() -> Any:
        config = StrategyConfig(
            initial_cash=arguments["capital"],
            fee_mode=FeeMode.PER_SHARE,
            fee_amount=0.001,
        )
        strategy = Strategy(table, bars.sessions[0], bars.sessions[-1], config)
        strategy.add_execution(decide, bars.symbols, indicators=[quick, calm])
        return strategy.backtest(calc_bootstrap=False)

    def describe(result: Any) -> dict[str, Any]:
        note = "fills at the middle of the next bar, no slippage"
        return {"value": float(result.portfolio["market_value"].iloc[-1]), "note": note}

    return lambda request: Job(run, describe)


if __name__ == "__main__":
    serve(load)
