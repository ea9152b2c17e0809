"""Registration by name."""

import pytest

from rustybt.data import bundles
from rustybt.errors import InvalidParameter, UnknownBundle


def function(*args):
    """Do nothing."""


@pytest.fixture
def name():
    yield "mine"
    if "mine" in bundles.bundles:
        bundles.unregister("mine")


def test_registers_and_forgets(name):
    assert bundles.register(name, function, "XLON", "2020-01-02", minutes_per_day=510) is function
    entry = bundles.bundles[name]
    assert (entry.ingest, entry.calendar_name, entry.start_session) == (function, "XLON", "2020-01-02")
    assert (entry.minutes_per_day, entry.create_writers, entry.price_quantum) == (510, True, 0.001)
    bundles.unregister(name)
    assert name not in bundles.bundles


def test_works_as_a_decorator(name):
    @bundles.register(name, calendar_name="24/7", price_quantum=None, description="coins")
    def ingest(*args):
        """Do nothing."""

    entry = bundles.bundles[name]
    assert (entry.ingest, entry.calendar_name, entry.price_quantum, entry.description) == (
        ingest,
        "24/7",
        None,
        "coins",
    )


def test_overwriting_warns_at_the_caller(name):
    bundles.register(name, function)
    with pytest.warns(UserWarning, match="Overwriting bundle with name 'mine'") as caught:
        bundles.register(name, function)
    assert caught[0].filename == __file__


def test_mapping_is_read_only():
    with pytest.raises(TypeError):
        bundles.bundles["x"] = None
    assert {"mag-7", "csvdir"} <= set(bundles.bundles)


def test_unregister_unknown_name():
    with pytest.raises(UnknownBundle, match=r"bundle 'mag-8' is not registered \(did you mean 'mag-7'\?\)"):
        bundles.unregister("mag-8")


@pytest.mark.parametrize("quantum", [0.01, 0, -0.001, 1])
def test_other_quanta_are_refused(quantum):
    with pytest.raises(InvalidParameter, match=r"price_quantum .* is not supported: use 0.001, or None"):
        bundles.register("mine", function, price_quantum=quantum)


def test_what_cannot_be_called_is_refused():
    with pytest.raises(InvalidParameter, match=r"ingest function of bundle 'mine' is 3"):
        bundles.register("mine", 3)


def test_a_folder_without_a_version_is_no_bundle(data_root):
    (data_root / "bundles" / "empty").mkdir(parents=True)
    with pytest.raises(UnknownBundle, match=r"bundle 'empty' is not known: the bundles are csvdir, mag-7;"):
        bundles.load("empty")
