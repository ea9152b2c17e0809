"""What the doctor finds is so: cores and folders of this machine, and advice only where something is amiss."""

import math
import os
import shutil

import pytest

from rustybt.data.bundles import ingest, load
from rustybt.data.manifest import cache_path
from rustybt.optimization import diagnosis as module
from rustybt.optimization.diagnosis import diagnosis
from rustybt.optimization.workers.machine import Capacity, own_capacity


def found(name):
    return next(finding for finding in diagnosis() if finding.name == name)


def test_everything_is_looked_at_once_and_in_order():
    names = [finding.name for finding in diagnosis()]
    assert names == [
        *("cores", "memory", "workers", "load", "start method", "rustybt", "BLAS", "kernels", "data folder"),
        *("bundles", "arrays"),
    ]


def test_workers_are_those_that_auto_starts():
    assert found("workers").found == f'num_workers="auto" starts {own_capacity().workers}'
    assert "1 in workers" in found("BLAS").found


@pytest.mark.parametrize(
    ("capacity", "name", "advice"),
    [
        (Capacity(1), "cores", "workers bring nothing on one core"),
        (Capacity(8, memory_mb=600.0), "memory", "too little for a worker on each core"),
        (Capacity(8, memory_mb=90_000.0), "memory", ""),
        (Capacity(8), "memory", ""),
    ],
)
def test_a_scarce_machine_is_told_of(monkeypatch, capacity, name, advice):
    monkeypatch.setattr(module, "own_capacity", lambda: capacity)
    finding = found(name)
    assert advice in finding.advice and bool(finding.advice) is bool(advice)
    assert ("not known" in finding.found) is (name == "memory" and capacity.memory_mb == math.inf)


def test_bundles_and_their_arrays_are_counted(data_root):
    assert found("bundles").found == "0 with 0 versions, 0.0 MB" and found("arrays").advice == ""
    ingest("mag-7")
    load("mag-7").daily("close")
    assert found("bundles").found.startswith("1 with 1 versions, ") and found("bundles").advice == ""
    assert found("arrays").found != f"{data_root / 'cache'}, 0.0 MB" and found("arrays").advice == ""
    opened = load("mag-7")
    arrays = cache_path(data_root, opened.manifest)
    shutil.rmtree(opened.path)
    assert found("arrays").advice == "", "they may be of an ingest that is under way"
    os.utime(arrays, (0, 0))
    name = arrays.relative_to(data_root / "cache")
    assert found("arrays").advice == f"1 of versions that are gone: remove {name}"


def test_a_damaged_version_is_told_of(data_root):
    ingest("mag-7")
    opened = load("mag-7")
    opened.daily("close")
    os.utime(cache_path(data_root, opened.manifest), (0, 0))
    (opened.path / "manifest.json").write_text("{")
    assert found("bundles").advice.startswith("1 damaged: ingest again")
    assert found("arrays").advice == "", "they may be of the version that is damaged"


def test_a_full_disk_is_told_of(monkeypatch):
    monkeypatch.setattr(module.shutil, "disk_usage", lambda folder: shutil._ntuple_diskusage(1, 1, 5 << 20))
    assert found("data folder").found.endswith("(5 MB free)")
    assert found("data folder").advice.startswith("make room")
