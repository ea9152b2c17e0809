"""Does `rustybt optimize` search, show and keep what it found, and say in one line why it cannot?"""

import re

import pandas as pd
import pytest

from rustybt.data.predictions import shared_predictions
from rustybt.optimization import OptimizationResult

SPAN = "-b mag-7 -s 2015-01-02 -e 2015-03-31"

pytestmark = pytest.mark.usefixtures("ingested")


def test_a_grid_is_shown_and_kept(rustybt, workplace):
    done = rustybt(f"optimize -f crossover.py {SPAN} --workers 1 --objective total_return -o out")
    assert done.exit_code == 0, done.output
    assert done.stderr == ""
    assert "SYNTHETIC" in done.stdout
    assert "The best 6 of 6 trials, maximize total_return" in done.stdout
    assert re.search(r"6 backtests on mag-7 in \d+\.\d s: \d+\.\d backtests per second", done.stdout)
    trials = pd.read_parquet(workplace / "out/trials.parquet")
    assert trials[["fast", "slow"]].to_numpy().tolist() == [[5, 20], [5, 25], [5, 30], [10, 20], [10, 25], [10, 30]]
    perf = pd.read_parquet(workplace / "out/perf.parquet")
    assert perf["algorithm_period_return"].iloc[-1] == pytest.approx(trials["score"].max(), rel=1e-9)


def test_trials_do_not_depend_on_the_workers(rustybt, workplace):
    for workers in (1, 2):
        assert rustybt(f"optimize -f crossover.py {SPAN} --workers {workers} -o out{workers}").exit_code == 0
    one, two = (
        pd.read_parquet(workplace / f"out{n}/trials.parquet").drop(columns=["seconds", "worker", "cached"])
        for n in (1, 2)
    )
    pd.testing.assert_frame_equal(one, two)


def test_random_search_draws_what_it_is_told(rustybt, workplace):
    for name, seed in (("a", 1), ("b", 1), ("c", 2)):
        line = f"optimize -f crossover.py {SPAN} --workers 1 --search random --trials 4 --seed {seed} -o {name}"
        assert rustybt(line).exit_code == 0
    drawn = {n: pd.read_parquet(workplace / n / "trials.parquet")[["fast", "slow"]].to_numpy().tolist() for n in "abc"}
    assert len(drawn["a"]) == 4
    assert drawn["a"] == drawn["b"] != drawn["c"]


def test_every_objective_is_shown_and_the_pareto_set_marked(rustybt, workplace):
    goals = ["--objective", "total_return", "--objective", "minimize turnover"]
    done = rustybt(f"optimize -f crossover.py {SPAN} --workers 1 -o out", *goals)
    assert done.exit_code == 0, done.output
    result = OptimizationResult.load(workplace / "out")
    head, *rows = (re.split(r" *[│┃] *", line)[1:-1] for line in done.stdout.splitlines() if line[:1] in "│┃" and line)
    assert [head[2], head[3], head[-1]] == ["total_return", "turnover", "Pareto"]
    marked = {(int(row[0]), int(row[1])) for row in rows if row[-1] == "*"}
    assert marked == set(result.pareto[["fast", "slow"]].itertuples(index=False, name=None))
    assert 0 < len(marked) < len(rows)
    assert f"{len(marked)} of {len(rows)} eligible trials" in done.stdout
    assert "(maximize total_return, minimize turnover)" in done.stdout


def test_a_walk_forward_shows_its_windows_and_says_what_is_in_sample(rustybt, workplace):
    lengths = ["--in-sample", "20", "--out-of-sample", "10"]
    done = rustybt(f"optimize -f crossover.py {SPAN} --workers 1 --objective total_return -o out", *lengths)
    assert done.exit_code == 0, done.output
    numbers = re.findall(r"^│ +(\d+) │ (2015-\S+ to 2015-\S+) │ (2015-\S+ to 2015-\S+) │", done.stdout, re.MULTILINE)
    windows = OptimizationResult.load(workplace / "out").walk_forward.windows
    assert [int(number) for number, _, _ in numbers] == windows["window"].tolist()
    assert [span[:10] for _, span, _ in numbers] == windows["in_sample_start"].astype(str).tolist()
    assert [span[-10:] for _, _, span in numbers] == windows["out_of_sample_end"].astype(str).tolist()
    assert "total_return, out of sample" in done.stdout
    for score in windows["out_of_sample_score"]:
        assert f"{score:.2%}" in done.stdout
    outside = done.stdout.index(f"Out of sample, {len(windows)} windows as one: total_return ")
    (inside,) = re.finditer(r"The best \d of the last window's 6 trials, maximize total_return, in sample", done.stdout)
    assert outside < inside.start()


def test_the_default_folder_is_named_after_the_file(rustybt, workplace):
    assert rustybt(f"optimize -f crossover.py {SPAN} --workers 1 --trials 1").exit_code == 0
    assert (workplace / "results/crossover/trials.parquet").is_file()


