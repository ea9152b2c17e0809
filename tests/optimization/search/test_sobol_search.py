from rustybt.optimization.search import SobolSearch
from tests.optimization.search.contract import ALL, SearchContract


class TestSobolSearch(SearchContract):
    spaces = ALL

    def make(self, **options):
        return SobolSearch(**{"trials": 30, "seed": 5, **options})
