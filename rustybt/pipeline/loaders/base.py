"""What does a source of columns give a pipeline?"""

from __future__ import annotations

from typing import Any, Protocol

import pandas as pd

from rustybt._typing import BoolArray
from rustybt.errors import InvalidParameter
from rustybt.pipeline.adjusted import AdjustedArray
from rustybt.pipeline.data.dataset import BoundColumn
from rustybt.pipeline.domain import Domain


class PipelineLoader(Protocol):
    """Reads columns: from a bundle, from frames in memory, or from wherever a user has them."""

    def load_adjusted_array(
        self, domain: Domain, columns: list[BoundColumn], dates: pd.DatetimeIndex, sids: pd.Index, mask: BoolArray
    ) -> dict[BoundColumn, AdjustedArray]:
        """Read columns.

        Parameters
        ----------
        domain : Domain
            Of the pipeline.
        columns : list of BoundColumn
            Which.
        dates : pd.DatetimeIndex, shape (n_dates,)
            Sessions; a row holds what was known on its morning.
        sids : pd.Index of int64, shape (n_assets,)
            Assets.
        mask : bool array, shape (n_dates, n_assets)
            Where they exist.

        Returns
        -------
        dict of BoundColumn to AdjustedArray
            One for each column.
        """
        ...


class Loaders:
    """Chooses the source of a column.

    Parameters
    ----------
    pricing, tables : PipelineLoader
        Of a bundle's bars, and of its point-in-time tables.
    custom : object with get(column), optional
        Of the user's columns, such as a dict of columns and loaders.
    """

    def __init__(self, pricing: Any, tables: Any, custom: Any = None) -> None:
        self.pricing = pricing
        self.tables = tables
        self.custom = custom

    def of(self, column: BoundColumn) -> Any:
        """Give a column's loader.

        Raises
        ------
        ValueError
            If there is none.
        """
        plain = column.unspecialize()
        if self.pricing.has(plain):
            return self.pricing
        for wanted in (column, plain):
            found = None if self.custom is None else self._custom(wanted)
            if found is not None:
                return found
        if self.tables.has(column.dataset):
            return self.tables
        raise ValueError(
            f"No PipelineLoader registered for column {column!r}: pass custom_loader={{column: loader}}, or ingest a "
            f"table with --dataset and name it in the dataset's `table` ({self.tables.known()})"
        )

    def load(
        self, column: BoundColumn, domain: Domain, dates: pd.DatetimeIndex, sids: pd.Index, mask: BoolArray
    ) -> AdjustedArray:
        """Read a column, see `PipelineLoader`.

        Raises
        ------
        InvalidParameter
            If its loader gives something else than a value for each date and asset; kernels rely on it.
        """
        loader = self.of(column)
        loaded: AdjustedArray | None = loader.load_adjusted_array(domain, [column], dates, sids, mask).get(column)
        shape = (len(dates), len(sids) if column.ndim == 2 else 1)
        if loaded is None or loaded.shape != shape:
            got = "nothing" if loaded is None else f"values of shape {loaded.shape}"
            raise InvalidParameter(
                f"{type(loader).__name__} gave {got} for column {column!r}: give an AdjustedArray of shape {shape}, a "
                "row for each date and a column for each sid"
            )
        return loaded

    def _custom(self, column: BoundColumn) -> Any:
        try:
            return self.custom.get(column)
        except KeyError:
            return None
