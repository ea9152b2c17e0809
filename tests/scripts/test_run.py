"""The runner runs what is asked for, shows it, and fails where one bench does."""

import pytest

from scripts.benchmarks import run, stress


@pytest.fixture
def benches(monkeypatch, tmp_path):
    """Two tiny benches, of which one fails in earnest."""
    (tmp_path / "fine_bench.py").write_text("import sys\nprint('fine', sys.argv[1:], '<b>')\n")
    (tmp_path / "failing_bench.py").write_text("import sys\nprint('bad')\nsys.exit(len(sys.argv) == 1)\n")
    monkeypatch.chdir(tmp_path)  # -m finds modules of the current folder first
    monkeypatch.setattr(run, "BENCHES", {"fine": ("fine_bench", ("--quick",)), "failing": ("failing_bench", ("-q",))})
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


def test_every_bench_that_is_listed_is_there():
    for module, _ in (*run.BENCHES.values(), *run.STRESS.values()):
        assert (run.ROOT / f"{module.replace('.', '/')}.py").exists()


@pytest.mark.parametrize("part", stress.PARTS)
def test_a_stress_part_works(part, capsys):
    assert stress.main(["--quick", "--only", part]) == 0
    assert capsys.readouterr().out.startswith(f"{part}: ")


@pytest.mark.soak
@pytest.mark.parametrize("part", stress.PARTS)
def test_a_stress_part_holds(part):
    assert stress.main(["--only", part]) == 0
