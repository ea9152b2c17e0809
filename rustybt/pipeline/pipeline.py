"""What is asked of all assets on every session? Terms by name, and a filter of the assets that are shown."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from rustybt.errors import UnsupportedPipelineOutput, did_you_mean
from rustybt.pipeline.computable import ComputableTerm
from rustybt.pipeline.domain import GENERIC, Domain, infer_domain
from rustybt.pipeline.explain import Explanation, explain
from rustybt.pipeline.filter import Filter
from rustybt.pipeline.term import AssetExists, Term

SCREEN: Final = "screen"


class Pipeline:
    """Columns of a table that is computed on every session, with a row for each asset that passes the screen.

    Parameters
    ----------
    columns : dict of str to term
        Factors, filters and classifiers by the names of their columns.
    screen : Filter, optional
        Assets that are shown; all that exist, if omitted.
    domain : Domain, optional
        Sessions and assets; those of the terms, or of the bundle, if omitted.

    Examples
    --------
    >>> from rustybt.pipeline.factors import AverageDollarVolume, Returns
    >>> momentum = Returns(window_length=252)
    >>> liquid = AverageDollarVolume(window_length=20).top(500)
    >>> sorted(Pipeline({"momentum": momentum, "rank": momentum.rank(mask=liquid)}, screen=liquid).columns)
    ['momentum', 'rank']
    """

    __slots__ = ("_columns", "_domain", "_screen", "__weakref__")

    def __init__(self, columns: Mapping[str, Any] | None = None, screen: Any = None, domain: Domain = GENERIC) -> None:
        if not isinstance(columns, Mapping | None):
            raise TypeError(f"Pipeline got columns {columns!r}: pass a dict of names and terms")
        if not isinstance(domain, Domain):
            raise TypeError(f"Pipeline got domain {domain!r}: pass one of rustybt.pipeline.domain")
        self._columns: dict[str, Any] = {}
        self._screen: Any = None
        self._domain = domain
        for name, term in (columns or {}).items():
            self.add(term, name)
        if screen is not None:
            self.set_screen(screen)

    @property
    def columns(self) -> dict[str, Any]:
        """The terms by name."""
        return self._columns

    @property
    def screen(self) -> Any:
        """The filter of assets that are shown, or None."""
        return self._screen

    def add(self, term: Any, name: str, overwrite: bool = False) -> None:
        """Add a column.

        Parameters
        ----------
        term : Factor, Filter or Classifier
            What it holds.
        name : str
            Its name.
        overwrite : bool
            Whether it takes the place of one of this name.

        Raises
        ------
        KeyError
            If there is one of this name.
        TypeError
            If the term is none, or a column of a dataset.
        UnsupportedPipelineOutput
            If it has one value for all assets.
        """
        if not isinstance(name, str):
            raise TypeError(f"a column of a pipeline cannot be called {name!r}: pass a str")
        if isinstance(term, Term) and term.ndim == 1:
            raise UnsupportedPipelineOutput(
                f"column {name!r} is {term!r}, which has one value for all assets: use it as an input of other terms"
            )
        if not isinstance(term, ComputableTerm):
            raise TypeError(
                f"column {name!r} is {term!r}, which is no factor, filter or classifier: did you mean {_near(term)}?"
            )
        if name in self._columns and not overwrite:
            raise KeyError(f"Column {name!r} already exists: pass overwrite=True to replace it")
        self._columns.pop(name, None)
        self._columns[name] = term

    def remove(self, name: str) -> Any:
        """Remove a column, and give its term.

        Raises
        ------
        KeyError
            If there is none.
        """
        if name not in self._columns:
            raise KeyError(f"there is no column {name!r}{did_you_mean(str(name), self._columns)}")
        return self._columns.pop(name)

    def set_screen(self, screen: Any, overwrite: bool = False) -> None:
        """Show only assets that pass a filter.

        Raises
        ------
        ValueError
            If there is a screen.
        TypeError
            If it is no filter.
        """
        if not isinstance(screen, Filter):
            raise TypeError(f"set_screen() got {screen!r}: pass a filter, such as a comparison of a factor (eq for ==)")
        if self._screen is not None and not overwrite:
            raise ValueError(
                "set_screen() called with a screen already set: pass filter1 & filter2 for both, or overwrite=True to "
                "replace it"
            )
        self._screen = screen

    def terms(self) -> dict[str, Any]:
        """Give all that is computed: the columns, and last the screen under a name that no column has."""
        name = SCREEN
        while name in self._columns:
            name += "_"
        return {**self._columns, name: AssetExists() if self._screen is None else self._screen}

    def domain(self, default: Domain) -> Domain:
        """Give where it is computed.

        Parameters
        ----------
        default : Domain
            Where neither the pipeline nor its terms say it.

        Raises
        ------
        ValueError
            If the terms are of another domain than the pipeline.
        """
        found = infer_domain(self.terms().values())
        if GENERIC in (found, self._domain):
            known = found if self._domain is GENERIC else self._domain
            return default if known is GENERIC else known
        if found is not self._domain:
            raise ValueError(f"the pipeline's terms are of {found!r}, but it was made for {self._domain!r}: use one")
        return found

    def explain(self, start: Any = None, end: Any = None, bundle: Any = None) -> Explanation:
        """Give the plan: what is computed, in which order, over how many rows, and the memory that it needs.

        Parameters
        ----------
        start, end : date-like, optional
            Sessions that it would be run for; a year, if omitted.
        bundle : str or BundleData, optional
            On what; without it, sessions and assets are those of an example of 252 by 1,000.

        Returns
        -------
        Explanation
            A text; print it.

        Examples
        --------
        >>> from rustybt.pipeline.factors import RSI
        >>> print(Pipeline({"rsi": RSI()}).explain())
        Pipeline on GENERIC: 252 sessions x 1,000 assets, at most 6.5 MB at a time
           1. AssetExists (assets that exist each morning)  266 rows, 266 kB  -> screen
           2. EquityPricing.close::float64  266 rows, 4.3 MB
           3. RSI([EquityPricing.close], 15)  252 rows, 2.0 MB  -> rsi
        """
        return explain(self, start, end, bundle)

    def __repr__(self) -> str:
        return f"Pipeline(columns={list(self._columns)}, screen={self._screen!r})"


def _near(value: Any) -> str:
    """Guess what was meant by something that is no term."""
    if isinstance(value, type):
        return f"{value.__name__}()"
    return "factor.eq(value) for ==" if isinstance(value, bool) else "its .latest"
