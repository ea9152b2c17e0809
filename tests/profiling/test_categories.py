"""Is a stack's time counted for what its innermost known frame is for?"""

import pytest

from rustybt.profiling.categories import RULES, Category, category_of
from rustybt.profiling.sampler import Place
from tests.architecture.source import modules

CLI = Place("rustybt.cli.run", "run")
LOOP = Place("rustybt.engine.loop", "_Session._bars")
USER = Place("_script_strategy", "handle_data", "strategy.py", 12)
HISTORY = Place("rustybt.data.bar_data", "BarData.history")
PANDAS = Place("pandas.core.frame", "DataFrame.mean")
ORDER = Place("rustybt.engine.order_calls", "order")
FILL = Place("rustybt.finance.filling", "fill")
KERNEL = Place("rustybt.kernels.fills", "fill_and_book")
VECTOR = Place("rustybt.engine.vector", "run_batch")
NUMBA = Place("numba.core.dispatcher", "Dispatcher.compile")


@pytest.mark.parametrize(
    ("stack", "category"),
    [
        ((CLI,), "search, files, command"),
        ((CLI, LOOP), "engine's own loop"),
        ((CLI, LOOP, USER), "user code"),
        ((CLI, LOOP, USER, PANDAS), "user code"),
        ((CLI, LOOP, USER, HISTORY), "data"),
        ((CLI, LOOP, USER, HISTORY, PANDAS), "data"),
        ((CLI, LOOP, USER, ORDER), "orders"),
        ((CLI, LOOP, FILL), "orders"),
        ((CLI, LOOP, FILL, USER), "user code"),  # a cost model of the user's
        ((CLI, LOOP, FILL, USER, HISTORY), "data"),
        ((CLI, LOOP, Place("rustybt.finance.ledger", "Ledger.update")), "ledger"),
        ((CLI, LOOP, USER, Place("rustybt.finance.portfolio", "Portfolio.positions")), "ledger"),
        ((CLI, Place("rustybt.results.frame", "perf_frame"), PANDAS), "metrics and frames"),
        ((CLI, LOOP, Place("rustybt.finance.metrics.core", "end_of_bar")), "metrics and frames"),
        ((CLI, LOOP, FILL, KERNEL), "orders"),
        ((CLI, LOOP, USER, HISTORY, Place("rustybt.kernels.adjust", "apply_factors"), PANDAS), "data"),
        ((CLI, VECTOR), "kernels"),
        ((CLI, VECTOR, KERNEL), "kernels"),
        ((CLI, VECTOR, USER, KERNEL), "kernels"),
        ((CLI, VECTOR, USER, PANDAS), "user code"),
        ((CLI, KERNEL), "kernels"),
        ((CLI, VECTOR, NUMBA), "compiling"),
        ((CLI, LOOP, USER, ORDER, Place("rustybt.engine.active", "current")), "orders"),
        ((CLI, Place("rustybt.optimization.search.random_search", "draw")), "search, files, command"),
        ((CLI, Place("multiprocessing.connection", "wait"), Place("selectors", "select")), "idle"),
        ((CLI, LOOP, USER, Place("multiprocessing.connection", "Client")), "user code"),
        (
            (CLI, Place("rustybt.engine.script", "execute_script"), USER, Place("importlib", "import_module")),
            "user code",
        ),
        ((Place("rustybt.databases", "x"),), "search, files, command"),  # no module of rustybt.data
        ((PANDAS,), "search, files, command"),
        ((), "search, files, command"),
    ],
)
def test_the_innermost_known_frame_counts(stack, category):
    assert category_of(stack).value == category


def test_the_table_names_modules_that_exist():
    known = set(modules())
    own = [pattern.partition(":")[0].rstrip("*") for pattern, _ in RULES if pattern.startswith("rustybt")]
    assert [name for name in own if not any(module.startswith(name) for module in known)] == []


def test_every_kind_of_work_is_in_the_table_but_the_users():
    assert {category for _, category in RULES} == {*Category, None} - {Category.USER}


def test_no_rule_is_hidden_behind_an_earlier_one():
    names = [pattern.partition(":")[0] for pattern, _ in RULES]
    for i, name in enumerate(names):
        assert not [earlier for earlier in names[:i] if name == earlier or name.startswith(f"{earlier}.")]
