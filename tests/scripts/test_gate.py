"""The gate stops what is slower by more than noise, lets noise through, and times the trees it says it times."""

import os
import random
import subprocess
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest

from scripts.benchmarks import gate, gate_sides
from scripts.benchmarks.gate_cases import CASES
from scripts.benchmarks.gate_sides import Side, run_round, run_rounds
from scripts.benchmarks.gate_verdict import ALPHA, NEW, SIDES, TOLERANCE, judge, slower_cases

GATES = 400
"""Simulated gates: a share of 5% is known to about 1%."""


class Machine:
    """Measures as the gate does, with noise of its own and a state that the sides of a round share."""

    def __init__(self, slowdowns, noise, seed, rounds=gate.ROUNDS, heavy=False):
        self.slowdowns, self.noise, self.rounds, self.heavy = slowdowns, noise, rounds, heavy
        self.draw = np.random.default_rng(seed)
        self.passes = []

    def noises(self):
        drawn = self.draw.standard_t(3, self.rounds) / 3**0.5 if self.heavy else self.draw.normal(size=self.rounds)
        return self.noise * drawn

    def __call__(self, names):
        self.passes.append(list(names))
        return {name: self.case(self.slowdowns[name]) for name in names}

    def case(self, slowdown):
        state = self.draw.normal(0, 0.3, self.rounds)
        costs = {side: slowdown if side == NEW else 1.0 for side in SIDES}
        return {side: (np.exp(state + self.noises()) * cost).tolist() for side, cost in costs.items()}


def share_failing(slowdowns, noise=0.04, **options):
    """Give the share of gates that fail."""
    names = list(slowdowns)
    return np.mean([bool(slower_cases(names, Machine(slowdowns, noise, seed, **options))) for seed in range(GATES)])


@pytest.mark.parametrize("heavy", [False, True])
@pytest.mark.parametrize("noise", [0.01, 0.04, 0.2])
@pytest.mark.parametrize("slowdown", [0.8, 1.0, TOLERANCE])
def test_noise_fails_few_gates(slowdown, noise, heavy):
    assert share_failing(dict.fromkeys(CASES, slowdown), noise, heavy=heavy) <= ALPHA


@pytest.mark.parametrize("heavy", [False, True])
def test_a_slowdown_of_15_percent_fails_most_gates(heavy):
    assert share_failing({**dict.fromkeys(CASES, 1.0), "event": 1.15}, heavy=heavy) > 0.8


def test_a_slowdown_of_10_percent_fails_most_gates_where_noise_is_small():
    assert share_failing({**dict.fromkeys(CASES, 1.0), "event": 1.10}, noise=0.02) > 0.8


def test_a_case_is_judged_as_by_hand():
    # log new is above the mean of the base's by 0.2, 0.3, 0.1; the base's differ by 0.1, -0.1, 0
    base, again, new = [0.0, 0.1, 0.0], [0.1, 0.0, 0.0], [0.25, 0.35, 0.1]
    found = judge("case", {side: np.exp(logs).tolist() for side, logs in zip(SIDES, (base, again, new), strict=True)})
    noise = ((0.02 / 1.5 + 0.02 / 2) / 5) ** 0.5
    assert found.noise == pytest.approx(noise)
    assert found.ratio == pytest.approx(np.exp(0.2))
    assert found.at_least == pytest.approx(np.exp(0.2 - 2.0150484 * noise * 0.5**0.5))  # t of 5 degrees, 95%


def test_two_rounds_show_no_noise():
    with pytest.raises(ValueError, match="2 rounds of case event: noise shows in 3 or more"):
        judge("event", dict.fromkeys(SIDES, [1.0, 1.1]))


def test_only_what_is_slower_is_timed_once_more():
    machine, heard = Machine({"event": 1.5, "search": 1.0}, 0.01, seed=1), []
    assert [one.name for one in slower_cases(["event", "search"], machine, heard.append)] == ["event"]
    assert machine.passes == [["event", "search"], ["event"]]
    assert heard[0].endswith("slower: timed once more") and heard[-1].endswith("slower again: FAILS")


def test_what_is_slower_only_once_passes():
    machine = Machine({"event": 1.5, "search": 1.0}, 0.01, seed=1)
    heard = []

    def measure(names):
        measured = machine(names)
        machine.slowdowns["event"] = 1.0
        return measured

    assert not slower_cases(["event", "search"], measure, heard.append)
    assert heard[-1].endswith("fine")


def test_sides_take_turns_in_orders_of_their_own(monkeypatch):
    heard = []

    class Session:
        def __init__(self, name):
            self.name = name

        def go(self):
            heard.append(self.name)

        def seconds(self):
            return {"event": 1.0}

        def await_ready(self):
            pass

        await_end = await_ready

    @contextmanager
    def sessions_of(sides, counts):
        yield {name: Session(name) for name in sides}

    monkeypatch.setattr(gate_sides, "sessions_of", sessions_of)
    timed = run_rounds(["event"], 2, dict.fromkeys(SIDES), random.Random(0))
    assert timed == {"event": dict.fromkeys(SIDES, [1.0, 1.0])}
    turns = {tuple(heard[at : at + 3]) for at in range(0, len(heard), 3)}
    assert len(heard) == 3 * 2 * (CASES["event"].turns + 1)
    assert len(turns) > 3 and all(len(set(turn)) == 3 for turn in turns)


