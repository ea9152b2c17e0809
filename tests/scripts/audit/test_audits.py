"""Audits compare equal results, hold their criteria to bounds and not to means, and say all that they found."""

import json

import numpy as np
import pytest
from scipy import stats

from rustybt.data.bundles import ingest
from scripts import benchmarks
from scripts.benchmarks.audit import command as shared
from scripts.benchmarks.audit import nursery, reporting, side, sides
from scripts.benchmarks.audit.audits import audit_of, factor_criterion, micro_criteria, production_criteria, run_audit
from scripts.benchmarks.audit.paired import paired_test
from scripts.benchmarks.audit.pairs import Measured
from scripts.benchmarks.audit.workload import FOREST, Scale, combinations, spans_of

GRID = Scale("mag-7", "2023-01-01", "2023-12-31", 4, 9)
WALK = Scale("mag-7", "2023-01-01", "2023-12-31", 4, 9, windows=2)
MODEL = GRID._replace(workload=FOREST)


@pytest.fixture
def sample(data_root):
    ingest("mag-7", show_progress=False)


def measured(seconds, seed=0):
    draw = np.random.default_rng(seed)
    return [Measured(seconds * float(np.exp(draw.normal(0, 0.02))), "digest", {}) for _ in range(10)]


@pytest.mark.usefixtures("sample")
@pytest.mark.parametrize("scale", [GRID, WALK, MODEL])
def test_the_loop_and_the_optimizer_find_the_same(scale):
    by_loop, _ = side.loop_work(scale)()
    by_optimizer, notes = side.optimizer_work(scale, {"workers": 1, "layers": {"history_cache": "on"}})()
    assert json.dumps(by_loop) == json.dumps(by_optimizer)
    assert len(by_loop) == scale.total
    assert notes["layers"]["history_cache"] == "on: as configured"
    assert len({row[1] for row in by_loop if len(row) == 3}) > 1, "parameters make a difference"


@pytest.mark.usefixtures("sample")
def test_an_audit_compares_what_processes_found_and_writes_it(tmp_path, monkeypatch):
    tiny = GRID._replace(backtests=1, end="2023-01-31")
    ask, known = sides.ask, {}

    def once(scale, request):  # one process of each side is enough here
        if request["kind"] not in known:
            known[request["kind"]] = ask(scale, request)
        return known[request["kind"]]

    monkeypatch.setattr(sides, "ask", once)
    told = []
    audit = run_audit("grid, tiny", tiny, workers=1, runs=3, told=told.append)
    assert len(told) == 4 and set(audit.seconds) == {sides.LOOP, sides.FULL}
    audit.criteria = micro_criteria(audit.gain)
    written = reporting.write(tmp_path / "out", [audit], reporting.surroundings("abc"))
    kept = json.loads(written[0].read_text())
    assert kept["audits"][0]["seconds"] == audit.seconds and kept["about"]["fingerprint"] == "abc"
    assert kept["audits"][0]["scale"]["backtests"] == 1 and "commit" in kept["about"]
    page = written[1].read_text()
    assert "| grid, tiny: all layers against the plain loop | 1 | 1 |" in page
    assert "grid, tiny" in written[2].read_text() and (tmp_path / "out/plotly.min.js").exists()


@pytest.mark.usefixtures("sample")
def test_a_side_that_fails_says_what_it_wrote():
    with pytest.raises(nursery.SideFailed, match="UnknownBundle: bundle 'nope'"):
        sides.ask(GRID._replace(bundle="nope"), {"kind": "loop"})


def test_each_layer_is_left_out_and_judged_after_holm():
    found = {
        sides.LOOP: measured(10.0, 1),
        sides.FULL: measured(5.0, 2),
        "without history_cache": measured(6.0, 3),
        "without result_cache": measured(5.0, 4),
        "without shared_bundle": measured(4.5, 5),
    }
    audit = audit_of("grid, production", Scale("b", "", "", 8, 400), 2, found)
    assert list(audit.layers) == ["history_cache", "result_cache", "shared_bundle"]
    verdicts = [reporting.verdict_of(audit, layer) for layer in audit.layers]
    assert verdicts == ["pays", "no difference found", "costs"]
    assert all(audit.adjusted[layer] >= test.p for layer, test in audit.layers.items())
    assert "| history_cache | +16" in reporting.markdown_of([audit], {})
    assert set(sides.without_one(GRID, 2)) == {f"without {name}" for name in (*sides.LAYERS, "workers")}
    assert "without workers" not in sides.without_one(GRID, 1)


@pytest.mark.parametrize(("ratio", "holds"), [(0.9, True), (1.0, True), (1.2, False)])
def test_a_micro_audit_holds_where_the_bound_does(ratio, holds):
    times = [[one.seconds for one in measured(seconds, seed)] for seconds, seed in ((1.0, 1), (ratio, 2))]
    enough, criterion = micro_criteria(paired_test(*times))
    assert enough.holds and criterion.holds is holds and criterion.found > ratio * 0.98
    assert criterion.note.startswith("where both take the same time, ")
    few = [seconds[:9] for seconds in times]
    assert not micro_criteria(paired_test(*few))[0].holds, "nine pairs say nothing"


