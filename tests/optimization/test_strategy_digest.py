import importlib.util
import re
import subprocess
import sys
import textwrap
import threading

import numpy as np
import pytest

from rustybt import Strategy
from rustybt.engine.script import execute_script
from rustybt.engine.strategy import Hooks
from rustybt.optimization import Float, Integer
from rustybt.optimization.source import ClassSource, FunctionSource, read_script
from rustybt.optimization.strategy_digest import digest_of_source, digest_of_value

BASE = """
    from rustybt import Strategy
    from rustybt.api import order_target, symbol
    from rustybt.optimization import Integer

    LIMIT = 10
    HELD = {"AAPL": 1.5}

    def size(shares, factor=2):
        return min(shares * factor, LIMIT)

    class Common(Strategy):
        scale = 3

        def shares_of(self):
            return size(self.shares) * self.scale

    class Hold(Common):
        shares = Integer(1, 3)
        symbol_of = "AAPL"

        def initialize(self, context):
            context.asset = symbol(self.symbol_of)
            context.weights = {ticker: HELD[ticker] for ticker in HELD}

        def handle_data(self, context, data):
            order_target(context.asset, self.shares_of())
"""


@pytest.fixture
def load(tmp_path, monkeypatch):
    """Write a module, load it anew, and give it; it is forgotten at the end."""

    def load(text, name="user_algo"):
        path = tmp_path / f"{name}.py"
        path.write_text(textwrap.dedent(text))
        spec = importlib.util.spec_from_file_location(name, path)
        module = importlib.util.module_from_spec(spec)
        monkeypatch.setitem(sys.modules, name, module)
        spec.loader.exec_module(module)
        return module

    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    return load


def digest(strategy_class):
    found = digest_of_source(ClassSource(strategy_class))
    assert found.hexadecimal is not None, found.reason
    assert re.fullmatch("[0-9a-f]{64}", found.hexadecimal)
    return found.hexadecimal


def edited(*changes):
    text = BASE
    for old, new in changes:
        assert text.count(old) >= 1
        text = text.replace(old, new)
    return text


@pytest.mark.parametrize(
    "change",
    [
        ("LIMIT = 10", "LIMIT = 11"),
        ('"AAPL": 1.5', '"AAPL": 1.25'),
        ("factor=2", "factor=3"),
        ("min(shares", "max(shares"),
        ("scale = 3", "scale = 4"),
        ("* self.scale", "+ self.scale"),
        ('symbol_of = "AAPL"', 'symbol_of = "MSFT"'),
        ("order_target(context", "context.order(context"),
        ("import order_target, symbol", "import order_percent as order_target, symbol"),
        ("shares = Integer(1, 3)", "shares = 2"),
        ("class Hold(Common):", "class Hold(Common):\n        extra = 1"),
    ],
)
def test_what_a_trial_may_depend_on_changes_it(load, change):
    assert digest(load(BASE).Hold) != digest(load(edited(change)).Hold)


@pytest.mark.parametrize(
    "changes",
    [
        [("LIMIT = 10", "LIMIT = 10  # at most\n\n")],
        [("return min(shares * factor, LIMIT)", "return min(\n            shares * factor, LIMIT\n        )")],
        [("class Hold(Common):", 'class Hold(Common):\n        """Hold."""\n')],
        [("def shares_of(self):", 'def shares_of(self):\n            """Shares."""')],
        [("shares, factor=2", "shares: int, factor: float = 2")],
        [("class Hold(", "class Renamed(")],
        [("class Common(", "class Basis("), ("Hold(Common)", "Hold(Basis)")],
        [("Integer(1, 3)", "Integer(1, 300, step=2)")],
        *([("class Hold(Common):", f"class Hold(Common):\n        {label}")] for label in (
            *('name = "a"', 'title = "b"', 'notes = ["c"]', "id = 7", 'note: str = "d"', 'description = "e"'),
            *('bundle = "mag-7"', 'start = "2020"', "capital_base = 1", 'conditions = ["shares < 2"]'),
            "objective = 'calmar'",
        )),
        [("class Hold(Common):", "class Hold(Common):\n        def analyze(self, context, perf): open('x')\n")],
        [("LIMIT = 10", "LIMIT = 10\n    if __name__ == '__main__':\n        print(1)")],
    ],
)  # fmt: skip
def test_what_only_people_or_the_search_read_does_not(load, changes):
    changed = load(edited(*changes))
    assert digest(load(BASE).Hold) == digest(changed.__dict__.get("Hold") or changed.Renamed)


READING = edited(("* self.scale", "* self.scale + len(self.{0})"), ("scale = 3", "scale = 3\n        {0} = '{1}'"))


