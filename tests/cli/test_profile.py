"""Does --profile say where the time of a run or an optimization went, and change nothing else?"""

import json
import re
import signal

import pandas as pd
import pytest

from tests.cli.test_processes import press_ctrl_c, start, wait_until

SPAN = "-b mag-7 -s 2015-01-02 -e 2015-03-31"
BURNING = """
import time

from rustybt import Strategy
from rustybt.api import order_target, symbol
from rustybt.optimization import Integer


class Burning(Strategy):
    shares = Integer(1, 4)

    def handle_data(self, context, data):
        if data.current_dt.day < 10:
            self.burn()
        order_target(symbol("AAPL"), self.shares if data.current_dt.day % 2 else 0)

    def burn(self):
        end = time.perf_counter() + 0.02
        while time.perf_counter() < end:
            sum(range(50))
"""
SESSIONS_BURNT = 18
SECONDS_BURNT = 0.02 * SESSIONS_BURNT
SLOW = """
import time
from rustybt import Strategy
from rustybt.optimization import Integer

class Slow(Strategy):
    n = Integer(1, 500)

    def handle_data(self, context, data):
        with open("started", "a") as file:
            file.write("x")
        time.sleep({seconds})
"""

pytestmark = pytest.mark.usefixtures("ingested")


@pytest.fixture
def burning(workplace):
    (workplace / "burning.py").write_text(BURNING)
    return workplace


def table(text):
    """Read the printed table: its rows of numbers by name, shares without their signs."""
    lines = text.split("Where the time went")[1].splitlines()
    rows = [[cell.strip() for cell in line.strip("│").split("│")] for line in lines if line.startswith("│")]
    return {name: [float(cell.rstrip("%")) for cell in cells] for name, *cells in rows}


def page(path):
    text = path.read_text(encoding="utf-8")
    assert re.findall(r"https?:|\bsrc=|\bhref=|@import|url\(", text) == []
    return json.loads(re.search(r'type="application/json">(.*?)</script>', text, re.DOTALL)[1])


def assert_adds_up(rows, column):
    total = rows.pop("total")
    assert total[column + 1] == 100.0
    assert sum(row[column] for row in rows.values()) == pytest.approx(total[column], abs=0.01 * len(rows))
    assert sum(row[column + 1] for row in rows.values()) == pytest.approx(100.0, abs=0.1 * len(rows))
    rows["total"] = total


def test_a_run_says_where_its_time_went(rustybt, burning):
    assert rustybt(f"run -f crossover.py {SPAN} -p fast=5 -p slow=20").exit_code == 0  # makes arrays, imports modules
    done = rustybt(f"run -f burning.py {SPAN} -p shares=3 --no-benchmark --profile")
    assert (done.exit_code, done.stderr) == (0, ""), done.output
    rows = table(done.stdout)
    assert_adds_up(rows, 0)
    assert rows["user code"][0] > 0.9 * SECONDS_BURNT
    assert rows["user code"][1] == max(row[1] for name, row in rows.items() if name != "total")
    assert done.stdout.endswith("flame graph: profile.html\n")
    content = page(burning / "profile.html")
    assert content["title"] == "rustybt run burning.py"
    assert any(re.fullmatch(r"Burning\.burn burning\.py:\d+", name) for name, _ in content["names"])


def test_a_run_has_the_same_numbers(rustybt, burning):
    for name, option in (("plain", ""), ("watched", "--profile")):
        (burning / name).mkdir()
        line = f"run -f burning.py {SPAN} -p shares=3 -o {name}/perf.pickle {option}"
        assert rustybt(line).exit_code == 0
    assert not (burning / "plain/profile.html").exists()
    assert (burning / "watched/profile.html").is_file()
    plain, watched = (pd.read_pickle(burning / f"{name}/perf.pickle") for name in ("plain", "watched"))
    pd.testing.assert_frame_equal(plain, watched, check_exact=True)


