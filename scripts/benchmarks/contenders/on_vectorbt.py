"""How long does vectorbt take for all pairs of windows? MA.run for each side, then one from_orders over all columns."""

from collections.abc import Callable
from typing import Any

import numpy as np
import vectorbt as vbt

from scripts.benchmarks.adjusted import read_bars
from scripts.benchmarks.answering import Job, serve


def load(arguments: dict[str, Any]) -> Callable[[dict[str, Any]], Job]:
    """Read the bars, from as early that every average is there on the first day."""
    bars = read_bars(arguments["folder"], arguments["start"], arguments["end"], arguments["lookback"])
    all_closes = bars.frame("close")
    first = bars.before(arguments["start"])
    closes = all_closes.iloc[first:]

    def prepare(request: dict[str, Any]) -> Job:
        fast, slow = (list(column) for column in zip(*request["pairs"], strict=True))
        assets = len(bars.symbols)

        def run() -> dict[str, Any]:
            quick = vbt.MA.run(all_closes, fast, per_column=False, short_name="fast").ma.to_numpy()[first - 1 :]
            calm = vbt.MA.run(all_closes, slow, per_column=False, short_name="slow").ma.to_numpy()[first - 1 :]
            # decided at a close, traded at the next one; NaN means no order
            size = np.where(np.isnan(calm), np.nan, np.where(quick > calm, 1.0 / assets, 0.0))[:-1]
            portfolio = vbt.Portfolio.from_orders(
                vbt.base.reshape_fns.tile(closes, len(fast), axis=1),
                size=size,
                size_type="targetpercent",
                group_by=np.repeat(np.arange(len(fast)), assets),
                cash_sharing=True,
                call_seq="auto",
                init_cash=arguments["capital"],
                slippage=0.0005,
                freq="1D",
            )
            few = {
                "total_return": portfolio.total_return(),
                "sharpe": portfolio.sharpe_ratio(),
                "max_drawdown": portfolio.max_drawdown(),
                "trades": portfolio.trades.count(),
            }
            return few if not request.get("all_statistics") else {**few, "all": portfolio.stats(agg_func=None)}

        def describe(metrics: dict[str, Any]) -> dict[str, Any]:
            value = float(arguments["capital"] * (1 + np.atleast_1d(metrics["total_return"])[-1]))
            count = len(metrics["all"].T) if "all" in metrics else len(metrics)
            note = f"{count} metrics; fractional shares, no volume limit, no commission a share"
            return {"value": value, "note": note}

        return Job(run, describe)

    return prepare


if __name__ == "__main__":
    serve(load)
