"""Where do rustybt's terms differ from Zipline's on purpose, and what is right there?

Each rule gets Zipline's value of a term, ours by name, and the rows' sessions, and raises where one of them is not what
it should be. What is right is computed by pandas from other columns.
"""

import numpy as np
import pandas as pd

NOTHING = -(2**63)
"""What NaN becomes where Zipline makes an integer of it."""


def nothing(values):
    return np.isnan(values) | (values == NOTHING) if values.dtype.kind == "f" else values == NOTHING


def ordered(values, missing=None):
    """Give values as floats in their order, NaN where they are missing."""
    if values.dtype.kind == "M":
        return np.where(np.isnat(values), np.nan, values.astype("datetime64[D]").astype(np.float64))
    return np.where(values == missing, np.nan, values.astype(np.float64))


def ranks(source, method="first", ascending=True, mask=None, groups=None, missing=None, at_most=None):
    """SciPy >= 1.10 ranks nothing where one value is NaN, so Zipline gives NaN (or an integer made of it) for all."""

    def check(want, ours, name):
        found = _ranked(ours, source, method, ascending, mask, groups, missing)
        right = found if at_most is None else found <= at_most
        np.testing.assert_array_equal(ours[name], right)
        same = (want == right) | (nothing(want) if at_most is None else ~want) | nothing(right)
        assert same.all()

    return check


def _ranked(ours, source, method, ascending, mask, groups, missing):
    values = ordered(ours[source], missing)
    by = [ours["sessions"]]
    if mask is not None:
        values = np.where(ours[mask], values, np.nan)
    if groups is not None:
        labels = ours[groups]
        values = np.where(np.isin(labels, ["<none>"] if labels.dtype.kind == "U" else [-1, -9]), np.nan, values)
        by.append(labels)
    return pd.Series(values).groupby(by).rank(method=method, ascending=ascending).to_numpy()


def by_bits(want, ours, name):
    """Zipline ranks integers by their bits read as a float's, by which negative ones stand in any order."""
    np.testing.assert_array_equal(ours[name], _ranked(ours, "input.negative", "first", True, None, None, -1))
    assert not np.array_equal(want, ours[name])


def greatest(source, mask=None, groups=None):
    """Zipline compares the bits of floats as integers', by which the greatest of negative values is the smallest."""

    def check(want, ours, name):
        floats = ours[source]
        there = ~np.isnan(floats) & (True if mask is None else ours[mask])
        labels = np.zeros(len(floats)) if groups is None else ours[groups]
        there &= ~np.isin(labels, ["<none>"] if labels.dtype.kind == "U" else [-1])
        np.testing.assert_array_equal(ours[name], _first_greatest(floats, there, ours["sessions"], labels))
        bits = floats.copy().view(np.int64)
        np.testing.assert_array_equal(want, _first_greatest(bits, there, ours["sessions"], labels))

    return check


def _first_greatest(values, there, sessions, labels):
    chosen = pd.Series(values)[there]
    places = chosen.groupby([sessions[there], labels[there]]).idxmax()
    out = np.zeros(len(values), dtype=bool)
    out[places.to_numpy()] = True
    return out


def clip_with_mask(want, ours, name):
    """Zipline's `Factor.clip` takes a mask, and forgets it."""
    np.testing.assert_allclose(want, np.clip(ours["input.weekly"], -np.inf, 0.01), rtol=1e-9)
    np.testing.assert_array_equal(
        ours[name], np.where(ours["input.some"], np.minimum(ours["input.weekly"], 0.01), np.nan)
    )


def bins_of_nothing(want, ours, name):
    """In a session without values Zipline's bins are integers made of NaN; here they are the missing value."""
    np.testing.assert_array_equal(ours[name], np.where(want == NOTHING, -1, want))


def peers_of_nothing(want, ours, name):
    """See `bins_of_nothing`: Zipline counts those without a bin as peers."""
    without = ours["Factor.quantiles"] == -1
    np.testing.assert_array_equal(ours[name], np.where(without, np.nan, want))


def raised(error, right):
    """Zipline raises: numexpr takes no dates, and nor numbers beside truth values; slowed-down text is lost."""

    def check(want, ours, name):
        assert want == error
        np.testing.assert_array_equal(ours[name], right(ours))

    return check


def _weekly_labels(ours):
    sessions = pd.DatetimeIndex(ours["sessions"])
    frame = pd.DataFrame({"week": sessions.isocalendar()["week"].to_numpy(), "symbol": ours["symbols"]})
    return frame.assign(label=ours["Classifier.latest/text"], first=sessions).pipe(_first_of_week).to_numpy()


def _first_of_week(frame):
    starts = frame.groupby("week")["first"].transform("min")
    known = {(when, symbol): label for when, symbol, label in frame[["first", "symbol", "label"]].to_numpy()}
    found = [known.get(key, "<none>") for key in zip(starts, frame["symbol"], strict=True)]
    return pd.Series(found, dtype=object)


RANK = {"ordinal": "first"}
DIFFERENCES = {
    "Factor.rank/negative integers": by_bits,
    "Factor.rank/groupby": ranks("input.weekly", groups="Classifier.latest/text"),
    "Factor.rank/groupby mask": ranks("input.weekly", groups="Classifier.latest", mask="input.some"),
    "Factor.rank/groupby descending": ranks("input.weekly", ascending=False, groups="input.steps"),
    "Factor.rank/dates descending": ranks("Latest/event", "min", False),
    "Factor.rank/integers descending": ranks("CustomFactor/integers", "max", False, missing=-1),
    "Factor.top/2 groupby": ranks("input.weekly", ascending=False, groups="input.steps", at_most=2),
    "Factor.bottom/2 groupby": ranks("input.weekly", groups="input.steps", at_most=2),
    "Factor.top/1": greatest("input.weekly"),
    "Factor.top/1 mask": greatest("input.weekly", mask="input.some"),
    "Factor.top/1 groupby": greatest("input.weekly", groups="Classifier.latest/text"),
    "MaximumFilter": greatest("DailyReturns", groups="Classifier.latest", mask="Filter.latest"),
    "Factor.clip/mask": clip_with_mask,
    "Factor.quantiles": bins_of_nothing,
    "Quantiles": bins_of_nothing,
    "Classifier.peer_count/quantiles": peers_of_nothing,
    "dates <": raised("ValueError", lambda ours: ours["Latest/event"] < ours["input.other event"]),
    "dates eq": raised("ValueError", lambda ours: ours["Latest/event"] == ours["input.other event"]),
    "Filter & True": raised("TypeError", lambda ours: ours["Filter.latest"]),
    "False & Filter": raised("TypeError", lambda ours: ours["Filter.latest"] & False),
    "Filter | False": raised("TypeError", lambda ours: ours["Filter.latest"]),
    "True | Filter": raised("TypeError", lambda ours: ours["Filter.latest"] | True),
    "Classifier.downsample/text": raised("AssertionError", _weekly_labels),
}
for _method in ("ordinal", "min", "max", "dense", "average"):
    _how = RANK.get(_method, _method)
    for _way in (True, False):
        _name = f"Factor.rank/{_method}/{'ascending' if _way else 'descending'}"
        DIFFERENCES[_name] = ranks("input.stair", _how, _way)
        DIFFERENCES[f"{_name}/missing"] = ranks("Latest/number", _how, _way)
    DIFFERENCES[f"Factor.rank/{_method}/mask"] = ranks("input.stair", _how, mask="input.some")
    DIFFERENCES[f"Factor.rank/{_method}/groupby"] = ranks("input.stair", _how, groups="Classifier.latest")
