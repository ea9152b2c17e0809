"""What proposes params? The search classes."""

from rustybt.optimization.search.base import Proposals, Search
from rustybt.optimization.search.grid_search import GridSearch
from rustybt.optimization.search.random_search import RandomSearch

__all__ = ["GridSearch", "Proposals", "RandomSearch", "Search"]
