"""Can minute bars be stored? Not by this version; the writer says so instead of losing them."""

from __future__ import annotations

from collections.abc import Collection, Iterable

import pandas as pd

from rustybt.errors import BadData


class MinuteBarWriter:
    """Takes Zipline's place for ingest functions that offer minute bars, and refuses every bar."""

    def write(
        self,
        data: Iterable[tuple[int, pd.DataFrame]],
        assets: Collection[int] | None = None,
        show_progress: bool = False,
        invalid_data_behavior: str = "warn",
    ) -> None:
        """Accept no bars: an empty iterable passes.

        Parameters
        ----------
        data : iterable of (int, DataFrame)
            A sid and its minute bars.
        assets, show_progress, invalid_data_behavior
            As in Zipline; without bars they have nothing to act on.

        Raises
        ------
        BadData
            At the first frame that has a row.
        """
        for sid, frame in data:
            if len(frame):
                raise BadData(
                    f"minute bars of sid {sid} cannot be stored: bundles hold daily bars only, so write daily bars "
                    "with daily_bar_writer and leave the minutes out"
                )