@pytest.fixture
def side(tmp_path):
    (tmp_path / "root").mkdir()
    return Side(gate.ROOT, tmp_path / "root")


def test_every_case_is_timed_by_all_sides(side, monkeypatch):
    monkeypatch.setenv("PYTEST_XDIST_WORKER", "gw0")  # which would turn the timer off
    counts = dict.fromkeys(CASES, 1)
    (timed,) = run_round({"new": side}, counts, random.Random(0)).values()
    assert list(timed) == list(CASES) and all(0 < seconds < 60 for seconds in timed.values())
    both = run_round({"base": side, "new": side}, {"search": 2}, random.Random(0))
    assert {name: list(timed) for name, timed in both.items()} == {"base": ["search"], "new": ["search"]}


def test_a_process_that_fails_says_why(tmp_path):
    (tmp_path / "rustybt.py").write_text("raise ImportError('no such luck')")
    with pytest.raises(RuntimeError, match="(?s)that times .* ended with exit code 1:.*no such luck"):
        run_round({"new": Side(tmp_path, tmp_path)}, {"event": 1}, random.Random(0))


def test_a_tree_without_the_package_is_not_timed_as_another(tmp_path, monkeypatch):
    monkeypatch.setenv("PYTHONPATH", str(gate.ROOT))
    with pytest.raises(RuntimeError, match="(?s)rustybt comes from .*, not from .*: put that first in PYTHONPATH"):
        run_round({"new": Side(tmp_path, tmp_path)}, {"event": 1}, random.Random(0))


@pytest.fixture
def repository(tmp_path, monkeypatch):
    """A repository of two commits, of which the second changes the package, and is the gate's."""
    where = tmp_path / "repository"
    (where / "rustybt").mkdir(parents=True)
    for text in ("1", "2"):
        (where / "rustybt/number.py").write_text(text)
        for words in (
            ["init", "-q"],
            ["add", "."],
            ["-c", "user.name=t", "-c", "user.email=t@t", "commit", "-q", "-m", text],
        ):
            subprocess.run(["git", "-C", str(where), *words], check=True)
    monkeypatch.setattr(gate, "ROOT", where)
    return where


def test_the_base_is_gone_afterwards(repository):
    with gate.checked_out("HEAD~1") as tree:
        assert (tree / "rustybt/number.py").read_text() == "1"
    assert not tree.exists()
    listed = subprocess.run(
        ["git", "-C", str(repository), "worktree", "list"], capture_output=True, text=True, check=True
    )
    assert len(listed.stdout.splitlines()) == 1


@pytest.mark.parametrize(("slowdown", "code", "word"), [(1.0, 0, "gate: passes"), (2.0, 1, "gate: FAILS: event, sea")])
def test_the_exit_code_says_whether_one_case_is_slower(repository, monkeypatch, capsys, slowdown, code, word):
    draw = np.random.default_rng(1)

    def timed(sides, counts, chance):
        costs = {name: slowdown if side.tree == repository else 1.0 for name, side in sides.items()}
        return {name: {case: cost + draw.uniform(0, 0.01) for case in counts} for name, cost in costs.items()}

    monkeypatch.setattr(gate, "run_round", timed)
    monkeypatch.setattr(gate_sides, "run_round", timed)
    assert gate.main(["--only", "event", "search"]) == code
    assert word in capsys.readouterr().out


def test_nothing_runs_where_nothing_differs(repository, capsys):
    (repository / "README").write_text("changes nothing that is timed")
    assert gate.main(["--base", "HEAD"]) == 0
    assert capsys.readouterr().out == "gate: passes: nothing that is timed differs from HEAD\n"


def test_a_base_that_is_not_here_is_an_error(repository):
    with pytest.raises(SystemExit, match="--base HEAD~9 cannot be compared with: .*; name a commit that is here"):
        gate.main(["--base", "HEAD~9"])


@pytest.mark.parametrize("is_shallow", [False, True])
def test_ci_ends_with_the_gate_where_there_is_a_commit_before(repository, tmp_path, is_shallow):
    clone, commands = tmp_path / "clone", tmp_path / "commands"
    depth = ["--depth", "1"] if is_shallow else []
    subprocess.run(["git", "clone", "-q", *depth, f"file://{repository}", str(clone)], check=True)
    commands.mkdir()
    for name, text in (("make", 'echo "made $1"'), ("chromium", "true")):
        (commands / name).write_text(f"#!/bin/sh\n{text}\n")
        (commands / name).chmod(0o755)
    (clone / ".ci").mkdir()
    script = clone / ".ci/run"
    script.write_text((Path(__file__).resolve().parents[2] / ".ci/run").read_text())
    path = f"{commands}{os.pathsep}{os.environ['PATH']}"
    done = subprocess.run(
        ["bash", str(script)], env={**os.environ, "PATH": path}, capture_output=True, text=True, check=True
    )
    assert done.stdout.splitlines()[:3] == ["made test", "made lint", "made types"]
    assert done.stdout.splitlines()[3].startswith("gate: skipped" if is_shallow else "made gate")
