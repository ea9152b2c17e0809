"""Does `rustybt run` run, and does it say in one line what it cannot run?"""

import re

import pandas as pd
import pytest

from rustybt.data.predictions import shared_predictions

SPAN = "-b mag-7 -s 2015-01-02 -e 2015-06-30"
DECLARED = """from rustybt.optimization import Integer

parameters = {"shares": Integer(1, 9)}
"""
FUNCTIONS = """
from rustybt.api import order_target, record, symbol


def initialize(context):
    context.asset = symbol("AAPL")


def handle_data(context, data):
    order_target(context.asset, context.params.get("shares", 10))
    record(price=data.current(context.asset, "price"))


def analyze(context, perf):
    print("analyzed", context.asset.symbol, len(perf))
"""

pytestmark = pytest.mark.usefixtures("ingested")


@pytest.fixture
def functions(workplace):
    path = workplace / "functions.py"
    path.write_text(FUNCTIONS)
    return path


def test_a_strategy_class_runs_with_its_parameters(rustybt):
    done = rustybt(f"run -f crossover.py {SPAN} -p fast=5 -p slow=20")
    assert done.exit_code == 0, done.output
    assert "SYNTHETIC" in done.stdout
    assert re.search(r"^124 sessions of mag-7, 2015-01-02 to 2015-06-30, in \d", done.stdout, re.MULTILINE)
    assert re.search(r"^sharpe +-?\d+\.\d{3}$", done.stdout, re.MULTILINE)
    assert re.search(r"^trades +\d+$", done.stdout, re.MULTILINE)


def test_no_benchmark_is_said_on_stderr(rustybt):
    done = rustybt(f"run -f crossover.py {SPAN} -p fast=5 -p slow=20")
    assert done.stderr == "Benchmark: none was set, its returns are zero (--benchmark-symbol SYMBOL sets one).\n"


def test_a_benchmark_is_taken(rustybt, functions, workplace):
    done = rustybt(f"run -f functions.py {SPAN} --benchmark-symbol MSFT -o perf.parquet")
    assert done.exit_code == 0, done.output
    assert done.stderr == ""
    assert pd.read_parquet(workplace / "perf.parquet")["beta"].iloc[-1] != 0


def test_functions_run_and_analyze(rustybt, functions):
    done = rustybt(f"run -f functions.py {SPAN} -p shares=7")
    assert done.exit_code == 0, done.output
    assert "analyzed AAPL 124" in done.stdout


@pytest.mark.parametrize("name", ["perf.parquet", "perf.csv", "perf.pickle"])
def test_the_perf_frame_is_written(rustybt, functions, workplace, name):
    done = rustybt(f"run -f functions.py {SPAN} -o {name}")
    assert done.stdout.endswith(f"perf frame: {name}\n")
    read = {".parquet": pd.read_parquet, ".csv": pd.read_csv, ".pickle": pd.read_pickle}[f".{name.split('.')[1]}"]
    frame = read(workplace / name)
    assert len(frame) == 124
    assert {"portfolio_value", "price", "positions"} <= set(frame.columns)


