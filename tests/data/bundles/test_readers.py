"""Processes that read a bundle in a loop see whole versions only, whoever ingests and cleans meanwhile."""

import multiprocessing
import time
import warnings
import zlib

import numpy as np
import pandas as pd
import pytest

from rustybt.data import bundles
from rustybt.errors import BundleInUse

FIRST = pd.Timestamp("2020-01-01")
FIELDS = ("open", "high", "low", "close", "volume", "last_traded")


def frames_of(seed):
    """Give daily bars of some symbols."""
    rng = np.random.default_rng(seed)
    days = pd.bdate_range("2020-01-02", "2020-01-17")
    out = {}
    for number in range(40):
        close = rng.uniform(16.0, 20.0, len(days))
        prices = {"open": close, "high": close + 1, "low": close - 1, "close": close}
        out[f"S{number}"] = pd.DataFrame({**prices, "volume": 10.0}, index=days)
    return out


def checksum(bundle):
    """Give the checksum of all daily arrays, and of the assets."""
    crc = zlib.crc32(repr([asset.to_dict() for asset in bundle.asset_finder.equities]).encode())
    for field in FIELDS:
        crc = zlib.crc32(np.ascontiguousarray(bundle.daily(field)), crc)
    return crc


def read_on(environ, held, known, opened, stop, results):
    """Open versions until told to stop; each has the checksum of its fingerprint, and the one that is held stays."""
    warnings.simplefilter("error")
    loops, seen = 0, set()
    try:
        mine = bundles.load("read", environ, FIRST)
        opened.wait(timeout=120)
        while not stop.is_set() or loops < 3:
            newest = bundles.load("read", environ)
            assert checksum(newest) == known[newest.fingerprint]
            seen.add(newest.fingerprint)
            again = bundles.load("read", environ, FIRST)
            assert (again.version, again.fingerprint, mine.fingerprint) == (mine.version, held, held)
            assert checksum(mine) == checksum(again) == known[held]
            del newest, again
            loops += 1
        results.put((loops, len(seen), ""))
    except Exception as error:  # whatever it is, the test must hear of it
        results.put((loops, len(seen), f"{type(error).__name__}: {error}"))
        raise


def check_readers(data_root, readers, ingests, cleans, rest_s):
    environ = {"RUSTYBT_ROOT": str(data_root)}
    known = {}
    for seed in range(3):  # in a root of its own, so that these arrays are made by no reader
        apart = {"RUSTYBT_ROOT": str(data_root / "apart")}
        bundles.ingest_frames(frames_of(seed), "read", environ=apart)
        bundle = bundles.load("read", apart)
        known[bundle.fingerprint] = checksum(bundle)
    del bundle
    bundles.ingest_frames(frames_of(0), "read", environ=environ, timestamp=FIRST)
    held = bundles.load("read", environ).fingerprint
    context = multiprocessing.get_context("spawn")
    opened, stop, results = context.Barrier(readers + 1), context.Event(), context.Queue()
    processes = [
        context.Process(target=read_on, args=(environ, held, known, opened, stop, results), daemon=True)
        for _ in range(readers)
    ]
    for process in processes:
        process.start()
    try:
        opened.wait(timeout=120)
        for number in range(ingests):
            bundles.ingest_frames(frames_of(number % 3), "read", environ=environ)
            time.sleep(rest_s)
            if number >= ingests - cleans:
                with warnings.catch_warnings():
                    warnings.simplefilter("ignore", BundleInUse)
                    bundles.clean("read", keep_last=1, environ=environ)
    finally:
        stop.set()
    found = [results.get(timeout=120) for _ in processes]
    for process in processes:
        process.join(timeout=60)
    assert [error for *_, error in found if error] == []
    assert min(loops for loops, *_ in found) >= 3
    assert len(bundles.versions("read", environ)) < ingests + 1, "the cleans removed nothing"


def test_two_readers_see_whole_versions(data_root):
    check_readers(data_root, readers=2, ingests=3, cleans=2, rest_s=0.3)


@pytest.mark.soak
def test_eight_readers_see_whole_versions(data_root):
    check_readers(data_root, readers=8, ingests=5, cleans=3, rest_s=3.0)


@pytest.mark.soak
def test_eight_readers_see_whole_versions_of_fast_ingests(data_root):
    check_readers(data_root, readers=8, ingests=40, cleans=38, rest_s=0.2)
