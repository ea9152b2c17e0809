"""Vector strategies alone and as a batch: the same numbers as bar by bar, in any order, in any process, at any time."""

import os
import subprocess
import sys
import tracemalloc

import numpy as np
import pandas as pd
import pytest
from click.testing import CliRunner

from rustybt import VectorStrategy, run_algorithm, run_batch
from rustybt.cli.main import cli
from rustybt.data.portal import portal_of
from rustybt.engine.setup import DEFAULT_SETUP, Setup
from rustybt.engine.strategy import hooks_of
from rustybt.errors import InvalidParameter, InvalidSpan, UnknownBundle
from rustybt.finance.rules import rules_of
from rustybt.finance.slippage import FixedBasisPointsSlippage
from rustybt.kernels.run_metrics import NAMES
from rustybt.results.metrics import METRICS
from rustybt.run import simulate
from rustybt.vector_run import Batch
from tests.builders import bars, days, make_bundle
from tests.vector_cases import AtBars, at_once, costs, other_metrics, random_decisions, random_market

START, END = "2018-01-02", "2020-12-31"


class Crossover(VectorStrategy):
    fast, slow = 20, 100

    def target_percent(self, bars, fast, slow):
        rising = bars.mean("close", fast) > bars.mean("close", slow)
        return rising / len(bars.assets)


SETS = [{"fast": fast, "slow": slow} for fast in (5, 10, 30) for slow in (40, 90)]


def sessions_in(bundle):
    return portal_of(bundle).session_labels


# What a batch gives --------------------------------------------------------------------------------------------------


def test_a_row_has_the_parameters_then_every_metric(mag7):
    frame = run_batch(Crossover, iter(SETS), mag7, START, END)
    assert frame.columns.tolist() == ["fast", "slow", *METRICS]
    assert frame[["fast", "slow"]].to_dict("records") == SETS
    assert list(METRICS) == list(NAMES)
    assert frame["fills"].min() > 0


def test_no_sets_give_no_rows(mag7):
    assert len(run_batch(Crossover, [], mag7, START, END)) == 0


def test_metrics_are_those_of_a_single_run_and_of_the_event_tier(mag7):
    frame = run_batch(Crossover, SETS, mag7, START, END)
    for one, row in zip(SETS, frame[list(METRICS)].to_dict("records"), strict=True):
        single = simulate(hooks_of(Crossover(**one)), mag7, START, END)
        assert other_metrics(single.metrics, row) == []
    assets = list(mag7.asset_finder.equities)

    class Noting(Crossover):
        def target_percent(self, bars, fast, slow):
            self.decisions = super().target_percent(bars, fast, slow)
            return self.decisions

    noting = Noting(**SETS[0])
    vector = simulate(hooks_of(noting), mag7, START, END)
    event = simulate(hooks_of(AtBars("target_percent", noting.decisions, assets)), mag7, START, END)
    assert event.metrics == vector.metrics
    assert np.array_equal(event.records.sessions, vector.records.sessions)


def test_any_order_and_any_repeat_give_the_same_bits(mag7):
    def bits(sets):
        frame = run_batch(Crossover, sets, mag7, START, END)
        return {(row[0], row[1]): np.array(row[2:], dtype=float).tobytes() for row in frame.itertuples(index=False)}

    forward = bits(SETS)
    assert bits(SETS[::-1]) == forward
    assert bits(SETS[2:3] * 5) == {key: forward[key] for key in [(10, 40)]}
    run_batch(Crossover, SETS, mag7, "2010-01-04", "2011-12-30")  # other sizes use the memory in between
    assert bits(SETS) == forward


SCRIPT = """
import hashlib
from tests.test_vector_run import Crossover, END, SETS, START
from rustybt import run_batch
frame = run_batch(Crossover, SETS[:2], "mag-7", START, END)
print(hashlib.sha256(frame.to_numpy(dtype=float).tobytes()).hexdigest())
"""


def test_any_process_gives_the_same_bits(ingested):
    found = {
        subprocess.run(
            [sys.executable, "-c", SCRIPT],
            capture_output=True,
            text=True,
            check=True,
            env={**_environ(), "PYTHONHASHSEED": seed},
        ).stdout
        for seed in ("1", "2")
    }
    assert len(found) == 1


def _environ():

    return {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}


