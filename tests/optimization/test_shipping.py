"""Does a strategy reach living workers from wherever a user writes it? Each case is a process of its own."""

import signal
import subprocess
import sys
import textwrap
import time

import nbformat
import psutil
import pytest
from nbclient import NotebookClient

from tests.optimization.processes import alive

STRATEGY = """
from rustybt import Optimizer, Strategy
from rustybt.api import order_target, symbol
from rustybt.optimization import GridSearch, Integer

FACTOR = 1

def sized(shares):
    return shares * FACTOR

class Hold(Strategy):
    shares = Integer(100, 300, step=100)
    bundle, start, end = "mag-7", "2012-01-03", "2012-01-31"
    def initialize(self, context):
        context.asset = symbol("AAPL")
    def handle_data(self, context, data):
        order_target(context.asset, sized(self.shares))

def amounts(result):
    first = [Optimizer(strategy_class=Hold, conditions=f"shares == {shares}").run() for shares in (100, 200, 300)]
    return [run.best.metrics["commission"] for run in first] == result.trials["commission"].tolist()
"""
RUN = """
result = Optimizer(strategy_class=Hold, num_workers=2).run()
print("commissions", *result.trials["commission"].round(4), amounts(result))
"""
EXPECTED = "commissions 0.1 0.2 0.3 True"


def python(*arguments, cwd, text=None):
    done = subprocess.run(
        [sys.executable, *arguments], cwd=cwd, input=text, capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


def test_an_unguarded_script(market, tmp_path):
    (tmp_path / "script.py").write_text(f"print('once')\n{STRATEGY}{RUN}")
    assert python("script.py", cwd=tmp_path) == ["once", EXPECTED]


def test_standard_input(market, tmp_path):
    assert python("-", cwd=tmp_path, text=f"print('once')\n{STRATEGY}{RUN}") == ["once", EXPECTED]


def test_a_line_of_code(market, tmp_path):
    assert python("-c", STRATEGY + RUN, cwd=tmp_path) == [EXPECTED]


def test_a_module_that_is_run(market, tmp_path):
    (tmp_path / "package").mkdir()
    (tmp_path / "package" / "__init__.py").write_text("")
    (tmp_path / "package" / "main.py").write_text(STRATEGY + RUN)
    assert python("-m", "package.main", cwd=tmp_path) == [EXPECTED]


def test_a_class_redefined_between_two_runs(market, tmp_path):
    again = textwrap.dedent("""
        pids = SHARED.pool.pids
        FACTOR = 10
        class Hold(Hold):
            shares = Integer(100, 200, step=100)
        result = Optimizer(strategy_class=Hold, num_workers=2).run()
        print("commissions", *result.trials["commission"].round(4), pids == SHARED.pool.pids)
    """)
    (tmp_path / "script.py").write_text(f"from rustybt.optimization.workers.pool import SHARED\n{STRATEGY}{RUN}{again}")
    assert python("script.py", cwd=tmp_path) == [EXPECTED, "commissions 1.0 2.0 True"]


def test_a_sibling_module_that_is_edited_between_two_runs(market, tmp_path):
    (tmp_path / "sibling.py").write_text(STRATEGY)
    script = textwrap.dedent("""
        import importlib, pathlib, sibling
        from rustybt import Optimizer
        from rustybt.optimization.workers.pool import SHARED
        def run():
            result = Optimizer(strategy_class=sibling.Hold, num_workers=2).run()
            print("commissions", *result.trials["commission"].round(4))
            return SHARED.pool.pids
        pids = run()
        source = pathlib.Path("sibling.py")
        source.write_text(source.read_text().replace("FACTOR = 1", "FACTOR = 20"))
        importlib.reload(sibling)
        print(run() == pids)
    """)
    (tmp_path / "script.py").write_text(script)
    assert python("script.py", cwd=tmp_path) == ["commissions 0.1 0.2 0.3", "commissions 2.0 4.0 6.0", "True"]


def test_a_strategy_of_the_script_that_imports_a_package_beside_it(market, tmp_path):
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "__init__.py").write_text("from mine.sizes import size\n")
    (tmp_path / "mine" / "sizes.py").write_text("from . import more\ndef size(x):\n    return x * more.FACTOR\n")
    (tmp_path / "mine" / "more.py").write_text("FACTOR = 1\n")
    text = STRATEGY.replace("return shares * FACTOR", "return size(shares)")
    (tmp_path / "script.py").write_text(f"from mine import size\n{text}{RUN}")
    assert python("script.py", cwd=tmp_path) == [EXPECTED]


def test_a_notebook(market, tmp_path):
    cells = [STRATEGY, RUN, "FACTOR = 10", RUN, "import psutil; print(len(psutil.Process().children(recursive=True)))"]
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in cells])
    NotebookClient(notebook, timeout=120, kernel_name="python3", resources={"metadata": {"path": tmp_path}}).execute()
    printed = [output["text"].strip() for cell in notebook.cells for output in cell.outputs if output.name == "stdout"]
    assert printed == [EXPECTED, "commissions 1.0 2.0 3.0 True", "3"]


PAUSE = "sized(self.shares)); import time; time.sleep(WAIT)"
SLOW = STRATEGY.replace("sized(self.shares))", PAUSE) + textwrap.dedent("""
    import os
    from rustybt.optimization.result import OptimizationInterrupted
    from rustybt.optimization.workers.pool import SHARED
    class Trial(Hold):
        repeat = Integer(1, 10_000)
        def initialize(self, context):
            super().initialize(context)
            os.write(2, b"started\\n")
    try:
        Optimizer(strategy_class=Trial, num_workers=WORKERS).run()
    except OptimizationInterrupted as stop:
        print(len(stop.result), set(stop.result.trials["status"]), flush=True)
        raise
""")


def interrupt(workers, wait, folder):
    """Start a driver, press Ctrl-C once trials run, and give its seconds, code, output, errors and processes."""
    code = SLOW.replace("WORKERS", str(workers)).replace("WAIT", str(wait))
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    with subprocess.Popen([sys.executable, "-c", code], cwd=folder, **pipes) as driver:
        try:
            for _ in range(10 if wait < 0.1 else 2):
                assert driver.stderr.readline() == "started\n"
            family = psutil.Process(driver.pid).children(recursive=True)
            began = time.monotonic()
            driver.send_signal(signal.SIGINT)
            out, err = driver.communicate(timeout=30)
            return time.monotonic() - began, driver.returncode, out, err, family
        finally:
            driver.kill()


@pytest.mark.parametrize(("workers", "wait"), [(1, 0.0001), (2, 0.0001), (2, 0.5)])
def test_ctrl_c_ends_within_a_second_leaves_no_process_and_keeps_the_finished_trials(market, tmp_path, workers, wait):
    for _ in range(3):  # the second is the program's own; a machine busy with other tests may take it away twice
        seconds, code, out, err, family = interrupt(workers, wait, tmp_path)
        assert len(family) == (0 if workers == 1 else workers + 1)
        assert not any(alive(process) for process in family)
        assert code != 0
        count, statuses = out.split(maxsplit=1)
        assert statuses.strip() == ("{'complete'}" if wait < 0.1 else "set()")
        assert (int(count) > 0) is (wait < 0.1)
        assert f"interrupted after {count} of 30000 trials" in err
        if seconds < 1:
            return
    raise AssertionError(f"took {seconds:.1f} s")