@pytest.mark.parametrize("label", ["name", "title", "notes", "id", "bundle", "start"])
def test_a_label_counts_where_the_code_reads_it(load, label):
    text = READING.replace("{0}", label)
    assert digest(load(text.replace("{1}", "a")).Hold) != digest(load(text.replace("{1}", "b")).Hold)


@pytest.mark.parametrize(
    "look", ["getattr(self, 'ti' + 'tle')", "vars(type(self))['title']", "type(self).__dict__['title']"]
)
def test_a_label_counts_where_the_code_looks_names_up(load, look):
    text = edited(("* self.scale", f"* len({look})"), ("scale = 3", "scale = 3\n        title = 'x'"))
    assert digest(load(text).Hold) != digest(load(text.replace("'x'", "'y'")).Hold)


@pytest.mark.parametrize(
    "read", ["self.__class__.shares.high", "type(self).shares.high", "Hold.shares.high", "HELD['class'].shares.high"]
)
def test_a_range_counts_where_the_code_can_reach_it(load, read):
    text = edited(("* self.scale", f"* {read}")) + "\n    HELD['class'] = Hold\n"
    assert digest(load(text).Hold) != digest(load(text.replace("Integer(1, 3)", "Integer(1, 4)")).Hold)


def test_a_range_does_not_count_where_the_code_only_names_prices(load):
    text = edited(("* self.scale", "* data.high"))
    assert digest(load(text).Hold) == digest(load(text.replace("Integer(1, 3)", "Integer(1, 4)")).Hold)


def test_the_class_name_counts_where_the_code_reads_it(load):
    text = edited(("* self.scale", "* len(self.__class__.__name__)"))
    assert digest(load(text).Hold) != digest(load(text.replace("class Hold", "class Longer")).Longer)


def test_an_argument_of_a_label_name_reads_the_label(load):
    text = edited(("def handle_data(self, context, data)", "def target_percent(self, bars, title)"))
    one, other = (text.replace("scale = 3", f"scale = 3\n        title = {value}") for value in (1, 2))
    assert digest(load(one).Hold) != digest(load(other).Hold)


def test_a_function_of_another_module_counts(load):
    text = edited(("return min(", "return user_sizing.least("), ("LIMIT = 10", "LIMIT = 10\n    import user_sizing"))
    load("def least(a, b):\n    return min(a, b)\n", "user_sizing")
    first = digest(load(text).Hold)
    load("def least(a, b):\n    return max(a, b)\n", "user_sizing")
    assert digest(load(text).Hold) != first


def test_every_loaded_module_counts_even_one_that_nothing_names(load):
    load("x = 1", "user_beside")
    first = digest(load(BASE).Hold)
    assert digest(load(BASE).Hold) == first
    load("x = 2", "user_beside")
    assert digest(load(BASE).Hold) != first


def test_code_counts_as_it_was_loaded_not_as_the_file_is_now(load, tmp_path):
    load("def least(a, b):\n    return min(a, b)\n", "user_sizing")
    text = edited(("return min(", "return user_sizing.least("), ("LIMIT = 10", "LIMIT = 10\n    import user_sizing"))
    stale = load(text).Hold
    (tmp_path / "user_sizing.py").write_text("def least(a, b):\n    return max(a, b)\n")
    kept = digest(stale)
    load("def least(a, b):\n    return max(a, b)\n", "user_sizing")
    assert digest(load(text).Hold) != kept


def test_other_script_files_do_not_count(tmp_path):
    paths = [tmp_path / "one.py", tmp_path / "two.py"]
    for path in paths:
        path.write_text(textwrap.dedent(BASE))
    first = digest(execute_script(paths[0]).Hold)
    paths[1].write_text(textwrap.dedent(edited(("LIMIT = 10", "LIMIT = 12"))))
    execute_script(paths[1])
    assert digest(execute_script(paths[0]).Hold) == first


def test_a_script_may_be_renamed(tmp_path):
    paths = [tmp_path / "one.py", tmp_path / "other.py"]
    for path in paths:
        path.write_text(textwrap.dedent(BASE))
    assert digest(execute_script(paths[0]).Hold) == digest(execute_script(paths[1]).Hold)


def made(factor, held=()):
    class Made(Strategy):
        def handle_data(self, context, data):
            context.n = factor * len(held)

    return Made


def test_what_surrounds_a_class_counts():
    assert digest(made(2)) == digest(made(2))
    assert digest(made(2)) != digest(made(3))
    assert digest(made(2, [np.arange(3)])) == digest(made(2, [np.arange(3)]))
    assert digest(made(2, [np.arange(3)])) != digest(made(2, [np.arange(4)]))