def test_what_a_run_gave_is_not_changed_by_the_next(mag7):
    batch = Batch.over(mag7, START, END, 1e6, DEFAULT_SETUP)
    first = batch.run(Crossover(fast=5, slow=40))
    before = first.returns.copy()
    batch.run(Crossover(fast=30, slow=90))
    assert np.array_equal(first.returns, before)


def test_memory_does_not_grow_with_the_number_of_trials(mag7):
    class Hold(VectorStrategy):
        weight = 0.1

        def target_percent(self, bars, weight):
            return np.full(bars.shape, weight)

    def peak(count):
        sets = ({"weight": number % 50 / 1000} for number in range(count))  # more fills would need more room
        tracemalloc.start()
        batch = Batch.over(mag7, "2020-10-01", "2020-12-31", 1e6, DEFAULT_SETUP)
        for one in sets:
            batch.run(Hold(**one))
        found = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return found

    peak(500)  # whatever is kept once
    few, many = peak(50), peak(500)
    assert many < few * 1.05 + 20_000


# No run knows what comes later --------------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("kind", ["target_percent", "target_shares", "orders"])
@pytest.mark.filterwarnings("ignore::rustybt.errors.IngestWarning")
def test_later_bars_change_nothing_before(kind, seed):
    market = random_market(seed, n_assets=3, n_sessions=30)
    whole = market.ingest("whole")
    labels = sessions_in(whole)
    for row in (8, 15, 22):
        later = random_market(seed, n_assets=3, n_sessions=30)
        for frame in later.frames.values():
            after = frame.index >= labels[row]
            frame.loc[after, ["open", "high", "low", "close"]] *= 1.37
            frame.loc[after, "volume"] = frame.loc[after, "volume"] // 3
        day = str(labels[row + 2].date())
        later.actions["splits"] = [split for split in later.actions["splits"] if split[:2] != ("A", day)]
        later.actions["splits"].append(("A", day, 0.25))
        later.actions["dividends"] += [("A", str(labels[row + 1].date()), str(labels[row + 2].date()), 0.01)]
        later.actions["splits"] = list(
            {(s, day): (s, day, ratio) for s, day, ratio in later.actions["splits"]}.values()
        )
        changed = later.ingest(f"later{row}")
        runs = []
        for bundle in (whole, changed):
            close = portal_of(bundle).array("close")[:8]
            decisions = random_decisions(seed, kind, (30, 3), close)
            setup = Setup(blotter=costs(FixedBasisPointsSlippage(5.0, 0.2), None), rules=rules_of(cash="scale"))
            hooks = hooks_of(at_once(kind, decisions)())
            runs.append(simulate(hooks, bundle, labels[0], labels[-1], 1e5, setup=setup).records)
        one, other = runs
        assert np.array_equal(one.sessions[:row], other.sessions[:row], equal_nan=True)
        assert one.orders[:row] == other.orders[:row]
        assert one.positions[:row] == other.positions[:row]
        assert [[fill.to_dict() for fill in day] for day in one.transactions[:row]] == [
            [fill.to_dict() for fill in day] for day in other.transactions[:row]
        ]


def test_an_indicators_decision_knows_no_later_bar():
    closes = [10.0 + (k * 7 % 5) / 4 for k in range(40)]

    def trades(last):
        bundle = make_bundle({"A": bars([*closes[:30], *[close * last for close in closes[30:]]])}, name=f"at{last}")
        result = simulate(hooks_of(Crossover(fast=2, slow=5)), bundle, None, None)
        return result.records.sessions[:30]

    assert np.array_equal(trades(1.0), trades(3.0))


def test_nothing_is_filled_in_the_session_of_its_decision():
    bundle = make_bundle({"A": bars([10.0] * 6)})
    decisions = np.array([[np.nan], [5.0], [np.nan], [np.nan], [np.nan], [7.0]])
    for fill_at in ("close", "open"):
        result = simulate(
            hooks_of(at_once("orders", decisions)()), bundle, None, None, setup=Setup(rules=rules_of(fill_at=fill_at))
        )
        assert [[fill.amount for fill in day] for day in result.records.transactions] == [[], [], [5], [], [], []]
        placed = [[(order["amount"], order["filled"]) for order in day] for day in result.records.orders]
        assert placed == [[], [(5, 0)], [(5, 5)], [], [], [(7, 0)]]


