from rustybt.optimization.search import NSGA2Search
from tests.optimization.search.contract import ALL, SearchContract


class TestNSGA2Search(SearchContract):
    spaces = ALL

    def make(self, **options):
        return NSGA2Search(**{"trials": 30, "seed": 5, "population": 8, **options})