@pytest.mark.parametrize(
    ("held", "reason"),
    [
        (threading.Lock(), "'held' around made.<locals>.Made.handle_data is a lock"),
        ((number for number in range(3)), "is a generator"),
        ({"deep": [threading.Lock()]}, "is a lock"),
        (sys.stdout, "which only this process has"),
    ],
)
def test_what_only_this_process_has_gives_no_digest_and_a_reason(held, reason):
    found = digest_of_source(ClassSource(made(1, held)))
    assert found.hexadecimal is None
    assert reason in found.reason


def test_an_open_file_around_a_strategy_gives_no_digest(tmp_path):
    with open(tmp_path / "log", "w") as file:
        assert "TextIOWrapper" in digest_of_source(ClassSource(made(1, file))).reason


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("open('x')", "uses builtins.open"),
        ("exec('1')", "uses builtins.exec"),
        ("import pandas as pd; pd.read_csv('x')", "pandas.read_csv"),
        ("import user_never", "only when it runs"),
        ("import user_never.part", "only when it runs"),
        ("from . import part", "leads out of its package"),
        ("import os; os.environ['X']", "os.environ"),
        ("import pathlib; pathlib.Path('x').read_text()", "pathlib"),
        ("import datetime; datetime.datetime.now()", "datetime"),
    ],
)
def test_code_that_reads_what_is_outside_of_it_gives_no_digest(load, line, reason):
    text = edited(("context.asset = symbol(self.symbol_of)", line))
    found = digest_of_source(ClassSource(load(text).Hold))
    assert found.hexadecimal is None
    assert reason in found.reason


@pytest.mark.parametrize(
    ("top", "used"),
    [
        ("import pandas as pd", "pd.read_parquet('x')"),
        ("import numpy as np", "np.load('x')"),
        ("from numpy import load", "load('x')"),
        ("import time", "time.time()"),
        ("from datetime import datetime", "datetime.now()"),
        ("import pandas as pd", "pd.Timestamp.now()"),
        ("from pathlib import Path", "Path('x').read_text()"),
        ("import importlib", "importlib.import_module('x')"),
        ("import urllib.request", "urllib.request.urlopen('x')"),
        ("import gzip", "gzip.open('x')"),
        ("import zipfile", "zipfile.ZipFile('x')"),
        ("import linecache", "linecache.getlines('x')"),
        ("import os", "os.lstat('x')"),
        ("import os", "os.urandom(4)"),
        ("import uuid", "uuid.uuid4()"),
        ("import configparser", "configparser.ConfigParser().read('x')"),
        ("import pyarrow.parquet as pq", "pq.ParquetFile('x')"),
        ("import pandas as pd", "pd.Timestamp('now')"),
        ("import pandas as pd", "pd.to_datetime('today')"),
    ],
)
def test_a_reader_imported_at_the_top_gives_no_digest(load, top, used):
    text = edited(("LIMIT = 10", f"LIMIT = 10\n    {top}"), ("context.asset = symbol(self.symbol_of)", used))
    assert "may give another answer" in digest_of_source(ClassSource(load(text).Hold)).reason


@pytest.mark.parametrize(
    ("top", "used"),
    [
        ("import numpy as np", "np.random.default_rng(1).normal()"),
        ("import random", "random.random() + random.choice([1])"),
        ("from numpy.random import rand", "rand()"),
        ("import logging\n    log = logging.getLogger(__name__)", "log.info('x')"),
        ("import os.path", "os.path.join('a', 'b')"),
        ("import pandas as pd", "pd.DataFrame({'a': [1]}).mean()"),
        ("from scipy.stats import norm", "norm.cdf(0.5)"),
        ("import re\n    FINDS = re.compile('a+')", "FINDS.match('a')"),
        ("import time", "time.perf_counter()"),
        ("from functools import lru_cache, partial\n    FEW = lru_cache(partial(min, 1))", "FEW(2)"),
        ("from dataclasses import dataclass\n    @dataclass\n    class Leg:\n        n: int = 1", "Leg().n"),
        ("from enum import Enum\n    class Side(Enum):\n        LONG = 1", "Side.LONG.value"),
        ("from typing import NamedTuple\n    class Leg(NamedTuple):\n        n: int = 1", "Leg(2).n"),
        ("import pandas as pd\n    TABLE = pd.DataFrame({'a': ['x'], 'b': pd.to_datetime(['2020'])})", "TABLE.loc[0]"),
    ],
)  # fmt: skip
def test_ordinary_code_has_a_digest_which_its_values_change(load, top, used):
    text = edited(("LIMIT = 10", f"LIMIT = 10\n    {top}"), ("context.asset = symbol(self.symbol_of)", used))
    first = digest(load(text).Hold)
    assert digest(load(text).Hold) == first != digest(load(BASE).Hold)


def test_a_global_that_only_a_query_names_counts(load):
    text = edited(("* self.scale", "* len(context.table.query('price > @LIMIT'))"), ("factor, LIMIT", "factor, 5"))
    assert digest(load(text).Hold) != digest(load(text.replace("LIMIT = 10", "LIMIT = 11")).Hold)