@pytest.mark.parametrize(
    ("ratio", "holds"), [(0.2, [True] * 4), (0.58, [True, True, True, False]), (0.7, [True, False, True, False])]
)
def test_a_production_audit_holds_where_the_bound_does(ratio, holds):
    times = [[one.seconds for one in measured(seconds, seed)] for seconds, seed in ((10.0, 1), (10 * ratio, 2))]
    test = paired_test(*times)
    assert [one.holds for one in (*production_criteria(test), factor_criterion(test))] == holds


def test_layers_that_do_nothing_are_said_to_cost_as_seldom_as_to_pay():
    draw, said = np.random.default_rng(7), {"pays": 0, "costs": 0}
    for _ in range(150):
        names = [sides.LOOP, sides.FULL, *(f"{sides.WITHOUT}{layer}" for layer in "abcde")]
        found = {name: [Measured(float(np.exp(x)), "d", {}) for x in draw.normal(0, 0.05, 10)] for name in names}
        audit = audit_of("A/A", Scale("b", "", "", 8, 400), 2, found)
        verdicts = {reporting.verdict_of(audit, layer) for layer in audit.layers}
        for word in said:
            said[word] += word in verdicts
    most = stats.binom.ppf(0.999, 150, 0.05)
    assert max(said.values()) <= most


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--num-runs", "2"], "argument --num-runs: 2: a paired test takes at least 3 pairs"),
        (["--num-assets", "9"], "--num-assets 9: bundle 'mag-7' has 8; ask for 1 to 8"),
        (["--num-assets", "0"], "argument --num-assets: 0: it must be a whole number of at least 1"),
        (["--num-backtests", "-3"], "argument --num-backtests: -3: it must be a whole number of at least 1"),
        (["--start-date", "2023-13-01"], "argument --start-date: 2023-13-01: write a day like 2023-01-31"),
    ],
)
def test_what_cannot_be_audited_is_refused_before_anything_runs(arguments, message, monkeypatch, capsys):
    from scripts.benchmarks import audit_grid_search_benchmark as command

    monkeypatch.setattr(sides, "ask", None)
    with pytest.raises(SystemExit) as refused:
        command.main(["mag-7", *arguments])
    assert message in f"{refused.value}{capsys.readouterr().err}"


def test_a_bundle_that_is_not_there_is_one_line():
    from scripts.benchmarks import audit_grid_search_benchmark as command

    with pytest.raises(SystemExit, match="bundle 'nosuch' is not ingested: rustybt bundles lists what there is"):
        command.main(["nosuch", "--quick"])


def test_a_loss_is_called_slower():
    assert reporting.factor_words(0.5) == "2.00 times slower" and reporting.factor_words(1.5) == "1.50 times faster"


def test_sizes_are_as_asked():
    for count in (1, 7, 25, 39, 400):
        assert len({tuple(one.values()) for one in combinations(GRID._replace(backtests=count))}) == count
    assert spans_of(250, 10).in_sample + 10 * spans_of(250, 10).out_of_sample == 250


@pytest.mark.parametrize("name", ["audit_grid_search_benchmark", "audit_walk_forward_benchmark", "run_full_audit"])
def test_the_exit_code_says_whether_criteria_hold(monkeypatch, tmp_path, name, capsys):
    from importlib import import_module

    command = import_module(f"{benchmarks.__name__}.{name}")
    for ratio, code in ((0.2, 0), (1.5, 1)):
        found = {sides.LOOP: measured(10.0, 1), sides.FULL: measured(10 * ratio, 2)}
        monkeypatch.setattr(
            command if hasattr(command, "run_audit") else shared,
            "run_audit",
            lambda name, scale, workers, found=found, **options: audit_of(name, scale, workers, found),
        )
        assert command.main(["mag-7", "--output", str(tmp_path / "out")]) == code
    assert "MISSED" in capsys.readouterr().out


@pytest.mark.usefixtures("sample")
def test_ways_to_start_a_pool_are_compared_with_their_memory(tmp_path, capsys, monkeypatch):
    from scripts.benchmarks import benchmark_phase6b_shared_bundle_fork as command

    tiny = ["--num-backtests", "2", "--end-date", "2023-01-31", "--num-runs", "3", "--output", str(tmp_path)]
    asked = []

    def once(scale, workers, method, **layers):
        found = []

        def run():
            if not found:  # one process of each way is enough here
                found.append(
                    sides.ask(scale, {"kind": "optimizer", "workers": 1, "layers": layers, "start_method": method})
                )
                asked.append((method, layers))
            draw = np.random.default_rng(len(asked))
            return found[0]._replace(seconds=found[0].seconds * float(draw.uniform(0.99, 1.01)))

        return run

    monkeypatch.setattr(command, "pool_side", once)
    assert command.main(tiny) in (0, 1)
    assert sorted(method for method, _ in asked) == ["fork", "fork", "spawn"]
    printed = capsys.readouterr().out
    assert printed.count("MB of PSS, 2 workers") == 3
    assert "forked with the bundle against spawned:" in printed and "the bundle before the fork:" in printed
