"""What a journalled run refuses, and what it leaves as it was."""

import os
from itertools import islice

import pytest

from rustybt import Optimizer, VectorStrategy
from rustybt.errors import InvalidParameter, JournalExists, JournalMismatch, StorageError
from rustybt.optimization import Float, GridSearch, Integer, RandomSearch, run_many
from rustybt.optimization.journal import Journal
from rustybt.optimization.journal_files import AppendFile
from rustybt.optimization.result import OptimizationInterrupted
from rustybt.optimization.workers.serial import SerialPool
from tests.optimization.vector_strategies import SPAN, Cross

pytestmark = pytest.mark.usefixtures("market")


def optimizer(storage, **options):
    options = {"search": RandomSearch(6, seed=1), **SPAN, **options}
    return Optimizer(options.pop("strategy", Cross), storage=storage, **options)


def contents(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir()}


class Continuum(Cross):
    weight = Float(0.25, 1.0)


@pytest.fixture
def run(tmp_path):
    optimizer(tmp_path / "run").run()
    return tmp_path / "run"


def test_a_run_is_not_begun_over_another(run):
    before = contents(run)
    with pytest.raises(JournalExists, match="holds a run already, begun .*, of 6 trials so far: resume it, or name"):
        optimizer(run).run()
    assert contents(run) == before


class Edited(VectorStrategy):
    fast = Integer(2, 20)

    def target_percent(self, bars, fast):
        return 0.1 * (bars.mean("close", fast) > bars.mean("close", 30))


class EditedLater(VectorStrategy):
    fast = Integer(2, 20)

    def target_percent(self, bars, fast):
        return 0.1 * (bars.mean("close", fast) > bars.mean("close", 31))


EditedLater.__name__ = EditedLater.__qualname__ = "Edited"


@pytest.mark.parametrize(
    ("options", "name"),
    [
        ({"search": RandomSearch(6, seed=2)}, "seed"),
        ({"objective": "sortino"}, "objectives"),
        ({"constraints": "trades > 3"}, "constraints"),
        ({"capital_base": 5_000.0}, "capital_base"),
        ({"end": "2012-11-30"}, "last_session"),
        ({"fast": True}, "fast"),
        ({"stop_rules": True}, "stop_rules"),
        ({"conditions": "slow > 10"}, "conditions"),
        ({"fixed": {"fast": 5}}, "space"),
    ],
)
def test_another_setting_is_named_and_nothing_is_touched(run, options, name):
    before = contents(run)
    with pytest.raises(JournalMismatch, match=name):
        optimizer(run, **options).resume()
    assert contents(run) == before


def test_a_changed_strategy_is_named(tmp_path):
    optimizer(tmp_path / "run", strategy=Edited).run()
    with pytest.raises(
        JournalMismatch, match=r"\) the strategy's code changed: \"\w{64}\" then, \"\w{64}\" now\. "
    ) as caught:
        optimizer(tmp_path / "run", strategy=EditedLater).resume()
    assert caught.value.fields == ("strategy_digest",)
    assert len(optimizer(tmp_path / "run", strategy=Edited).resume()) == 6


class Renamed(Edited):
    pass


def test_another_name_of_a_strategy_is_no_change_of_its_code(tmp_path):
    optimizer(tmp_path / "run", strategy=Edited).run()
    with pytest.raises(JournalMismatch, match='the strategy changed: "Edited" then, "Renamed" now'):
        optimizer(tmp_path / "run", strategy=Renamed).resume()


def test_a_changed_strategy_among_many_is_named(tmp_path):
    options = {"num_workers": 1, "search": RandomSearch(2, seed=1), "storage": tmp_path / "run", **SPAN}
    run_many({"one": Cross, "two": Edited}, **options)
    with pytest.raises(JournalMismatch, match=r"\) the strategy's code of 'two' changed: \"\w{64}\" then") as caught:
        run_many({"one": Cross, "two": EditedLater}, resume=True, **options)
    assert caught.value.fields == ("two.strategy_digest",)


def test_a_finished_run_resumes_to_the_same_at_once(run):
    result = optimizer(run, result_cache=False).resume()
    assert len(result) == 6 and result.trials["worker"].eq(0).all()


def test_resume_needs_a_storage():
    with pytest.raises(InvalidParameter, match="storage is missing"):
        optimizer(None).resume()