@pytest.mark.parametrize("workers", [1, 2])
def test_an_optimization_says_where_its_time_went(rustybt, burning, workers):
    line = f"optimize -f burning.py {SPAN} --objective total_return --workers {workers}"
    done = rustybt(f"{line} -o watched --profile")
    assert done.exit_code == 0, done.output
    rows = table(done.stdout)
    assert_adds_up(rows, 0)
    trials, rerun = 4 * SECONDS_BURNT, SECONDS_BURNT
    if workers == 1:
        assert "idle" not in rows
        assert rows["user code"][0] > 0.9 * (trials + rerun)
    else:
        assert_adds_up(rows, 2)
        assert rows["user code"][2] > 0.9 * trials
        assert rows["user code"][0] > 0.9 * rerun
        assert rows["idle"][0] > 0
    assert done.stdout.endswith("flame graph: watched/profile.html\n")
    content = page(burning / "watched/profile.html")
    assert content["workers"] == (2 if workers == 2 else 0)
    assert rustybt(f"{line} -o plain").exit_code == 0
    apart = ["seconds", "worker", "cached"]
    frames = [pd.read_parquet(burning / f"{n}/trials.parquet").drop(columns=apart) for n in ("plain", "watched")]
    pd.testing.assert_frame_equal(*frames)


def test_a_strategy_that_uses_the_timer_is_told_and_runs(rustybt, burning):
    taking = "import signal\nsignal.alarm(1000)\nsignal.alarm(0)\n" + BURNING
    (burning / "burning.py").write_text(taking)
    done = rustybt(f"run -f burning.py {SPAN} -p shares=3 --profile")
    assert done.exit_code == 0, done.output
    assert "uses the timer's signal SIGALRM itself" in done.stdout
    assert_adds_up(table(done.stdout), 0)


def test_the_page_goes_where_it_is_told(rustybt, burning):
    done = rustybt(f"run -f burning.py {SPAN} -p shares=3 --profile where.html -o perf.csv")
    assert done.stdout.endswith("flame graph: where.html\n")
    assert (burning / "where.html").is_file()
    assert not (burning / "profile.html").exists()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ("--profile burning.py", "profile 'burning.py' is a page for a browser: give it a name that ends in .html"),
        ("--profile none/x.html", "profile 'none/x.html' is in a folder that does not exist: make 'none' first"),
    ],
)
def test_a_page_that_cannot_be_written_is_one_line_before_the_run(one_line, burning, arguments, message):
    assert one_line(f"run -f burning.py {SPAN} -p shares=3 {arguments}") == message
    assert one_line(f"optimize -f burning.py {SPAN} {arguments}") == message
    assert (burning / "burning.py").read_text() == BURNING


def test_a_run_that_fails_is_one_line_and_no_page(one_line, burning):
    assert "parameter 'shares' has no value" in one_line(f"run -f burning.py {SPAN} --profile")
    assert not (burning / "profile.html").exists()
    assert signal.getitimer(signal.ITIMER_REAL) == (0.0, 0.0)


@pytest.mark.parametrize("command", ["run", "optimize"])
def test_help_says_where_the_page_goes(rustybt, command):
    done = rustybt(f"{command} --help")
    assert "--profile [FILE.html]" in done.stdout
    assert re.search(r"profile.html\s+(beside the\s+-o file|in\s+the\s+-o\s+folder)", done.stdout)


def lines_started(folder):
    return (folder / "started").stat().st_size if (folder / "started").exists() else 0


def test_ctrl_c_shows_where_a_run_was(workplace):
    (workplace / "slow.py").write_text(SLOW.format(seconds=0.3))
    process = start("run", "-f", "slow.py", *SPAN.split(), "-p", "n=1", "--profile")
    wait_until(lambda: lines_started(workplace) >= 2)
    seconds, out, err, alive = press_ctrl_c(process)
    assert (process.returncode, out, alive) == (130, "", [])
    assert seconds < 2
    assert err.endswith("flame graph: profile.html\ninterrupted\n")
    assert table(err)["user code"][0] > 0.25
    assert page(workplace / "profile.html")["workers"] == 0


def test_ctrl_c_shows_where_workers_were(workplace):
    (workplace / "slow.py").write_text(SLOW.format(seconds=0.002))
    line = ("optimize", "-f", "slow.py", *SPAN.split(), "--objective", "total_return", "--workers", "2", "-o", "out")
    process = start(*line, "--profile")
    wait_until(lambda: lines_started(workplace) >= 61 * 8)  # some trials are over
    seconds, out, err, alive = press_ctrl_c(process)
    assert (process.returncode, out, alive) == (130, "", [])
    assert seconds < 2
    assert re.match(r"\d+ finished trials are in out/trials.parquet\n", err)
    assert err.endswith("flame graph: out/profile.html\ninterrupted\n")
    assert table(err)["user code"][2] > 0
    assert page(workplace / "out/profile.html")["workers"] == 2
