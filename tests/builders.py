"""Small bundles made in a test, by the writers that a user's ingest function gets."""

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from rustybt.calendars import session_table
from rustybt.data import bundles
from rustybt.data.store import BundleData

FIRST = "2020-01-02"


def days(count: int, first: str = FIRST) -> pd.DatetimeIndex:
    """Give consecutive XNYS sessions."""
    last = pd.Timestamp(first) + pd.Timedelta(days=2 * count + 10)
    table = session_table("XNYS", first, last)
    return pd.DatetimeIndex(table.session_ns[:count].view("M8[ns]"))


def bars(closes: Sequence[float], volume: float | Sequence[float] = 1_000_000, first: str = FIRST) -> pd.DataFrame:
    """Give daily bars with open = high = low = close."""
    frame = pd.DataFrame(
        {name: list(closes) for name in ("open", "high", "low", "close")}, index=days(len(closes), first)
    )
    frame["volume"] = volume
    return frame


def make_bundle(
    frames: Mapping[str, pd.DataFrame],
    *,
    name: str = "made",
    assets: Mapping[str, Mapping[str, Any]] | None = None,
    splits: Sequence[tuple[str, str, float]] = (),
    dividends: Sequence[tuple[str, str, str | None, float]] = (),
    stock_dividends: Sequence[tuple[str, str, str, str, float]] = (),
    mergers: Sequence[tuple[str, str, float]] = (),
) -> BundleData:
    """Ingest frames and open the result.

    splits and mergers are (symbol, effective date, ratio); dividends (symbol, ex date, pay date, amount);
    stock_dividends (symbol, payment symbol, ex date, pay date, ratio). `assets` overrides columns of the
    assets frame by symbol.
    """
    symbols = sorted(frames)
    sid = {symbol: number for number, symbol in enumerate(symbols)}

    def ingest(
        environ, asset_db_writer, minute_bar_writer, daily_bar_writer, adjustment_writer, calendar, start_session,
        end_session, cache, show_progress, output_dir,
    ):  # fmt: skip
        rows = []
        for symbol in symbols:
            span = frames[symbol].index
            row = {
                "symbol": symbol,
                "asset_name": symbol,
                "start_date": span[0],
                "end_date": span[-1],
                "auto_close_date": span[-1] + pd.Timedelta(days=1),
                "exchange": "NYSE",
            }
            rows.append({**row, **(assets or {}).get(symbol, {})})
        asset_db_writer.write(
            equities=pd.DataFrame(rows),
            exchanges=pd.DataFrame([{"exchange": "NYSE", "canonical_name": "NYSE", "country_code": "US"}]),
        )
        daily_bar_writer.write((sid[symbol], frames[symbol]) for symbol in symbols)
        adjustment_writer.write(
            splits=_table(splits, sid, ("effective_date",)),
            mergers=_table(mergers, sid, ("effective_date",)),
            dividends=_dividends(dividends, sid),
            stock_dividends=_stock_dividends(stock_dividends, sid),
        )

    first = min(frame.index[0] for frame in frames.values())
    last = max(frame.index[-1] for frame in frames.values())
    bundles.register(name, ingest, calendar_name="XNYS", start_session=first, end_session=last)
    try:
        bundles.ingest(name, show_progress=False)
    finally:
        bundles.unregister(name)
    return bundles.load(name)


def _table(
    rows: Sequence[tuple[str, str, float]], sid: Mapping[str, int], dates: tuple[str, ...]
) -> pd.DataFrame | None:
    if not rows:
        return None
    return pd.DataFrame([{"sid": sid[s], dates[0]: pd.Timestamp(day), "ratio": ratio} for s, day, ratio in rows])


def _dividends(rows: Sequence[tuple[str, str, str | None, float]], sid: Mapping[str, int]) -> pd.DataFrame | None:
    if not rows:
        return None
    return pd.DataFrame(
        [
            {
                "sid": sid[symbol],
                "amount": amount,
                "ex_date": pd.Timestamp(ex),
                "record_date": pd.Timestamp(ex),
                "declared_date": pd.Timestamp(ex),
                "pay_date": pd.NaT if pay is None else pd.Timestamp(pay),
            }
            for symbol, ex, pay, amount in rows
        ]
    )


def _stock_dividends(rows: Sequence[tuple[str, str, str, str, float]], sid: Mapping[str, int]) -> pd.DataFrame | None:
    if not rows:
        return None
    return pd.DataFrame(
        [
            {
                "sid": sid[symbol],
                "payment_sid": sid[payment],
                "ratio": ratio,
                "ex_date": pd.Timestamp(ex),
                "record_date": pd.Timestamp(ex),
                "declared_date": pd.Timestamp(ex),
                "pay_date": pd.Timestamp(pay),
            }
            for symbol, payment, ex, pay, ratio in rows
        ]
    )
