"""The runner runs what is asked for, shows it, and fails where one bench does."""

import subprocess
import sys
from pathlib import Path

import pytest

from scripts.benchmarks import run, stress


@pytest.fixture
def benches(monkeypatch, tmp_path):
    """Two tiny benches, of which one fails in earnest."""
    (tmp_path / "fine_bench.py").write_text("import sys\nprint('fine', sys.argv[1:], '<b>')\n")
    (tmp_path / "failing_bench.py").write_text("import sys\nprint('bad')\nsys.exit(len(sys.argv) == 1)\n")
    monkeypatch.chdir(tmp_path)  # -m finds modules of the current folder first
    monkeypatch.setattr(
        run, "BENCHES", {"fine": run.Bench("fine_bench"), "failing": run.Bench("failing_bench", ("-q",))}
    )
    return tmp_path


def test_all_run_in_order_and_the_report_holds_what_they_printed(benches, capfd):
    assert run.main(["--report", "--output", str(benches / "out")]) == 1
    page = (benches / "out/benches.md").read_text()
    assert "| fine | 0 |" in page and "| failing | 1 |" in page and "fine [] <b>" in page
    assert "fine [] &lt;b&gt;" in (benches / "out/benches.html").read_text()
    shown = capfd.readouterr().out
    assert (
        shown.index("== fine") < shown.index("fine [] <b>") < shown.index("== failing") < shown.index("failing: exit")
    )


def test_quick_runs_pass_the_options_of_each(benches, capfd):
    assert run.main(["--quick", "--only", "failing"]) == 0
    assert "== fine" not in capfd.readouterr().out


def test_audits_write_below_the_output_and_zipline_goes_to_those_that_take_it(benches, monkeypatch, capfd):
    made = {
        "audit": run.Bench("fine_bench", writes=True),
        "engine": run.Bench("fine_bench", runs_zipline=True),
        "plain": run.Bench("fine_bench", ()),
    }
    monkeypatch.setattr(run, "BENCHES", made)
    assert run.main(["--quick", "--output", "out", "--zipline-python", "z/python"]) == 0
    shown = [line for line in capfd.readouterr().out.splitlines() if line.startswith("fine [")]
    assert shown == [
        "fine ['--quick', '--output', 'out/audit'] <b>",
        "fine ['--quick', '--zipline-python', 'z/python'] <b>",
        "fine [] <b>",
    ]


@pytest.mark.parametrize("name", [*run.BENCHES, *run.STRESS])
def test_a_bench_that_is_listed_takes_its_options(name):
    bench = {**run.BENCHES, **run.STRESS}[name]
    path = run.ROOT / f"{bench.module.replace('.', '/')}.py"
    assert path.exists()
    command = [sys.executable, "-m", bench.module, *bench.options(name, Path("out"), True, Path("z")), "--help"]
    shown = subprocess.run(command, cwd=run.ROOT, capture_output=True, text=True, check=False)
    assert shown.returncode == 0, shown.stderr
    for option in (word for word in command[3:] if word.startswith("--")):
        assert option in shown.stdout.partition("options:")[2], option


@pytest.mark.parametrize("part", stress.PARTS)
def test_a_stress_part_works(part, capsys):
    code, shown = stress.main(["--quick", "--only", part]), capsys.readouterr().out
    assert code == 0 and shown.startswith(f"{part}: ") and "FAILED" not in shown


@pytest.mark.soak
@pytest.mark.parametrize("part", stress.PARTS)
def test_a_stress_part_holds(part):
    assert stress.main(["--only", part]) == 0
