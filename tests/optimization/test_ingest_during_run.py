"""A run keeps the version that it began with, whatever is ingested meanwhile; the next run sees the new one."""

import json
import os
import subprocess
import sys
from pathlib import Path

from rustybt.data.bundles import load
from tests.builders import bars, make_bundle

ROOT = Path(__file__).parents[2]
VERSIONS = 6
ASSETS = 3
SESSIONS = 40

READER = """
import json, sys, time
from pathlib import Path
from rustybt import Optimizer, Strategy
from rustybt.optimization import GridSearch, Integer
from rustybt.optimization.cache_invalidation import get_bundle_hash, get_cached_assets

class Sums(Strategy):
    part = Integer(1, 6)
    def initialize(self, context):
        context.total = 0.0
        context.stocks = [context.sid(sid) for sid in sorted(context.asset_finder.sids)]
    def handle_data(self, context, data):
        context.total += float(data.current(context.stocks, "close").sum())
        context.total += float(data.window(context.stocks, "close", 5).sum())
        time.sleep(0.001)
        context.record(total=context.total)

def total(perf):
    return float(perf["total"].iloc[-1])

workers, done = int(sys.argv[1]), Path(sys.argv[2])
while True:
    is_last = done.exists()
    began = get_bundle_hash("moving")
    assets = len(get_cached_assets("moving", began))
    result = Optimizer(Sums, bundle="moving", start="2020-01-10", search=GridSearch(), objective=total,
                       num_workers=workers, result_cache=False, progress=False).run()
    totals = sorted(set(result.trials["score"].tolist()))
    statuses = result.trials["status"].unique().tolist()
    print(json.dumps([result.info.settings["fingerprint"], totals, statuses, assets]), flush=True)
    if is_last:
        break
"""


def test_no_run_mixes_versions(data_root, tmp_path):
    def ingest(version):
        frames = {f"S{number}": bars([10.0 + version + number] * SESSIONS) for number in range(ASSETS)}
        return make_bundle(frames, name="moving").fingerprint

    done, fingerprints = tmp_path / "done", [ingest(0)]
    environment = {**os.environ, "RUSTYBT_ROOT": str(data_root), "PYTHONPATH": str(ROOT)}
    readers = [
        subprocess.Popen(
            [sys.executable, "-c", READER, str(workers), str(done)], env=environment, stdout=subprocess.PIPE, text=True
        )
        for workers in (1, 2)
    ]
    heard = [[json.loads(reader.stdout.readline())] for reader in readers]
    for version in range(1, VERSIONS):
        fingerprints.append(ingest(version))
        for reader, lines in zip(readers, heard, strict=True):
            lines.append(json.loads(reader.stdout.readline()))
    done.touch()
    for reader, lines in zip(readers, heard, strict=True):
        lines += [json.loads(line) for line in reader.stdout]
        assert reader.wait() == 0
        reader.stdout.close()
    totals = {}
    for fingerprint, found, statuses, assets in (line for lines in heard for line in lines):
        assert statuses == ["complete"] and len(found) == 1, "every trial of a run reads one version throughout"
        assert totals.setdefault(fingerprint, found[0]) == found[0]
        assert fingerprint in fingerprints and assets == ASSETS
    assert len(set(totals.values())) == len(totals) >= 3
    assert all(lines[-1][0] == fingerprints[-1] == load("moving").fingerprint for lines in heard)
