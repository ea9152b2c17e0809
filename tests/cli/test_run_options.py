"""Do the options of `rustybt run` that came from Zipline do what Zipline's users know?"""

import re
import subprocess
import sys

import pandas as pd
import pytest

from rustybt.data import bundles

SPAN = "-b mag-7 -s 2015-01-02 -e 2015-03-31"
TEXT = """
from rustybt.api import order_target, record, symbol


def initialize(context):
    context.asset = symbol(ticker)


def handle_data(context, data):
    order_target(context.asset, shares)
    record(price=data.current(context.asset, "price"))


def analyze(context, perf):
    print("analyzed", context.asset.symbol, shares, len(perf))
"""
FILE = f"ticker, shares = 'AAPL', 7\n{TEXT}"

pytestmark = pytest.mark.usefixtures("ingested")


@pytest.fixture
def strategy(workplace):
    path = workplace / "strategy.py"
    path.write_text(FILE)
    return path


def test_a_text_is_run_with_names_that_were_defined_in_order(rustybt):
    define = ["-D", "ticker='AAPL'", "-D", "half=5", "-D", "shares=half * 2 if ticker else 0"]
    done = rustybt(f"run {SPAN}", "-t", TEXT, *define)
    assert done.exit_code == 0, done.output
    assert "analyzed AAPL 10 61" in done.stdout


def test_a_text_may_define_a_strategy_class(rustybt, workplace):
    done = rustybt(f"run {SPAN} -p fast=5 -p slow=20", "-t", (workplace / "crossover.py").read_text())
    assert done.exit_code == 0, done.output


def test_errors_of_a_text_name_its_line(one_line):
    message = one_line(f"run {SPAN}", "-t", TEXT, "-D", "ticker='AAPPL'")
    assert message.startswith("<algotext>, line 6, in initialize: symbol 'AAPPL' ")


@pytest.mark.parametrize(
    ("define", "message"),
    [
        ("shares", "definition 'shares' is not of the form NAME=EXPRESSION"),
        ("2x=3", "definition '2x=3' is not of the form NAME=EXPRESSION"),
        ("shares=1 +", "-D shares, line 1: invalid syntax: 1 +"),
    ],
)
def test_a_bad_definition_is_one_line(one_line, define, message):
    assert one_line(f"run {SPAN}", "-t", TEXT, "-D", define) == message


def test_a_definition_that_raises_is_named():
    done = subprocess.run(
        [sys.executable, "-m", "rustybt", *f"run {SPAN}".split(), "-t", TEXT, "-D", "shares=1/0"],
        capture_output=True, text=True, check=False, timeout=120,
    )  # fmt: skip
    assert (done.returncode, done.stdout) == (1, "")
    place = "-D shares, line 1"
    assert done.stderr == f"Error: {place}: ZeroDivisionError: division by zero (rustybt --debug shows the traceback)\n"


def test_the_strategy_is_printed(rustybt, strategy):
    assert rustybt(f"run {SPAN} -f strategy.py --print-algo").stdout.startswith(FILE)
    assert rustybt(f"run {SPAN}", "-t", FILE, "--print-algo").stdout.startswith(FILE)
    assert "def initialize" not in rustybt(f"run {SPAN} -f strategy.py --no-print-algo").stdout


def test_the_frame_is_printed(rustybt, strategy):
    done = rustybt(f"run {SPAN} -f strategy.py -o -")
    assert done.exit_code == 0, done.output
    assert "[61 rows x 38 columns]" in done.stdout


def test_nothing_is_written_to_the_null_device(rustybt, strategy, workplace):
    before = sorted(workplace.iterdir())
    assert rustybt(f"run {SPAN} -f strategy.py -o /dev/null").exit_code == 0
    assert sorted(workplace.iterdir()) == before


def test_a_pkl_is_a_pickle(rustybt, strategy, workplace):
    rustybt(f"run {SPAN} --algofile strategy.py -o perf.pkl")
    assert len(pd.read_pickle(workplace / "perf.pkl")) == 61


