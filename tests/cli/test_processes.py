"""Does the program behave as a process should: exit codes, quiet pipes, Ctrl-C, and a bar on a terminal?"""

import os
import pty
import re
import signal
import subprocess
import sys
import time

import pandas as pd
import psutil
import pytest

from rustybt.cli.progress import progress_bar

SPAN = ("-b", "mag-7", "-s", "2015-01-02", "-e", "2015-03-31")
PROGRAM = (sys.executable, "-m", "rustybt")
SLOW = """
import time
from rustybt import Strategy
from rustybt.optimization import Integer


class Slow(Strategy):
    n = Integer(1, 500)

    def initialize(self, context):
        with open("started", "a") as file:
            file.write("x")

    def handle_data(self, context, data):
        if data.current_dt.month == 3:
            time.sleep({seconds})
"""

pytestmark = pytest.mark.usefixtures("ingested")


def call(*arguments, **options):
    return subprocess.run([*PROGRAM, *arguments], capture_output=True, text=True, check=False, timeout=120, **options)


def start(*arguments):
    """Start the program in a process group of its own, as a shell does for what runs in the foreground."""
    return subprocess.Popen(
        [*PROGRAM, *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True
    )


def wait_until(condition, seconds=60):
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "waited too long"
        time.sleep(0.05)


def press_ctrl_c(process):
    """Interrupt the group; give the seconds it took, the output, and the processes that are still there."""
    family = [psutil.Process(process.pid), *psutil.Process(process.pid).children(recursive=True)]
    began = time.monotonic()
    os.killpg(process.pid, signal.SIGINT)
    out, err = process.communicate(timeout=60)
    seconds = time.monotonic() - began
    _, alive = psutil.wait_procs(family, timeout=1)
    return seconds, out, err, alive


def started(folder):
    """Count the backtests that the slow strategy began."""
    return (folder / "started").stat().st_size if (folder / "started").exists() else 0


@pytest.fixture
def slow(workplace):
    (workplace / "slow.py").write_text(SLOW.format(seconds=0.01))
    return workplace


def test_a_strategy_that_raises_is_one_line_with_its_place(workplace):
    (workplace / "raises.py").write_text("def handle_data(context, data):\n    [][3]\n")
    done = call("run", "-f", "raises.py", *SPAN)
    assert (done.returncode, done.stdout) == (1, "")
    place = "raises.py, line 2, in handle_data"
    assert done.stderr == f"Error: {place}: IndexError: list index out of range (rustybt --debug shows the traceback)\n"


def test_a_script_that_raises_when_it_is_read_is_one_line_with_its_place(workplace):
    (workplace / "raises.py").write_text("x = 1\ny = x / 0\n")
    for command in ("run", "optimize"):
        done = call(command, "-f", "raises.py", *SPAN)
        assert done.returncode == 1
        assert done.stderr == (
            "Error: raises.py, line 2: ZeroDivisionError: division by zero (rustybt --debug shows the traceback)\n"
        )


@pytest.mark.parametrize("arguments", [("run", "-f", "none.py", *SPAN), ("run", "-f", "crossover.py", "-b", "nope")])
def test_debug_shows_the_traceback(workplace, arguments):
    done = call("--debug", *arguments)
    assert done.returncode == 1
    assert done.stderr.startswith("Traceback (most recent call last):")


def test_pipes_get_no_bar_and_no_colour(workplace):
    done = call("optimize", "-f", "crossover.py", *SPAN, "--workers", "2", "-o", "out")
    assert (done.returncode, done.stderr) == (0, "")
    assert "\x1b" not in done.stdout
    assert all(len(line) <= 160 for line in done.stdout.splitlines())


def test_a_reader_that_stops_early_is_no_error(workplace):
    line = f"{' '.join(PROGRAM)} bundles | head -n 1"
    done = subprocess.run(["bash", "-o", "pipefail", "-c", line], capture_output=True, text=True, check=False)
    assert "Traceback" not in done.stderr


def test_ctrl_c_keeps_the_finished_trials_and_leaves_no_process(slow):
    process = start("optimize", "-f", "slow.py", *SPAN, "--objective", "total_return", "--workers", "2", "-o", "out")
    wait_until(lambda: started(slow) >= 20)
    seconds, out, err, alive = press_ctrl_c(process)
    assert process.returncode == 130
    assert seconds < 1
    assert alive == []
    assert out == ""
    count = int(re.fullmatch(r"(\d+) finished trials are in out/trials.parquet\ninterrupted\n", err)[1])
    trials = pd.read_parquet(slow / "out/trials.parquet")
    assert len(trials) == count > 0
    assert set(trials["status"]) == {"complete"}


def test_ctrl_c_with_storage_says_how_to_go_on(slow):
    arguments = ["optimize", "-f", "slow.py", *SPAN, "--workers", "1", "-o", "out", "--storage", "kept"]
    process = start(*arguments)
    wait_until(lambda: started(slow) >= 3)
    _, _, err, _ = press_ctrl_c(process)
    assert re.fullmatch(
        r"\d+ finished trials are in out/trials.parquet\ngo on with the same command and --resume\ninterrupted\n", err
    )


def test_ctrl_c_ends_one_run(workplace):
    (workplace / "slow.py").write_text(SLOW.format(seconds=5))
    process = start("run", "-f", "slow.py", *SPAN, "-p", "n=1", "-o", "perf.csv")
    wait_until(lambda: started(workplace) == 1)
    seconds, out, err, alive = press_ctrl_c(process)
    assert (process.returncode, out, err, alive) == (130, "", "interrupted\n", [])
    assert seconds < 1
    assert not (workplace / "perf.csv").exists()


def on_terminal(code):
    """Run Python code with standard error on a terminal, and give what was shown there."""
    ours, theirs = pty.openpty()
    environment = {**os.environ, "TERM": "xterm", "COLUMNS": "120"}
    process = subprocess.Popen([sys.executable, "-c", code], stderr=theirs, stdout=subprocess.PIPE, env=environment)
    os.close(theirs)
    shown = b""
    while True:
        try:
            chunk = os.read(ours, 65536)
        except OSError:  # Linux says that the other end is closed in this way
            break
        if not chunk:
            break
        shown += chunk
    os.close(ours)
    out, _ = process.communicate()
    return shown.decode(), out.decode()


def test_a_terminal_gets_a_bar_with_rate_and_time_to_go():
    code = (
        "import time\n"
        "from rustybt.cli.progress import progress_bar\n"
        "with progress_bar('backtest', 'sessions', 400) as advance:\n"
        "    for i in range(300):\n"
        "        advance(i); time.sleep(0.005)\n"
        "    print('from the strategy')\n"
    )
    shown, out = on_terminal(code)
    assert "backtest" in shown
    assert re.search(r"\d+/400", shown)
    assert re.search(r"\d+(\.\d)? sessions/s", shown)
    assert re.search(r"ETA.*0:00:0", shown)
    assert out == "from the strategy\n"


def test_no_terminal_no_bar(capsys):
    with progress_bar("backtest", "sessions", 3) as advance:
        advance(1)
    assert capsys.readouterr() == ("", "")


def test_the_demo_shows_ten_trials_and_writes_two_files(workplace):
    done = call("demo", "--workers", "2")
    assert done.returncode == 0
    assert [line for line in done.stderr.splitlines() if not line.startswith("compiling the kernels")] == []
    assert "SYNTHETIC" in done.stdout
    assert "The best 10 of 400 trials, maximize sharpe" in done.stdout
    assert len(re.findall(r"^│", done.stdout, re.MULTILINE)) == 10
    assert "The best 10, run bar by bar, give the same perf frames to 1e-9" in done.stdout
    assert re.search(r"400 backtests on mag-7 in \d+\.\d s: \d+\.\d backtests per second", done.stdout)
    trials = pd.read_parquet(workplace / "results/demo/trials.parquet")
    assert (len(trials), set(trials["status"])) == (400, {"complete"})
    perf = pd.read_parquet(workplace / "results/demo/perf.parquet")
    assert len(perf) == 6036
    assert perf["sharpe"].iloc[-1] == pytest.approx(trials["sharpe"].max(), rel=1e-9)
