import importlib
import sys
import threading

import cloudpickle
import pytest

from rustybt.errors import WorkerError
from rustybt.optimization.workers.parcel import pack, unpack, user_modules


@pytest.fixture
def sibling(tmp_path, monkeypatch):
    (tmp_path / "sibling_of_a_test.py").write_text("FACTOR = 3\ndef times(x):\n    return x * FACTOR\n")
    monkeypatch.syspath_prepend(tmp_path)
    yield importlib.import_module("sibling_of_a_test")
    del sys.modules["sibling_of_a_test"]


def test_a_users_module_is_taken_by_value(sibling):
    payload = pack(sibling.times).payload
    sibling.FACTOR = 100
    assert unpack(payload)(2) == 6


def test_cloudpickle_is_left_as_it_was(sibling):
    cloudpickle.register_pickle_by_value(sibling)
    try:
        pack(sibling.times)
        assert "sibling_of_a_test" in cloudpickle.list_registry_pickle_by_value()
    finally:
        cloudpickle.unregister_pickle_by_value(sibling)
    with pytest.raises(WorkerError, match="only this process has"):
        pack((sibling.times, threading.Lock()))
    assert cloudpickle.list_registry_pickle_by_value() == set()


def test_installed_modules_and_the_package_itself_go_by_name(sibling):
    names = {name for name, _ in user_modules()}
    assert "sibling_of_a_test" in names
    assert not {name for name in names if name.partition(".")[0] in {"rustybt", "numpy", "pytest", "json", "__main__"}}


def test_the_same_code_has_the_same_digest(sibling):
    assert pack(sibling.times) == pack(sibling.times)
    before = pack(sibling.times).digest
    sibling.FACTOR = 4
    assert pack(sibling.times).digest != before