def test_a_method_of_an_enum_counts(load):
    text = edited(("LIMIT = 10", "LIMIT = 10\n    import enum\n    class Side(enum.Enum):\n        LONG = 1\n"))
    text = text.replace("LONG = 1", "LONG = 1\n        def sign(self): return 1").replace(
        "min(", "Side(1).sign() * min("
    )
    assert digest(load(text).Hold) != digest(load(text.replace("return 1", "return -1")).Hold)
    assert digest(load(text).Hold) != digest(load(text.replace("LONG = 1", "LONG = 2")).Hold)


def test_random_numbers_drawn_before_do_not_count(load):
    text = edited(
        ("LIMIT = 10", "LIMIT = 10\n    import random"), ("return min(", "return random.randint(1, 2) * min(")
    )
    strategy = load(text).Hold
    first = digest(strategy)
    np.random.mtrand.rand()
    assert digest(strategy) == first


def test_modules_that_are_imported_by_functions_count_once_they_are_loaded(load):
    load("def least(a, b):\n    return min(a, b)\n", "user_sizing")
    text = edited(("return min(", "from user_sizing import least\n        return least("))
    first = digest(load(text).Hold)
    load("def least(a, b):\n    return max(a, b)\n", "user_sizing")
    assert digest(load(text).Hold) != first


FUNCTIONS = """
    from rustybt.optimization import Integer
    parameters = {"shares": Integer(1, 3)}
    conditions = ["shares > 1"]
    title = "T"
    bars = []

    def initialize(context):
        context.n = 1

    def handle_data(context, data):
        bars.append(context.params["shares"])
"""


@pytest.mark.parametrize(
    ("old", "new", "same"),
    [
        ("Integer(1, 3)", "Integer(1, 4)", True),
        ('"shares > 1"', '"shares > 2"', True),
        ('"T"', '"U"', True),
        ("bars = []", "bars = []  # of all sessions", True),
        ("context.n = 1", "context.n = 2", False),
        ("bars = []", "bars = [1]", False),
        ("bars = []", "bars = []\n    def analyze(context, perf): perf.to_csv('x')", True),
    ],
)
def test_the_functions_of_a_script(tmp_path, old, new, same):
    path = tmp_path / "algo.py"
    found = []
    for text in (FUNCTIONS, FUNCTIONS.replace(old, new)):
        path.write_text(textwrap.dedent(text))
        found.append(digest_of_source(read_script(path).source))
    assert (found[0] == found[1]) == same


def test_functions_have_digests(load):
    one = load(FUNCTIONS)
    source = FunctionSource(Hooks(one.initialize, one.handle_data))
    first = digest_of_source(source)
    assert first.hexadecimal
    assert digest_of_source(FunctionSource(Hooks(one.initialize, one.handle_data), "other name")) == first
    assert digest_of_source(FunctionSource(Hooks(None, one.handle_data))) != first
    assert digest_of_source(FunctionSource(Hooks(one.handle_data, one.initialize))) != first
    one.bars.append(3)
    assert digest_of_source(source) != first


class Ranged(Strategy):
    fast = Integer(1, 3)


class Wider(Strategy):
    fast = Integer(1, 9)


class Other(Strategy):
    slow = Float(1, 9)


def test_the_names_of_parameters_count_and_their_ranges_do_not():
    assert digest(Ranged) == digest(Wider) != digest(Other)


def test_a_value_has_a_digest_or_a_reason():
    assert digest_of_value(lambda perf: perf.pnl, "objective") != digest_of_value(lambda perf: perf.cash, "objective")
    assert digest_of_value(threading.Lock(), "objective 'x'").reason.startswith("objective 'x' is a lock")


def test_it_is_the_same_in_every_process(tmp_path):
    (tmp_path / "user_algo.py").write_text(textwrap.dedent(BASE + "\n    WORDS = {'a', 'b', 'c', 'd', 'e'}\n").replace(
        "self.scale", "self.scale * len(WORDS) * (3 in {1, 2, 3}) * (context in {'x', 'y', 'z'})"))  # fmt: skip
    probe = (
        "import sys; sys.path.insert(0, sys.argv[1]); import user_algo\n"
        "from rustybt.optimization.strategy_digest import StrategyWalk\n"
        "from rustybt.optimization.digests.loaded_code import modules_of_user\n"
        "walk = StrategyWalk(user_algo.Hold); print(walk.digest(user_algo.Hold), modules_of_user(walk.own_names()))\n"
    )
    seen = {
        subprocess.run(
            [sys.executable, "-B", "-c", probe, str(tmp_path)],
            env={"PYTHONHASHSEED": seed},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed in ("1", "2")
    }
    assert len(seen) == 1
