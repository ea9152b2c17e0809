"""What can be tried without data of one's own? The sample bundle "mag-7": SYNTHETIC prices of eight symbols.

The prices are random walks made by `scripts/make_data.py`; only symbols, listing dates and splits are those of real
companies. Nothing can be learned from them about a market.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Final

import pandas as pd

from rustybt.constants import OHLCV
from rustybt.data.bundles.progress import tracked

if TYPE_CHECKING:
    from exchange_calendars import ExchangeCalendar

    from rustybt.data.bundles.adjustment_writer import AdjustmentWriter
    from rustybt.data.bundles.asset_writer import AssetWriter
    from rustybt.data.bundles.daily_writer import DailyBarWriter
    from rustybt.data.bundles.frame_cache import FrameCache
    from rustybt.data.bundles.minute_writer import MinuteBarWriter

SAMPLE_NAME: Final = "mag-7"
SAMPLE_SPAN: Final = ("2000-01-03", "2024-12-31")
SAMPLE_FILE: Final = Path(__file__).with_name("mag7.parquet")
SAMPLE_DESCRIPTION: Final = "SYNTHETIC prices of 8 symbols, 2000-2024: a sample, not market data"
_PAY_AFTER: Final = pd.Timedelta(days=14)


def ingest_sample(
    environ: Mapping[str, str],
    asset_db_writer: AssetWriter,
    minute_bar_writer: MinuteBarWriter,
    daily_bar_writer: DailyBarWriter,
    adjustment_writer: AdjustmentWriter,
    calendar: ExchangeCalendar,
    start_session: pd.Timestamp,
    end_session: pd.Timestamp,
    cache: FrameCache,
    show_progress: bool,
    output_dir: str,
) -> None:
    """Ingest the SYNTHETIC sample that comes with the package.

    The parameters are those of every ingest function, see `bundles.register`. Dividends are paid 14 days after the
    ex-date.
    """
    table = pd.read_parquet(SAMPLE_FILE)
    symbols = sorted(table["symbol"].unique())
    sid = table["symbol"].map({symbol: sid for sid, symbol in enumerate(symbols)})
    spans = table.groupby("symbol")["date"].agg(["min", "max"]).loc[symbols]
    asset_db_writer.write(
        equities=pd.DataFrame(
            {
                "symbol": symbols,
                "start_date": spans["min"].to_numpy(),
                "end_date": spans["max"].to_numpy(),
                "auto_close_date": (spans["max"] + pd.Timedelta(days=1)).to_numpy(),
                "exchange": "NYSE",
            }
        ),
        exchanges=pd.DataFrame([{"exchange": "NYSE", "canonical_name": "NYSE", "country_code": "US"}]),
    )
    frames = ((int(one), bars.set_index("date")[list(OHLCV)]) for one, bars in table.groupby(sid))
    daily_bar_writer.write(tracked(frames, "Ingesting the synthetic sample", show_progress, len(symbols)))
    split, paid = table["split"] != 1.0, table["dividend"] != 0.0
    ex_date = table.loc[paid, "date"]
    adjustment_writer.write(
        splits=pd.DataFrame(
            {"sid": sid[split], "effective_date": table.loc[split, "date"], "ratio": 1.0 / table.loc[split, "split"]}
        ),
        dividends=pd.DataFrame(
            {
                "sid": sid[paid],
                "ex_date": ex_date,
                "declared_date": ex_date,
                "record_date": ex_date,
                "pay_date": ex_date + _PAY_AFTER,
                "amount": table.loc[paid, "dividend"],
            }
        ),
    )