# Around a run -------------------------------------------------------------------------------------------------------


def test_run_algorithm_runs_one_and_calls_analyze(ingested):
    seen = []

    class Half(VectorStrategy):
        assets = ["AAPL", "MSFT"]
        benchmark = "AAPL"

        def target_percent(self, bars):
            assert bars.symbols == ("AAPL", "MSFT")
            return np.full(bars.shape, 0.5)

        def analyze(self, context, perf):
            seen.append((context, perf))

    perf = run_algorithm(START, END, strategy=Half(), bundle="mag-7")
    ((context, frame),) = seen
    assert context is None and frame is perf
    assert len(perf.columns) == 37

    def initialize(context):
        context.set_benchmark(context.symbol("AAPL"))

    event = run_algorithm(START, END, initialize=initialize, bundle="mag-7")
    pd.testing.assert_series_equal(perf["benchmark_period_return"], event["benchmark_period_return"])


FILE = """
import numpy as np
from rustybt import VectorStrategy


class Hold(VectorStrategy):
    assets, weight = ["AAPL", "MSFT"], 0.1

    def target_percent(self, bars, weight):
        return np.full(bars.shape, weight)

    def analyze(self, context, perf):
        print("analyzed", len(perf), self.weight)
"""


def test_the_command_line_runs_one(ingested, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "hold.py").write_text(FILE)
    line = "run -f hold.py -b mag-7 -s 2015-01-02 -e 2015-06-30 -p weight=0.4"
    done = CliRunner().invoke(cli, line.split(), prog_name="rustybt", catch_exceptions=False)
    assert done.exit_code == 0, done.output
    assert "analyzed 124 0.4" in done.stdout
    assert "124 sessions of mag-7" in done.stdout


def test_a_batch_compares_with_the_benchmark_that_is_given_or_named(mag7):
    labels = [label for label in sessions_in(mag7) if pd.Timestamp(START) <= label <= pd.Timestamp(END)]
    given = pd.Series(np.linspace(-0.01, 0.012, len(labels)), index=pd.DatetimeIndex(labels))
    frame = run_batch(Crossover, SETS[:1], mag7, START, END, benchmark_returns=given)
    single = simulate(hooks_of(Crossover(**SETS[0])), mag7, START, END, benchmark_returns=given)
    assert frame["beta"].iloc[0] == pytest.approx(single.metrics["beta"], rel=1e-9)

    class Named(Crossover):
        benchmark = "MSFT"

    named = run_batch(Named, SETS[:1], mag7, START, END, benchmark_returns=given)
    single = simulate(hooks_of(Named(**SETS[0])), mag7, START, END)
    assert named["benchmark_return"].iloc[0] == single.metrics["benchmark_return"]


def test_what_a_batch_cannot_take_is_refused(mag7, tmp_path):
    for none in (None, Crossover(), int, "Crossover"):
        with pytest.raises(InvalidParameter, match="is no subclass of rustybt.VectorStrategy"):
            run_batch(none, [{}], mag7)
    with pytest.raises(InvalidParameter, match="Crossover has no parameter 'fsat' .did you mean 'fast'"):
        run_batch(Crossover, [{"fast": 3}, {"fsat": 3}], mag7, START, END)
    with pytest.raises(UnknownBundle):
        run_batch(Crossover, [{}], "nothing", environ={"RUSTYBT_ROOT": str(tmp_path)})
    with pytest.raises(InvalidSpan):
        run_batch(Crossover, [{}], mag7, END, START)


def test_a_parameter_named_as_a_metric_is_refused(mag7):
    class Tilt(VectorStrategy):
        beta = 1.0

        def target_percent(self, bars, beta):
            return np.full(bars.shape, beta)

    with pytest.raises(InvalidParameter, match="parameter 'beta' has the name of a metric"):
        run_batch(Tilt, [{"beta": 0.5}], mag7, START, END)


def test_sessions_of_the_frame_are_those_asked_for():
    bundle = make_bundle({"A": bars([10.0] * 9)})
    day = days(9)
    result = simulate(hooks_of(at_once("orders", np.ones((3, 1)))()), bundle, day[4], day[6])
    assert result.perf["period_label"].tolist() == ["2020-01"] * 3
    assert len(result.perf) == 3
