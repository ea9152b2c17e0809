"""What does a pipeline say outside of a backtest?"""

from __future__ import annotations

from typing import Any

import pandas as pd

from rustybt.calendars import naive_day
from rustybt.data.bundles.catalog import load
from rustybt.data.portal import portal_of
from rustybt.data.store import BundleData
from rustybt.errors import InvalidParameter, InvalidSpan
from rustybt.pipeline.engine import PipelineEngine
from rustybt.pipeline.output import frames_together
from rustybt.pipeline.pipeline import Pipeline


def run_pipeline(
    pipeline: Pipeline,
    start: Any,
    end: Any,
    bundle: str | BundleData = "mag-7",
    custom_loader: Any = None,
    bundle_timestamp: Any = None,
) -> pd.DataFrame:
    """Compute a pipeline over some sessions of a bundle.

    Parameters
    ----------
    pipeline : Pipeline
        What to compute.
    start, end : date-like
        From the first session at or after one day to the last at or before another. The session after the bundle's last
        bar is the last that there can be: it shows what is known before it opens.
    bundle : str or BundleData
        A bundle's name, or what `rustybt.data.bundles.load` gave.
    custom_loader : object with get(column), optional
        Loaders of columns of one's own, such as a dict of columns and loaders.
    bundle_timestamp : date-like, optional
        The version that was the latest then.

    Returns
    -------
    pd.DataFrame
        Indexed by session (tz-naive) and asset, a row for each asset that passed the screen; a column for each of the
        pipeline's.

    Raises
    ------
    InvalidParameter
        If the pipeline is none.
    InvalidSpan
        If there is no session between the days.
    NoFurtherDataError
        If a term reaches back before the bundle's first session.

    Examples
    --------
    >>> from rustybt.data.bundles import ingest
    >>> from rustybt.pipeline.factors import Returns
    >>> _ = ingest("mag-7")
    >>> top = Pipeline({"returns": Returns(window_length=21)}, screen=Returns(window_length=21).top(1))
    >>> run_pipeline(top, "2024-06-03", "2024-06-04").round(4)
                                 returns
    2024-06-03 Equity(2 [AVGO])   0.2139
    2024-06-04 Equity(2 [AVGO])   0.2232
    """
    if not isinstance(pipeline, Pipeline):
        raise InvalidParameter(f"run_pipeline got {pipeline!r}: pass a rustybt.pipeline.Pipeline of it")
    data = load(bundle, timestamp=bundle_timestamp) if isinstance(bundle, str) else bundle
    first, last = naive_day(start, "start"), naive_day(end, "end")
    portal = portal_of(data)
    engine = PipelineEngine(portal, custom_loader, and_next=last > portal.sessions[-1])
    sessions = engine.universe(pipeline).sessions
    begin, stop = int(sessions.searchsorted(first)), int(sessions.searchsorted(last, side="right"))
    if begin >= stop:
        raise InvalidSpan(
            f"no session of bundle {data.name!r} ({sessions[0].date()} to {sessions[-1].date()}) lies between start "
            f"{first.date()} and end {last.date()}: choose others"
        )
    return frames_together(list(engine.parts(pipeline, sessions[begin], sessions[stop - 1])))