def test_a_script_of_functions_names_its_parameters(rustybt, workplace):
    (workplace / "functions.py").write_text(
        "from rustybt.api import order_target, symbol\n"
        "from rustybt.optimization import Integer\n"
        'parameters = {"shares": Integer(1, 3)}\n'
        "def handle_data(context, data):\n"
        '    order_target(symbol("AAPL"), context.params["shares"])\n'
    )
    done = rustybt(f"optimize -f functions.py {SPAN} --workers 2 -o out")
    assert done.exit_code == 0, done.output
    assert pd.read_parquet(workplace / "out/trials.parquet")["shares"].tolist() == [1, 2, 3]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ("-b mag-8", r"bundle 'mag-8' is not known \(did you mean 'mag-7'\?\)"),
        (f"{SPAN} --objective sharp", r"unknown objective 'sharp' \(did you mean 'sharpe'\?\)"),
        (f"{SPAN} --condition fast>slow", "a grid of zero combinations: none of 6 meets the conditions"),
        (f"{SPAN} --condition fats<slow", r"names 'fats', which is no parameter \(did you mean 'fast'\?\)"),
        (f"{SPAN} --trials 0", "trials 0 of RandomSearch is below 1"),
        (f"{SPAN} --workers 0", "num_workers 0 is neither"),
        (f"{SPAN} --storage sqlite:///a.db", "storage 'sqlite:///a.db' is a URL: pass the path of a folder"),
        (f"{SPAN} --capital-base 0", "capital_base 0.0 .*above 0"),
        ("-b mag-7 -s 2016-01-04 -e 2015-01-02", "start 2016-01-04 is after end 2015-01-02"),
        ("-b mag-7 -s 2025-06-02", "start 2025-06-02 is after"),
    ],
)
def test_bad_input_is_one_line(one_line, arguments, message):
    assert re.search(message, one_line(f"optimize -f crossover.py {arguments}"))


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("def f(:\n", "strategy.py, line 1: invalid syntax: def f(:"),
        ("x = 1\n", "strategy.py defines no"),
        (None, "strategy file 'strategy.py' does not exist"),
    ],
)
def test_a_bad_strategy_file_is_one_line(one_line, workplace, source, message):
    if source is not None:
        (workplace / "strategy.py").write_text(source)
    assert message in one_line(f"optimize -f strategy.py {SPAN}")


def test_a_grid_takes_no_number_of_trials(rustybt):
    done = rustybt(f"optimize -f crossover.py {SPAN} --search grid --trials 3")
    assert done.exit_code == 2
    assert "--trials and --seed do not belong to --search grid: it is every combination." in done.stderr


FAILING = """
from rustybt import Strategy
from rustybt.api import order, symbol
from rustybt.optimization import Integer


class Failing(Strategy):
    n = Integer(1, 4)

    def handle_data(self, context, data):
        order(symbol("AAPL"), 1)
        if self.n > {limit}:
            raise ValueError(f"n is {{self.n}}")
"""


def test_failed_trials_are_counted_and_the_first_is_explained(rustybt, workplace):
    (workplace / "failing.py").write_text(FAILING.format(limit=2))
    done = rustybt(f"optimize -f failing.py {SPAN} --workers 1 -o out")
    assert done.exit_code == 0, done.output
    assert done.stderr == "2 of 4 trials have no result; trial 2 failed: ValueError: n is 3\n"
    assert pd.read_parquet(workplace / "out/trials.parquet")["status"].tolist() == ["complete"] * 2 + ["failed"] * 2


def test_if_all_trials_fail_their_tracebacks_are_kept(rustybt, workplace):
    (workplace / "failing.py").write_text(FAILING.format(limit=0))
    done = rustybt(f"optimize -f failing.py {SPAN} --workers 1 -o out")
    assert done.exit_code == 1
    where, why = done.stderr.splitlines()
    assert where == "Their tracebacks are in out/trials.parquet"
    assert re.match(r"Error: all 4 trials failed; the first, \{'n': 1\}, because: .*ValueError: n is 1 \(File ", why)
    assert re.search(r"line \d+, in \w+\)", why)
    errors = pd.read_parquet(workplace / "out/trials.parquet")["error"]
    assert all("in handle_data" in error for error in errors)


def test_trials_without_a_score_are_kept(rustybt, workplace):
    (workplace / "idle.py").write_text(
        "from rustybt import Strategy\nclass Idle(Strategy):\n    def handle_data(self, context, data): pass\n"
    )
    done = rustybt(f"optimize -f idle.py {SPAN} --workers 1 -o out")
    assert done.exit_code == 1
    where, why = done.stderr.splitlines()
    assert where == "All 1 trials are in out/trials.parquet"
    assert "the strategy never traded" in why
    assert "1 never traded" in (workplace / "out/report.html").read_text(encoding="utf-8")


def test_if_no_trial_meets_a_constraint_the_report_names_it(rustybt, workplace):
    arguments = ["--constraint", "trades > 5000", "--constraint", "trades > 0"]
    done = rustybt(f"optimize -f crossover.py {SPAN} --workers 1 -o out", *arguments)
    assert done.exit_code == 1
    page = (workplace / "out/report.html").read_text(encoding="utf-8")
    assert "Not met most often: trades &gt; 5000 (6)" in page


MODEL = """
from rustybt import Model, Strategy
from rustybt.api import order_target, symbol
from rustybt.optimization import Integer

MODEL = Model.of(lambda day: day * 2.0, trained_until=None)


class Asks(Strategy):
    shares = Integer(1, 3)

    def handle_data(self, context, data):
        if context.predict(MODEL, data.current_session.day) > 20:
            order_target(symbol("AAPL"), self.shares)
"""


def test_what_a_model_was_asked_for_is_reported(rustybt, workplace):
    shared_predictions().clear()
    (workplace / "asks.py").write_text(MODEL)
    done = rustybt(f"optimize -f asks.py {SPAN} --workers 1")
    assert done.exit_code == 0, done.output
    assert "model: 183 predictions, 61 unique (hit rate 66.7%), 0.0" in done.stdout


def test_without_a_bundle_the_option_is_named(one_line):
    assert "-b NAME on the command line" in one_line("optimize -f crossover.py")
