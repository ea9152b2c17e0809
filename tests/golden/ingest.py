"""The ingest function behind the golden files: CSV files whose dividends are paid 14 days after the ex-date."""

from collections.abc import Callable
from pathlib import Path

import pandas as pd

DATA = Path(__file__).with_name("data")
SPANS = {
    "mag7": ("2000-01-03", "2024-12-31"),
    "quad": ("2012-01-03", "2014-12-31"),
    "holes": ("2015-01-02", "2019-12-31"),
    "adversarial": ("2018-06-01", "2019-01-18"),
    "minutes": ("2019-11-18", "2019-12-06"),
}


def daily_csvs(folder: Path) -> Callable[..., None]:
    """Make an ingest function for `<folder>/<symbol>.csv`."""

    def ingest(
        environ, asset_db_writer, minute_bar_writer, daily_bar_writer, adjustment_writer, calendar, start_session,
        end_session, cache, show_progress, output_dir,
    ):  # fmt: skip
        frames = {
            path.stem: pd.read_csv(path, index_col="date", parse_dates=True) for path in sorted(folder.glob("*.csv"))
        }
        spans = [frame.index[[0, -1]] for frame in frames.values()]
        equities = pd.DataFrame(
            {
                "symbol": list(frames),
                "start_date": [span[0] for span in spans],
                "end_date": [span[1] for span in spans],
                "auto_close_date": [span[1] + pd.Timedelta(days=1) for span in spans],
                "exchange": "NYSE",
            }
        )
        nyse = pd.DataFrame([{"exchange": "NYSE", "canonical_name": "NYSE", "country_code": "US"}])
        asset_db_writer.write(equities=equities, exchanges=nyse)
        daily_bar_writer.write(enumerate(frames.values()))
        minutes = folder.with_name("minute")
        if minutes.is_dir():
            minute_bar_writer.write((sid, minute_frame(minutes / f"{name}.csv")) for sid, name in enumerate(frames))
        if all("split" in frame for frame in frames.values()):
            adjustment_writer.write(splits=splits(frames), dividends=dividends(frames))
        else:
            adjustment_writer.write()

    return ingest


def minute_frame(path: Path) -> pd.DataFrame:
    """Read one asset's minutes, which are in UTC."""
    return pd.read_csv(path, index_col="date", parse_dates=True).tz_localize("UTC")


def splits(frames: dict[str, pd.DataFrame]) -> pd.DataFrame:
    """Give the rows whose split is not 1."""
    return pd.DataFrame(
        [
            {"sid": sid, "effective_date": day, "ratio": 1.0 / ratio}
            for sid, frame in enumerate(frames.values())
            for day, ratio in frame.split[frame.split != 1].items()
        ]
    )


def dividends(frames: dict[str, pd.DataFrame]) -> pd.DataFrame:
    """Give the rows that pay."""
    rows = [
        {"sid": sid, "ex_date": day, "record_date": day, "declared_date": day, "amount": amount}
        for sid, frame in enumerate(frames.values())
        for day, amount in frame.dividend[frame.dividend != 0].items()
    ]
    return pd.DataFrame(rows).assign(pay_date=lambda table: table.ex_date + pd.Timedelta(days=14))
