from rustybt.optimization.search import CMAESSearch
from tests.optimization.search.contract import ALL, SearchContract


class TestCMAESSearch(SearchContract):
    spaces = ALL

    def make(self, **options):
        return CMAESSearch(**{"trials": 30, "seed": 5, **options})
