"""What a journalled run refuses, and what it leaves as it was."""

import os

import pytest

from rustybt import Optimizer, VectorStrategy
from rustybt.errors import InvalidParameter, JournalExists, JournalMismatch, StorageError
from rustybt.optimization import Integer, RandomSearch, run_many
from tests.optimization.vector_strategies import SPAN, Cross

pytestmark = pytest.mark.usefixtures("market")


def optimizer(storage, **options):
    options = {"search": RandomSearch(6, seed=1), **SPAN, **options}
    return Optimizer(options.pop("strategy", Cross), storage=storage, **options)


def contents(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir()}


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
