"""The gate stops what is slower by more than noise, lets noise through, and times the tree it says it times."""

import subprocess

import numpy as np
import pytest

from scripts.benchmarks import gate
from scripts.benchmarks.gate import AGAIN, BASE, NEW, judge, rounds_of


def simulated(slowdown, noise, seed, rounds=7):
    draw = np.random.default_rng(seed)
    machine = np.exp(draw.normal(0, 0.3, rounds))
    sides = {BASE: 1.0, AGAIN: 1.0, NEW: slowdown}
    return {side: (machine * cost * np.exp(draw.normal(0, noise, rounds))).tolist() for side, cost in sides.items()}


@pytest.mark.parametrize(("slowdown", "most"), [(1.0, 2), (0.8, 0), (1.04, 6)])
def test_noise_passes(slowdown, most):
    failed = sum(judge("case", simulated(slowdown, 0.04, seed)).fails for seed in range(400))
    assert failed <= most


def test_a_real_regression_does_not_pass():
    failed = sum(judge("case", simulated(1.4, 0.04, seed)).fails for seed in range(100))
    assert failed >= 95
    assert "SLOWER" in str(judge("case", simulated(1.4, 0.01, 1)))


def test_sides_run_once_a_round_in_orders_of_their_own():
    heard = []
    timed = {side: (lambda side=side: heard.append(side) or 1.0) for side in (BASE, AGAIN, NEW)}
    assert rounds_of("case", 20, timed, seed=0) == dict.fromkeys(timed, [1.0] * 20)
    orders = {tuple(heard[at : at + 3]) for at in range(0, 60, 3)}
    assert len(orders) > 3 and all(len(set(order)) == 3 for order in orders)


def test_the_exit_code_says_whether_one_case_is_slower(monkeypatch, tmp_path, capsys):
    class Tree:
        def __enter__(self):
            return tmp_path

        def __exit__(self, *raised):
            pass

    monkeypatch.setattr(gate, "checked_out", lambda revision: Tree())
    draw = np.random.default_rng(1)
    for slower, code in ((1.0, 0), (2.0, 1)):
        monkeypatch.setattr(
            gate, "time_case", lambda tree, name, by=slower: (by if tree == gate.ROOT else 1.0) + draw.uniform(0, 0.01)
        )
        assert gate.main(["--only", "event", "search"]) == code
    assert capsys.readouterr().out.count("SLOWER") == 2


@pytest.mark.parametrize(
    "name", ["search", *(pytest.param(name, marks=pytest.mark.soak) for name in gate.CASES if name != "search")]
)
def test_a_case_is_timed(name):
    assert 0 < gate.time_case(gate.ROOT, name) < 60


def test_a_case_that_fails_says_why(tmp_path):
    with pytest.raises(RuntimeError, match="case event of .* ended with exit code 1:"):
        (tmp_path / "rustybt.py").write_text("")
        gate.time_case(tmp_path, "event")


def test_the_base_is_gone_afterwards(tmp_path, monkeypatch):
    for words in (
        ["init", "-q"],
        ["-c", "user.name=t", "-c", "user.email=t@t", "commit", "-q", "--allow-empty", "-m", "x"],
    ):
        subprocess.run(["git", "-C", str(tmp_path), *words], check=True)
    monkeypatch.setattr(gate, "ROOT", tmp_path)
    with gate.checked_out("HEAD") as tree:
        assert (tree / ".git").exists()
    assert not tree.exists()
    listed = subprocess.run(
        ["git", "-C", str(tmp_path), "worktree", "list"], capture_output=True, text=True, check=True
    )
    assert len(listed.stdout.splitlines()) == 1
