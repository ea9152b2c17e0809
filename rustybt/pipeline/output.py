"""What did a pipeline compute? Tables by session and asset, as frames of all sessions or of one."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from rustybt._typing import BoolArray
from rustybt.assets import Equity


class Output:
    """Values of a pipeline's columns.

    Parameters
    ----------
    sessions : pd.DatetimeIndex, shape (n_sessions,)
        Rows.
    equities : sequence of Equity, shape (n_assets,)
        Columns.
    values : mapping of str to array or LabelArray, shape (n_sessions, n_assets)
        By the pipeline's columns.
    postprocess : mapping of str to callable
        Brings values of a column that passed the screen into the form that a frame holds.
    screen : bool array, shape (n_sessions, n_assets)
        What is shown.
    """

    def __init__(
        self,
        sessions: pd.DatetimeIndex,
        equities: Sequence[Equity],
        values: Mapping[str, Any],
        postprocess: Mapping[str, Callable[[Any], Any]],
        screen: BoolArray,
    ) -> None:
        self.sessions = sessions
        labels = np.empty(len(equities), dtype=object)
        labels[:] = equities
        self._assets = pd.Index(labels, dtype=object)
        self.screen = screen
        self._values = values
        self._postprocess = postprocess

    def on(self, row: int) -> pd.DataFrame:
        """Give one session's frame: a row for each asset that passed the screen, by sid."""
        shown = self.screen[row]
        columns = {name: make(self._values[name][row][shown]) for name, make in self._postprocess.items()}
        return pd.DataFrame(columns, index=self._assets[shown])

    def frame(self) -> pd.DataFrame:
        """Give all sessions' frame, indexed by session and asset."""
        rows, places = np.nonzero(self.screen)
        columns = {name: make(self._values[name][self.screen]) for name, make in self._postprocess.items()}
        index = pd.MultiIndex(
            levels=[self.sessions, self._assets],  # type: ignore[list-item]
            codes=[rows, places],  # type: ignore[list-item]
            verify_integrity=False,
        )
        return pd.DataFrame(columns, index=index, copy=False)


def frames_together(outputs: Sequence[Output]) -> pd.DataFrame:
    """Give the frame of several outputs, one after the other."""
    frames = [output.frame() for output in outputs]
    if len(frames) == 1:
        return frames[0]
    texts = [name for name, dtype in frames[0].dtypes.items() if isinstance(dtype, pd.CategoricalDtype)]
    for name in texts:
        known = sorted(set().union(*(frame[name].cat.categories for frame in frames)), key=str)
        for frame in frames:
            frame[name] = frame[name].cat.set_categories(known)
    return pd.concat([frame for frame in frames if len(frame)] or frames[:1])
