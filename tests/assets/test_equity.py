"""An asset is an immutable record that behaves like its sid."""

import pickle
from dataclasses import FrozenInstanceError

import cloudpickle
import numpy as np
import pandas as pd
import pytest

from rustybt.assets import Asset, Equity
from rustybt.constants import NAT

DAY = pd.Timestamp("2020-01-02")


def apple() -> Equity:
    return Equity(
        *(24, "AAPL", "Apple", "NYSE", "NEW YORK", "US"),
        start_date=DAY,
        end_date=pd.Timestamp("2020-02-03"),
        auto_close_date=pd.Timestamp("2020-02-04"),
    )


def test_compares_and_hashes_as_its_sid():
    asset = apple()
    assert asset == 24 == asset and asset == np.int64(24) and asset == Equity(24) and asset != Equity(25)
    assert {24: "x"}[asset] == "x" and {asset: "x"}[24] == "x"
    assert sorted([Equity(3), Equity(1), Equity(2)]) == [1, 2, 3]
    assert Equity(1) < Equity(2) <= 2 < Equity(3) and Equity(2) >= 2 and Equity(2) > 1
    assert int(asset) == 24 and [0] * (int(asset) + 1) == [0] * 25 and range(30)[asset] == 24
    assert asset != "AAPL" and asset is not None and asset != 24.0


def test_order_with_something_else_is_refused():
    with pytest.raises(TypeError):
        assert Equity(1) < "a"


def test_repr_names_sid_and_symbol():
    assert repr(apple()) == "Equity(24 [AAPL])"
    assert repr(Equity(7)) == "Equity(7)"


def test_is_immutable():
    with pytest.raises((FrozenInstanceError, AttributeError)):
        apple().sid = 3
    with pytest.raises((FrozenInstanceError, AttributeError, TypeError)):
        apple().colour = "red"


def test_times_in_nanoseconds_whatever_the_unit():
    asset = Equity(0, start_date=DAY.as_unit("s"), end_date=DAY.as_unit("us"))
    assert asset.start_ns == asset.end_ns == DAY.as_unit("ns").value
    assert asset.auto_close_ns == NAT and asset.auto_close_date is None


def test_alive_from_start_to_end():
    asset = apple()
    alive = [
        asset.is_alive_for_session(pd.Timestamp(d)) for d in ("2020-01-01", "2020-01-02", "2020-02-03", "2020-02-04")
    ]
    assert alive == [False, True, True, False]
    assert asset.is_alive_for_session(pd.Timestamp("2020-01-02", tz="UTC"))
    assert not Equity(0).is_alive_for_session(DAY)


def test_dict_round_trip():
    values = apple().to_dict()
    assert values["multiplier"] == 1.0 and values["tick_size"] == 0.01 and values["symbol"] == "AAPL"
    again = Equity.from_dict({**values, "unknown": 1})
    assert again.to_dict() == values and type(again) is Equity and isinstance(again, Asset)


@pytest.mark.parametrize("library", [pickle, cloudpickle])
def test_survives_a_pipe(library):
    again = library.loads(library.dumps(apple()))
    assert again.to_dict() == apple().to_dict() and again.start_ns == apple().start_ns
