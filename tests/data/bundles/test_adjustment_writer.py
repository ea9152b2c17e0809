"""Frames of corporate actions become tables, or an error that names table and column."""

import numpy as np
import pandas as pd
import pytest

from rustybt.constants import NAT
from rustybt.data.bundles.adjustment_writer import AdjustmentWriter
from rustybt.errors import BadData

DAY = pd.Timestamp("2020-01-02")
NS = DAY.as_unit("ns").value
SPLIT = {"sid": 0, "effective_date": DAY, "ratio": 0.5}
DIVIDEND = {"sid": 0, "ex_date": DAY, "declared_date": DAY, "record_date": DAY, "pay_date": DAY, "amount": 0.25}


def tables(sids=(0, 1), **frames):
    writer = AdjustmentWriter()
    writer.write(**{name: pd.DataFrame(rows) for name, rows in frames.items()})
    return writer.tables(sids)


@pytest.mark.parametrize("date", [DAY, "2020-01-02", pd.Timestamp(DAY, tz="UTC"), DAY.to_pydatetime(), 1_577_923_200])
def test_dates_of_any_kind(date):
    assert tables(splits=[{**SPLIT, "effective_date": date}])["splits"].tolist() == [(0, NS, 0.5)]


@pytest.mark.parametrize("unit", ["s", "ms", "us", "ns"])
def test_dates_of_any_unit(unit):
    frame = pd.DataFrame({"sid": [0], "effective_date": pd.DatetimeIndex([DAY]).as_unit(unit), "ratio": [0.5]})
    writer = AdjustmentWriter()
    writer.write(splits=frame)
    assert writer.tables([0])["splits"]["effective_ns"].tolist() == [NS]


def test_unknown_dates_are_kept_as_such():
    row = {**DIVIDEND, "declared_date": pd.NaT, "pay_date": None}
    (got,) = tables(dividends=[row])["dividends"]
    assert (got["declared_ns"], got["pay_ns"], got["record_ns"]) == (NAT, NAT, NS)


def test_frames_add_up_and_empty_ones_vanish():
    writer = AdjustmentWriter()
    writer.write(splits=pd.DataFrame([SPLIT]), mergers=pd.DataFrame(), dividends=None)
    writer.write(splits=pd.DataFrame([{**SPLIT, "sid": 1}]))
    got = writer.tables([0, 1])
    assert list(got) == ["splits"] and got["splits"]["sid"].tolist() == [0, 1]


@pytest.mark.parametrize(
    ("frames", "message"),
    [
        ({"splits": [{"sid": 0, "ratio": 2.0}]}, r"splits lack column 'effective_date'"),
        ({"splits": [{**SPLIT, "x": 1}]}, r"splits have an unknown column 'x'"),
        (
            {"mergers": [{"sid": 0, "ration": 1.0, "effective_date": DAY}]},
            r"mergers lack column 'ratio' \(did you mean 'ration'\?\)",
        ),
        ({"splits": [{**SPLIT, "ratio": 0.0}]}, r"splits column 'ratio' holds 0.0: it must be a positive number"),
        ({"splits": [{**SPLIT, "ratio": np.inf}]}, r"splits column 'ratio' holds inf"),
        ({"splits": [{**SPLIT, "ratio": "2:1"}]}, r"splits column 'ratio'.* holds '2:1', not numbers"),
        ({"splits": [{**SPLIT, "sid": 0.5}]}, r"splits column 'sid' holds 0.5: a sid is a whole number"),
        (
            {"splits": [{**SPLIT, "effective_date": "soon"}]},
            r"splits column 'effective_date' holds something else than dates",
        ),
        ({"splits": [SPLIT, {**SPLIT, "effective_date": pd.NaT}]}, r"'effective_date' has a missing date in row 1"),
        (
            {"dividends": [{**DIVIDEND, "amount": -1.0}]},
            r"dividends column 'amount' holds -1.0: it must be a non-negative",
        ),
        ({"dividends": [{**DIVIDEND, "ex_date": None}]}, r"dividends column 'ex_date' has a missing date"),
        ({"splits": [{**SPLIT, "sid": 8}]}, r"splits have sid 8, which no asset has"),
    ],
)
def test_broken_frames_are_refused(frames, message):
    with pytest.raises(BadData, match=message):
        tables(**frames)


def test_payment_sid_must_exist():
    row = {key: value for key, value in DIVIDEND.items() if key != "amount"} | {"payment_sid": 9, "ratio": 0.1}
    with pytest.raises(BadData, match="stock_dividends have payment_sid 9, which no asset has"):
        tables(stock_dividends=[row])