def test_a_class_carries_its_own_settings(rustybt, workplace):
    carried = 'class Mine(Crossover):\n    bundle = "mag-7"\n    start = "2015-03-02"\n    end = "2015-03-31"\n'
    (workplace / "mine.py").write_text((workplace / "crossover.py").read_text() + "\n\n" + carried)
    done = rustybt("run -f mine.py -p fast=5 -p slow=20")
    assert "22 sessions of mag-7, 2015-03-02 to 2015-03-31" in done.stdout
    assert "15 sessions of" in rustybt("run -f mine.py -p fast=5 -p slow=20 -e 2015-03-20").stdout


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ("-b mag-8", r"bundle 'mag-8' is not known \(did you mean 'mag-7'\?\)"),
        ("-b mag-7 -s 2016-01-04 -e 2015-01-02", "start 2016-01-04 is after end 2015-01-02"),
        ("-b mag-7 -s 2025-06-02 -e 2025-07-01", r"start 2025-06-02 is after bundle 'mag-7' ends \(2024-12-31\)"),
        ("-b mag-7 -s 2015-01-02 -e 2025-06-02", r"end 2025-06-02 is after bundle 'mag-7' ends \(2024-12-31\)"),
        ("-b mag-7 -s 2015-01-02 -e 2099-01-02", r"end 2099-01-02 is after bundle 'mag-7' ends \(2024-12-31\)"),
        ("-b mag-7 -s 1999-01-04 -e 2015-01-02", r"start 1999-01-04 is before bundle 'mag-7' begins \(2000-01-03\)"),
        (f"{SPAN} --capital-base 0", "capital_base 0.0 must be above 0"),
        (f"{SPAN} --capital-base -5", "capital_base -5.0 must be above 0"),
        (f"{SPAN} --capital-base nan", "capital_base nan must be above 0"),
        (f"{SPAN} -o perf.xlsx", "output 'perf.xlsx' ends in no known format: choose one of .parquet, .csv, .pickle"),
        (f"{SPAN} -o none/perf.csv", "output 'none/perf.csv' is in a folder that does not exist: make 'none' first"),
        (f"{SPAN} --benchmark-symbol AAPPL", r"symbol 'AAPPL' .*\(did you mean 'AAPL'\?\)"),
        (f"{SPAN} -p fats=3", r"Crossover has no parameter 'fats' \(did you mean 'fast'\?\)"),
        (f"{SPAN} -p fast=500", r"parameter 'fast': 500 is no value of Integer\(low=5, high=10, step=5\)"),
        (f"{SPAN} -p fast=7", r"parameter 'fast': 7 is no value of Integer"),
        (f"{SPAN} -p fast=quick", r"parameter 'fast': value 'quick' is no whole number"),
        (f"{SPAN} -p fast", "parameter 'fast' is not of the form name=value"),
    ],
)
def test_bad_input_is_one_line(one_line, arguments, message):
    assert re.search(message, one_line(f"run -f crossover.py -p fast=5 -p slow=20 {arguments}"))


def test_a_declared_parameter_needs_a_value(one_line):
    assert one_line(f"run -f crossover.py {SPAN} -p fast=5") == "parameter 'slow' has no value: pass -p slow=VALUE"


def test_a_misspelt_name_is_said_before_the_value_that_is_missing(one_line, functions):
    message = one_line(f"run -f crossover.py {SPAN} -p fsat=5 -p slow=20")
    assert message.startswith("Crossover has no parameter 'fsat' (did you mean 'fast'?)")
    functions.write_text(DECLARED + FUNCTIONS)
    message = one_line(f"run -f functions.py {SPAN} -p share=3")
    assert message == "unknown parameter 'share' (did you mean 'shares'?): the script has shares"


def test_a_script_takes_no_value_outside_of_what_it_declares(one_line, functions):
    functions.write_text(DECLARED + FUNCTIONS)
    message = one_line(f"run -f functions.py {SPAN} -p shares=10")
    assert message == "parameter 'shares': 10 is no value of Integer(low=1, high=9, step=1)"


CONDITIONAL = """
from rustybt.optimization import Categorical, Integer
parameters = {"kind": Categorical(["few", "many"]), "shares": Integer(1, 9, when="kind == 'many'")}
"""


@pytest.fixture
def conditional(functions):
    functions.write_text(CONDITIONAL + FUNCTIONS.replace('.get("shares", 10)', '["shares"] or 3'))


