"""The same algorithm gives the same bits, run after run and process after process."""

import hashlib
import json
import os
import subprocess
import sys
from pathlib import Path

from tests.golden.oracle import run

SCRIPT = Path(__file__).parents[1] / "golden/zipline/algos/delisting_and_gaps.py"
DIGEST = """
import hashlib, json, pathlib, sys
from tests.golden.oracle import run
outcome = run(pathlib.Path(sys.argv[1]), "rustybt")
print(hashlib.sha256(json.dumps(outcome).encode()).hexdigest())
"""


def digest(outcome):
    return hashlib.sha256(json.dumps(outcome).encode()).hexdigest()


def test_twenty_runs_in_one_process_and_three_in_others_are_bit_identical(ingested):
    here = {digest(run(SCRIPT, "rustybt")) for _ in range(20)}
    assert len(here) == 1
    for seed in ("0", "1", "random"):
        environment = {**os.environ, "PYTHONHASHSEED": seed, "PYTHONPATH": os.pathsep.join(sys.path)}
        other = subprocess.run(
            [sys.executable, "-c", DIGEST, str(SCRIPT)], env=environment, capture_output=True, text=True, check=True
        )
        assert {other.stdout.strip()} == here
