"""Does an optimization come back from the disk as it was, and is nothing else taken for one, or overwritten by one?"""

import json
import math
import os
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from rustybt.errors import InvalidParameter, NoSavedResult, ResultCorrupt
from rustybt.optimization.objective import Objective
from rustybt.optimization.parameter_space import Categorical, Float, Integer, ParameterSpace
from rustybt.optimization.result import trials_frame
from rustybt.optimization.result_files import load_result, save_result
from rustybt.optimization.returns_store import ReturnsStore
from rustybt.optimization.saved_trials import records_of, with_constraints
from rustybt.optimization.space_files import plain_space, space_from_plain
from rustybt.optimization.trial import Trial, TrialStatus

DAYS = pd.DatetimeIndex(["2024-01-02", "2024-01-03", "2024-01-04"])
TRIALS = pd.DataFrame(
    {
        "trial": [0, 1, 2],
        "n": [1, 2, 3],
        "x": [0.1, math.nan, -0.0],
        "flag": [True, False, True],
        "word": ["a", "<b>", "é"],
        "basket": [["AAPL"], None, ("AAPL", "MSFT")],
        "mixed": pd.Series([1, "one", math.nan], dtype=object),
        "when": pd.to_datetime(["2024-01-02", None, "2024-01-03"]),
        "kind": pd.Categorical(["a", "b", "a"]),
        "error": ["", "Traceback\nValueError: no\n", ""],
    }
)
HEADER = {"objectives": [("sharpe", "maximize")], "seconds": math.nan, "windows": None, "params": {"basket": ("A",)}}


def returns_of(count=3):
    store = ReturnsStore()
    for number in range(count):
        store.add(number, np.float32([number, -0.5, math.nan]).tobytes())
    return store


def save(folder, trials=TRIALS, sessions=DAYS, header=HEADER, count=3):
    return save_result(folder, trials, returns_of(count).items(), sessions, header)


def test_everything_comes_back_as_it_was(tmp_path):
    assert save(tmp_path / "deep" / "run") == tmp_path / "deep" / "run"
    saved = load_result(tmp_path / "deep" / "run")
    pd.testing.assert_frame_equal(saved.trials, TRIALS, check_exact=True)
    assert [type(cell) for cell in saved.trials["mixed"]] == [int, str, float]
    assert saved.trials["basket"].tolist() == [["AAPL"], None, ("AAPL", "MSFT")]
    assert math.copysign(1.0, saved.trials["x"][2]) == -1.0
    pd.testing.assert_frame_equal(saved.returns.frame(), returns_of().frame(), check_exact=True)
    pd.testing.assert_index_equal(saved.sessions, DAYS.rename(None), exact=True)
    assert saved.header["objectives"] == [("sharpe", "maximize")] and saved.header["params"] == {"basket": ("A",)}
    assert math.isnan(saved.header["seconds"]) and saved.header["windows"] is None
    assert sorted(os.listdir(tmp_path / "deep" / "run")) == ["result.json", "returns.parquet", "trials.parquet"]


@pytest.mark.parametrize(
    "sessions",
    [
        pd.DatetimeIndex([], dtype="datetime64[ns]"),
        DAYS.tz_localize("UTC"),
        DAYS.as_unit("s").rename("session"),
        (DAYS + pd.Timedelta(hours=21)).tz_localize("UTC").tz_convert("America/New_York").as_unit("ns"),
    ],
)
def test_session_labels_of_any_kind(tmp_path, sessions):
    save(tmp_path, sessions=sessions)
    pd.testing.assert_index_equal(load_result(tmp_path).sessions, sessions, exact=True)


@pytest.mark.parametrize(
    "trials", [TRIALS.iloc[:0].drop(columns="kind"), pd.DataFrame(), TRIALS.set_index("trial"), TRIALS[::-1]]
)
def test_frames_of_any_shape(tmp_path, trials):
    save(tmp_path, trials, count=0)
    saved = load_result(tmp_path)
    pd.testing.assert_frame_equal(saved.trials, trials, check_exact=True)
    assert len(saved.returns) == 0


def test_others_can_read_the_files(tmp_path):
    save(tmp_path)
    trials = pd.read_parquet(tmp_path / "trials.parquet")
    assert json.loads(trials["basket"][0]) == ["AAPL"]
    returns = pd.read_parquet(tmp_path / "returns.parquet")
    assert returns["trial"].tolist() == [0, 1, 2] and returns["returns"][2].tolist()[:2] == [2.0, -0.5]
    assert json.loads((tmp_path / "result.json").read_text())["kind"] == "rustybt optimization"


