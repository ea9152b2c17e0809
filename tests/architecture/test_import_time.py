"""Is `import rustybt` fast, and does it still show what a user may import?"""

import json
import subprocess
import sys

import pytest

import rustybt

SECONDS = 0.3
HEAVY = {"pandas", "numpy", "duckdb", "exchange_calendars", "pyarrow", "rich", "click", "numba", "optuna", "scipy"}
PROBE = """
import json, sys, time
began = time.perf_counter()
import rustybt
print(json.dumps([time.perf_counter() - began, sorted(sys.modules)]))
"""


def probe() -> tuple[float, set[str]]:
    run = subprocess.run([sys.executable, "-c", PROBE], capture_output=True, text=True, check=True)
    seconds, loaded = json.loads(run.stdout)
    return seconds, set(loaded)


def test_importing_the_package_loads_nothing_heavy():
    assert probe()[1] & HEAVY == set()


def test_importing_the_package_takes_under_300_ms():
    assert min(probe()[0] for _ in range(5)) < SECONDS


@pytest.mark.parametrize("name", rustybt.__all__)
def test_every_listed_name_is_there(name):
    assert getattr(rustybt, name) is not None
    assert name in dir(rustybt)


def test_an_unknown_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="module 'rustybt' has no attribute 'Optimiser'"):
        _ = rustybt.Optimiser
