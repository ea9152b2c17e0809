"""Killed at any moment, an ingest leaves the old version or the new one, whole, and the next one cleans up."""

import os
import random
import subprocess
import sys
import time

import pytest

from rustybt.data import bundles
from rustybt.data.bundles.layout import bundle_path

INGEST = """
import sys
import numpy as np, pandas as pd
import rustybt.data.bundles as bundles
from tests.data.bundles.test_kills import frames_of

frames = frames_of(int(sys.argv[1]))
print("begun", flush=True)
bundles.ingest_frames(frames, "killed")
print("done", flush=True)
"""
SYMBOLS = ("A", "B", "C", "D")


def frames_of(seed):
    """Give minute bars of some symbols for two months."""
    import numpy as np
    import pandas as pd

    from rustybt.calendars import session_table

    sessions = session_table("XNYS", "2020-01-02", "2020-02-28")
    starts = pd.DatetimeIndex(sessions.open_ns.view("datetime64[ns]"))
    labels = pd.DatetimeIndex([start + pd.Timedelta(minutes=5 * at) for start in starts for at in range(70)])
    rng = np.random.default_rng(seed)
    out = {}
    for symbol in SYMBOLS:
        close = rng.uniform(10.0, 20.0, len(labels))
        prices = {"open": close, "high": close + 1, "low": close - 1, "close": close}
        out[symbol] = pd.DataFrame({**prices, "volume": 10.0}, index=labels)
    return out


def start(seed, root):
    environ = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path), "RUSTYBT_ROOT": str(root)}
    child = subprocess.Popen(
        [sys.executable, "-W", "ignore", "-c", INGEST, str(seed)], stdout=subprocess.PIPE, text=True, env=environ
    )
    assert child.stdout.readline() == "begun\n"
    return child


def fingerprint_of(seed, tmp_path):
    """Ingest whole somewhere else; give the fingerprint and how long it takes."""
    child = start(seed, tmp_path / str(seed))
    began = time.perf_counter()
    assert child.communicate()[0] == "done\n"
    return bundles.load("killed", {"RUSTYBT_ROOT": str(tmp_path / str(seed))}).fingerprint, time.perf_counter() - began


def strays(root):
    """Name the files that writers leave where they are killed."""
    return sorted(path.name for path in root.rglob(".*") if path.name != ".lock")


def check_kills(tmp_path, root, kills, seed):
    rng = random.Random(seed)
    fingerprints, seconds = zip(*(fingerprint_of(number, tmp_path) for number in (0, 1)), strict=True)
    assert start(0, root).communicate()[0] == "done\n"
    ended = {"old": 0, "new": 0, "left something": 0}
    for _ in range(kills):
        versions = [record.version for record in bundles.versions("killed")]
        held = bundles.load("killed").fingerprint
        other = 1 - fingerprints.index(held)
        child = start(other, root)
        time.sleep(rng.uniform(0.0, 1.1 * max(seconds)))
        child.kill()
        child.communicate()
        ended["left something"] += bool(strays(bundle_path(root, "killed")))
        bundle = bundles.load("killed")
        assert bundle.fingerprint in (held, fingerprints[other])
        assert bundle.fingerprint == held or bundle.version not in versions
        ended["old" if bundle.fingerprint == held else "new"] += 1
        assert bundle.fingerprint == held or strays(bundle_path(root, "killed")) == [], "leftovers outlive an ingest"
        assert bundle.daily("close").shape == (40, len(SYMBOLS)) and bundle.minute("close", 1).shape[1] == len(SYMBOLS)
        assert not [problem for one in bundles.verify("killed") for problem in one.problems]
        del bundle
    bundles.ingest_frames(frames_of(0), "killed")
    assert bundles.load("killed").fingerprint == fingerprints[0]
    bundles.clean("killed", keep_last=1)
    assert strays(root) == []
    (kept,) = bundles.versions("killed")
    assert [path.name for path in (root / "cache").iterdir()] == [kept.manifest.fingerprint], "a cache of no version"
    return ended


@pytest.mark.filterwarnings("ignore::rustybt.errors.IngestWarning")
def test_kills_leave_the_old_version_or_the_new_one(tmp_path, data_root):
    ended = check_kills(tmp_path, data_root, kills=2, seed=3)
    assert ended["old"] + ended["new"] == 2


@pytest.mark.soak
@pytest.mark.filterwarnings("ignore::rustybt.errors.IngestWarning")
def test_a_hundred_kills_leave_the_old_version_or_the_new_one(tmp_path, data_root):
    ended = check_kills(tmp_path, data_root, kills=100, seed=4)
    assert ended["old"] > 10 and ended["left something"] > 10, f"kills came too late or too early: {ended}"