@pytest.mark.parametrize("params", ["-p kind=few", "-p kind=few -p shares=None", "-p kind=many -p shares=5"])
def test_a_parameter_is_given_where_it_is_active(rustybt, conditional, params):
    done = rustybt(f"run -f functions.py {SPAN} {params}")
    assert done.exit_code == 0, done.output


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ("-p kind=many", "parameter 'shares' has no value: pass -p shares=VALUE"),
        ("-p kind=many -p shares=None", "parameter 'shares': value None is no"),
        ("-p kind=few -p shares=5", "parameter 'shares' is 5 where it is not active (when"),
        ("-p shares=10", "parameter 'shares': 10 is no value of Integer"),  # before what is missing
    ],
)
def test_no_parameter_has_a_value_that_no_trial_could_have(one_line, conditional, params, message):
    assert one_line(f"run -f functions.py {SPAN} {params}").startswith(message)


def test_a_script_that_declares_parameters_takes_no_others(one_line, functions):
    functions.write_text(DECLARED + FUNCTIONS)
    message = one_line(f"run -f functions.py {SPAN} -p shares=3 -p share=3")
    assert message == "unknown parameter 'share' (did you mean 'shares'?): the script has shares"


def test_an_unknown_symbol_names_the_line_that_asked(one_line, functions):
    functions.write_text(FUNCTIONS.replace('"AAPL"', '"AAPPL"'))
    message = one_line(f"run -f functions.py {SPAN}")
    assert re.match(r"functions.py, line 6, in initialize: symbol 'AAPPL' .*did you mean 'AAPL'", message)


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("def f(:\n    pass\n", "strategy.py, line 1: invalid syntax: def f(:"),
        ("x = 1\n", "strategy.py defines no strategy: write a class derived from rustybt.Strategy, "),
        ("import zipline\n", "strategy.py imports 'zipline': write rustybt where it says zipline"),
    ],
)
def test_a_bad_strategy_file_is_one_line(one_line, workplace, source, message):
    (workplace / "strategy.py").write_text(source)
    assert one_line(f"run -f strategy.py {SPAN}").startswith(message)


def test_a_missing_file_is_one_line(one_line):
    message = one_line(f"run -f crosover.py {SPAN}")
    assert message == "strategy file 'crosover.py' does not exist (did you mean 'crossover.py'?)"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ("run -f crossover.py -p fast=5 -p slow=20", "Missing option '-b': the script does not carry a bundle either."),
        (f"run {SPAN}", "Missing option '-f'"),
        ("run -f crossover.py -b mag-7 -s 2015-13-01", "'2015-13-01' does not match the format"),
        ("rum", "No such command 'rum' (did you mean 'run'?): there are demo, ingest, "),
        ("bundles list", "No such command 'list': there are profile, show, verify."),
        ("ingest prices", "No such command 'prices': there are csvdir, "),
    ],
)
def test_wrong_usage_is_exit_code_2(rustybt, arguments, message):
    done = rustybt(arguments)
    assert done.exit_code == 2
    assert message in done.stderr


def test_an_older_output_survives_a_run_that_fails(one_line, workplace):
    (workplace / "perf.csv").write_text("older")
    one_line(f"run -f crossover.py {SPAN} --capital-base 0 -p fast=5 -p slow=20 -o perf.csv")
    assert (workplace / "perf.csv").read_text() == "older"


MODEL = """
from rustybt import Model, Strategy

MODEL = Model.of(lambda day: day * 2.0, trained_until=None)


class Asks(Strategy):
    def handle_data(self, context, data):
        for _ in range(4):
            context.predict(MODEL, data.current_session.day)
"""


def test_what_a_model_was_asked_for_is_reported(rustybt, workplace):
    shared_predictions().clear()
    (workplace / "asks.py").write_text(MODEL)
    done = rustybt(f"run -f asks.py {SPAN}")
    assert done.exit_code == 0, done.output
    assert "\nmodel: 496 predictions, 124 unique (hit rate 75.0%), 0.0" in done.stdout


def test_without_a_model_nothing_is(rustybt):
    assert "model:" not in rustybt(f"run -f crossover.py {SPAN}").stdout