def test_a_benchmark_by_number(rustybt, strategy, workplace):
    assert rustybt(f"run {SPAN} -f strategy.py --benchmark-symbol MSFT -o by_symbol.pickle").stderr == ""
    sid = bundles.load("mag-7").asset_finder.lookup_symbol("MSFT", None).sid
    assert rustybt(f"run {SPAN} -f strategy.py --benchmark-sid {sid} -o by_sid.pickle").stderr == ""
    by_symbol, by_sid = (pd.read_pickle(workplace / f"{name}.pickle") for name in ("by_symbol", "by_sid"))
    assert by_sid["beta"].iloc[-1] != 0
    assert by_sid["beta"].tolist() == by_symbol["beta"].tolist()


def test_a_benchmark_by_file(rustybt, strategy, workplace):
    (workplace / "returns.csv").write_text("date,return\n2015-01-05,0.5\n2015-01-06 00:00:00+00:00,-0.5\n")
    done = rustybt(f"run {SPAN} -f strategy.py -bf returns.csv -o perf.pickle")
    assert done.stderr == ""
    perf = pd.read_pickle(workplace / "perf.pickle")
    assert perf["benchmark_period_return"].iloc[[0, 1, 2, -1]].tolist() == [0.0, 0.5, -0.25, -0.25]


def test_no_benchmark_says_nothing(rustybt, strategy):
    assert rustybt(f"run {SPAN} -f strategy.py --no-benchmark").stderr == ""
    assert rustybt(f"run {SPAN} -f strategy.py").stderr.startswith("Benchmark: none was set")


def test_no_metrics_leave_what_was_recorded(rustybt, strategy, workplace):
    rustybt(f"run {SPAN} -f strategy.py --metrics-set none -o perf.pickle")
    assert pd.read_pickle(workplace / "perf.pickle").columns.tolist() == ["period_open", "period_close", "price"]


def test_minutes_are_run(rustybt, workplace):
    text = FILE.replace("AAPL", "MAAA").replace(
        "order_target(context.asset, shares)", "context.bars = 1 + getattr(context, 'bars', 0)"
    )
    (workplace / "minutes.py").write_text(text.replace("len(perf)", "context.bars"))
    done = rustybt("run -b minutes -s 2019-11-20 -e 2019-11-21 -f minutes.py --data-frequency minute")
    assert done.exit_code == 0, done.output
    assert "analyzed MAAA 7 780" in done.stdout


def test_an_older_version_is_chosen_by_time(one_line, strategy):
    message = one_line(f"run {SPAN} -f strategy.py --bundle-timestamp 2001-01-01")
    assert message.startswith("bundle 'mag-7' has no version on or before 2001-01-01")


def test_the_bundles_own_calendar_is_accepted(rustybt, strategy):
    for name in ("XNYS", "NYSE"):
        assert rustybt(f"run {SPAN} -f strategy.py --trading-calendar {name}").exit_code == 0


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ("--trading-calendar XLON", "trading_calendar 'XLON' is not that of bundle 'mag-7', whose sessions are those"),
        ("--trading-calendar XNYX", r"calendar 'XNYX' is not known \(did you mean 'XNYS'\?\)"),
        ("--metrics-set defualt", r"metrics set 'defualt' is not registered \(did you mean 'default'\?\): choose one"),
        ("--blotter mine", "blotter 'mine' is not registered: choose one of default, or register it in extension.py"),
        ("-D shares=3", "-D defines names for a strategy given as text: pass it with -t"),
        ("--no-benchmark --benchmark-sid 1", "--benchmark-sid and --no-benchmark exclude one another: pass one"),
        ("--benchmark-sid 99", r"sid 99"),
        ("-bf none.csv", "No such file or directory: none.csv"),
        ("--bundle-timestamp soon", "soon"),
        (
            "--data-frequency minute",
            "bundle 'mag-7' has no minute bars: ingest them, or run with data_frequency='daily'",
        ),
    ],
)
def test_bad_input_is_one_line(one_line, strategy, arguments, message):
    assert re.search(message, one_line(f"run -f strategy.py {SPAN} {arguments}"))


def test_a_file_and_a_text_exclude_one_another(rustybt, strategy):
    done = rustybt(f"run -f strategy.py {SPAN}", "-t", TEXT)
    assert done.exit_code == 2
    assert "Options '-f' and '-t' exclude one another" in done.stderr