def test_a_folder_that_cannot_be_written_is_an_error_before_any_trial(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(StorageError, match=r"cannot keep a run: Not a directory"):
        optimizer(tmp_path / "file" / "run").run()


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"backend": "dask", "scheduler": "10.0.0.1:8786"}, InvalidParameter, "is no scheduler's: write"),
        ({"backend": "dask", "trial_timeout_s": 5}, InvalidParameter, "timeout_s 5 cannot be kept by Dask"),
        ({"pool": SerialPool(), "worker_memory_mb": 900}, InvalidParameter, "memory_mb 900 needs a worker process"),
        ({"strategy": Continuum, "search": GridSearch()}, InvalidParameter, "'weight'.* is a continuum"),
    ],
)
@pytest.mark.parametrize("does_resume", [False, True])
def test_what_cannot_run_leaves_the_storage_alone(tmp_path, options, error, message, does_resume):
    if options.get("backend") == "dask":
        pytest.importorskip("distributed")
    strategy = options.get("strategy", Cross)
    if does_resume:
        optimizer(tmp_path / "run", strategy=strategy).run()
    before = contents(tmp_path / "run") if does_resume else None
    wrong = optimizer(tmp_path / "run", **options)
    with pytest.raises(error, match=message):
        wrong.resume() if does_resume else wrong.run()
    assert (contents(tmp_path / "run") if (tmp_path / "run").exists() else None) == before
    corrected = optimizer(tmp_path / "run", strategy=strategy)
    assert len(corrected.resume() if does_resume else corrected.run()) == 6


def test_the_space_of_every_strategy_is_looked_at_before_the_run_begins(tmp_path):
    with pytest.raises(InvalidParameter, match="'weight'.* is a continuum"):
        run_many([Cross, Continuum], num_workers=1, storage=tmp_path / "run", **SPAN)
    assert not (tmp_path / "run").exists()


@pytest.fixture
def fails_at_close(monkeypatch):
    """Let the disk fail when a journal is closed, and not before."""
    close = Journal.close

    def fail(file):
        raise OSError(5, "Input/output error")

    def close_on_failing_disk(journal):
        monkeypatch.setattr(AppendFile, "sync", fail)
        close(journal)

    monkeypatch.setattr(Journal, "close", close_on_failing_disk)


class Bomb(SerialPool):
    """Ends the run in the middle."""

    def __init__(self, error):
        self.error = error

    def run(self, job, take, **options):
        outcomes = super().run(job, take, **options)
        yield from islice(outcomes, 2)
        raise self.error


@pytest.mark.parametrize("error", [KeyboardInterrupt(), ZeroDivisionError("in the pool")])
def test_a_disk_that_fails_at_the_close_hides_no_other_error(tmp_path, fails_at_close, error):
    run = optimizer(tmp_path / "run", pool=Bomb(error), result_cache=False)

    with pytest.raises(OptimizationInterrupted if isinstance(error, KeyboardInterrupt) else type(error)) as caught:
        run.run()
    assert "the disk failed under" in caught.value.__notes__[0]
    assert len(run.partial) == 2


def test_a_disk_that_fails_at_the_close_is_an_error_of_a_run_that_ended_well(tmp_path, fails_at_close):
    run = optimizer(tmp_path / "run")

    with pytest.raises(StorageError, match="the disk failed under"):
        run.run()
    assert len(run.partial) == 6


def test_a_full_disk_ends_the_run_and_a_resume_completes_it(tmp_path):
    pwrite, left = os.pwrite, [3_000]

    def full(descriptor, data, offset):
        left[0] -= len(data)
        if left[0] < 0:
            raise OSError(28, "No space left on device")
        return pwrite(descriptor, data, offset)

    run = optimizer(tmp_path / "run", result_cache=False)
    with (
        pytest.MonkeyPatch.context() as patch,
        pytest.raises(StorageError, match="No space left on device.*free some space, then resume the run"),
    ):
        patch.setattr(os, "pwrite", full)
        run.run()
    result = optimizer(tmp_path / "run", result_cache=False).resume()
    assert len(result) == 6 and 0 < len(run.partial) < 6
    assert result.trials["score"].tolist() == optimizer(None, result_cache=False).run().trials["score"].tolist()