def test_saving_again_replaces_the_files_and_leaves_a_loaded_result_alone(tmp_path):
    (tmp_path / "report.html").write_text("mine")
    save(tmp_path)
    loaded = load_result(tmp_path)
    save_result(tmp_path, TRIALS.iloc[:1], [(0, np.float32([9.0] * 9))], DAYS, {})
    assert loaded.returns.get(2)[0] == 2.0
    assert load_result(tmp_path).returns.get(0).tolist() == [9.0] * 9
    assert len(load_result(tmp_path).trials) == 1
    assert (tmp_path / "report.html").read_text() == "mine"
    loaded = load_result(tmp_path)
    save_result(tmp_path, loaded.trials, loaded.returns.items(), loaded.sessions, loaded.header)
    assert load_result(tmp_path).returns.get(0).tolist() == [9.0] * 9


def test_a_save_that_breaks_off_leaves_the_older_one_whole(tmp_path):
    def breaks():
        yield 0, np.float32([1.0])
        raise KeyboardInterrupt

    save(tmp_path)
    with pytest.raises(KeyboardInterrupt):
        save_result(tmp_path, TRIALS.iloc[:1], breaks(), DAYS, {})
    assert len(load_result(tmp_path).trials) == 3
    assert len(os.listdir(tmp_path)) == 3


@pytest.mark.parametrize("name", ["trials.parquet", "returns.parquet", "result.json"])
def test_files_of_others_are_not_overwritten(tmp_path, name):
    (tmp_path / name).write_text("{}")
    with pytest.raises(InvalidParameter, match=f"holds a {name} that is no part of a saved optimization"):
        save(tmp_path)
    assert os.listdir(tmp_path) == [name] and (tmp_path / name).read_text() == "{}"
    with pytest.raises(InvalidParameter, match="is a file: name a folder"):
        save(tmp_path / name)


def test_where_nothing_was_saved_the_error_says_so(tmp_path):
    for folder in (tmp_path, tmp_path / "missing"):
        with pytest.raises(NoSavedResult, match="holds no saved optimization"):
            load_result(folder)
    (tmp_path / "result.json").write_text('{"kind": "something else"}')
    with pytest.raises(NoSavedResult):
        load_result(tmp_path)


@pytest.mark.parametrize("name", ["trials.parquet", "returns.parquet"])
def test_a_file_that_is_missing_or_changed_is_named(tmp_path, name):
    save(tmp_path)
    good = (tmp_path / name).read_bytes()
    for place in range(0, len(good), max(len(good) // 40, 1)):
        (tmp_path / name).write_bytes(good[:place] + bytes([good[place] ^ 1]) + good[place + 1 :])
        with pytest.raises(ResultCorrupt, match=f"{name} is not as it was written"):
            load_result(tmp_path)
    (tmp_path / name).write_bytes(good[:-1])
    with pytest.raises(ResultCorrupt, match=f"{name} is not as it was written"):
        load_result(tmp_path)
    (tmp_path / name).unlink()
    with pytest.raises(ResultCorrupt, match=f"{name} is missing"):
        load_result(tmp_path)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda text: text[:-10], "result.json is not as it was written"),
        (lambda text: text.replace('"schema_version": 1', '"schema_version": 2'), "is of schema 2 and this version"),
        (lambda text: text.replace('"files"', '"felis"'), "result.json is not as it was written"),
        (lambda text: text.replace('"bytes"', '"octets"'), "result.json is not as it was written"),
        (lambda text: text.replace('"$tuple"', '"$truple"'), "result.json is not as it was written"),
        (lambda text: text.replace('"json_columns": [', '"json_columns": ["gone",'), "cannot be read"),
        (lambda text: text.replace('"json_columns": [', '"json_columns": ["n",'), "cannot be read|is no saved value"),
    ],
)
def test_a_description_that_was_changed_is_refused(tmp_path, change, message):
    save(tmp_path)
    path = tmp_path / "result.json"
    before = path.read_text(encoding="utf-8")
    path.write_text(change(before), encoding="utf-8")
    assert path.read_text(encoding="utf-8") != before
    with pytest.raises(ResultCorrupt, match=message):
        load_result(tmp_path)


def test_a_description_that_is_no_text_is_refused(tmp_path):
    save(tmp_path)
    (tmp_path / "result.json").write_bytes(b"\xff\xfe")
    with pytest.raises(ResultCorrupt, match="is no text"):
        load_result(tmp_path)
    with pytest.raises(InvalidParameter, match="no part of a saved optimization"):
        save(tmp_path)


