from rustybt.optimization.search import BayesianSearch
from tests.optimization.search.contract import ALL, SearchContract


class TestBayesianSearch(SearchContract):
    spaces = ALL

    def make(self, **options):
        return BayesianSearch(**{"trials": 30, "seed": 5, "startup": 5, **options})
