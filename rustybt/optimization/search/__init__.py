"""What proposes params? The search classes; each loads when it is used."""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rustybt.optimization.search.base import Feedback, Proposal, Proposals, Search
    from rustybt.optimization.search.bayesian_search import BayesianSearch
    from rustybt.optimization.search.bohb_search import BOHBSearch
    from rustybt.optimization.search.cmaes_search import CMAESSearch
    from rustybt.optimization.search.direct_search import DirectSearch
    from rustybt.optimization.search.grid_search import GridSearch
    from rustybt.optimization.search.nsga2_search import NSGA2Search
    from rustybt.optimization.search.random_search import RandomSearch
    from rustybt.optimization.search.sobol_search import SobolSearch
    from rustybt.optimization.search.tpe_hyperband_search import TPEHyperbandSearch

__all__ = [
    "BOHBSearch",
    "BayesianSearch",
    "CMAESSearch",
    "DirectSearch",
    "Feedback",
    "GridSearch",
    "NSGA2Search",
    "Proposal",
    "Proposals",
    "RandomSearch",
    "Search",
    "SobolSearch",
    "TPEHyperbandSearch",
]

_HOMES = {
    **dict.fromkeys(("Feedback", "Proposal", "Proposals", "Search"), "base"),
    "BOHBSearch": "bohb_search",
    "BayesianSearch": "bayesian_search",
    "CMAESSearch": "cmaes_search",
    "DirectSearch": "direct_search",
    "GridSearch": "grid_search",
    "NSGA2Search": "nsga2_search",
    "RandomSearch": "random_search",
    "SobolSearch": "sobol_search",
    "TPEHyperbandSearch": "tpe_hyperband_search",
}


def __getattr__(name: str) -> object:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value: object = getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *_HOMES})