@pytest.mark.parametrize("columns", [[1, 2], ["a", "a"]])
def test_columns_have_a_word_each(tmp_path, columns):
    with pytest.raises(InvalidParameter, match="name each by a word of its own"):
        save(tmp_path, pd.DataFrame([[1, 2]], columns=columns))


def hidden(params):
    return params["kind"] == "b"


SPACE = ParameterSpace(
    {
        "kind": Categorical(["a", "b"]),
        "n": Integer(1, 9, step=2, when="kind == 'a'"),
        "x": Float(0.1, 0.5, step=0.1),
        "log": Float(1e-4, 1.0, log=True, when=hidden),
        "basket": Categorical([["AAPL"], ("AAPL", "MSFT"), None, 2, 2.5]),
        "level": Categorical([1, 2.5]),
        "sharpe": Integer(0, 3),
    },
    ["x > 0.05", lambda params: True],
)
COLUMNS = {name: "param_sharpe" if name == "sharpe" else name for name in SPACE.names}


def test_a_space_comes_back_without_its_functions():
    back = space_from_plain(plain_space(SPACE))
    assert back.names == SPACE.names
    assert [p for name, p in back.parameters.items() if name != "log"] == [
        replace(p, choices=tuple(p.choices)) if isinstance(p, Categorical) else p
        for name, p in SPACE.parameters.items()
        if name != "log"
    ]
    assert [condition.text for condition in back.conditions] == ["'x > 0.05'"]
    assert back.has({"log": 0.5}, "log") and not back.has({"log": None}, "log")
    with pytest.raises(InvalidParameter, match="condition hidden was a function, which a saved result does not hold"):
        back.settle({"kind": "a", "n": 1, "x": 0.1, "log": None})


@pytest.mark.parametrize(
    "saved",
    [
        {},
        {"parameters": [{"name": "a", "kind": "Complex"}], "conditions": []},
        {"parameters": [{"name": "a", "kind": "Integer", "low": 3, "high": 1}], "conditions": []},
        {"parameters": [], "conditions": [1]},
        {"parameters": 3, "conditions": []},
    ],
)
def test_what_is_no_space_is_refused(saved):
    with pytest.raises(ResultCorrupt, match="make no space"):
        space_from_plain(saved)


def trial(number, status=TrialStatus.COMPLETE, scores=(1.5, math.nan), **params):
    own = {"kind": "a", "n": 3, "x": 0.3, "log": None, "basket": ["AAPL"], "level": 1, "sharpe": 2, **params}
    metrics = {"sharpe": scores[0], "turnover": scores[1]} if scores else {}
    kept = scores if status is TrialStatus.COMPLETE else ()
    return Trial(number, own, status, kept, metrics, 0.5, worker=77, bars=3, failed_constraints=("trades > 50",))


def equal(one, other):
    """Say whether two trials are the same, NaN and the types of params included."""
    return repr(one) == repr(other)


def test_trials_come_back_from_a_frame(tmp_path):
    records = [
        trial(0),
        trial(1, kind="b", n=None, log=0.5, basket=("AAPL", "MSFT"), level=2.5),
        trial(2, basket=None),
        trial(3, basket=2),
        replace(trial(4, TrialStatus.STOPPED), error="max_drawdown at 2024-01-02"),
        replace(trial(5, TrialStatus.FAILED, ()), seconds=math.nan, error="Traceback\nValueError: no", bars=0),
        replace(trial(6), budget=0.5, is_cached=True, failed_constraints=()),
    ]
    frame = with_constraints(trials_frame(records, SPACE.names), records)
    save_result(tmp_path, frame, [], DAYS, {"space": plain_space(SPACE)})
    saved = load_result(tmp_path)
    objectives = [Objective("sharpe"), Objective("turnover", "minimize")]
    back = records_of(saved.trials, space_from_plain(saved.header["space"]), COLUMNS, objectives)
    assert [
        number for number, (one, other) in enumerate(zip(back, records, strict=True)) if not equal(one, other)
    ] == []


def test_trials_that_do_not_fit_their_space_are_refused():
    frame = with_constraints(trials_frame([trial(0)], SPACE.names), [trial(0)])
    for changed in (frame.drop(columns="status"), frame.assign(status="lost"), frame.assign(n=4)):
        with pytest.raises(ResultCorrupt, match="do not fit the saved parameters"):
            records_of(changed, SPACE, COLUMNS, [Objective("sharpe")])
