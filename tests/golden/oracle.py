"""Run an ordinary Zipline script under another package, and say where its outcome differs from what Zipline computed.

usage, with an interpreter that has zipline-reloaded 3.2.1: python -m tests.golden.oracle DATA OUT [SCRIPT ...], where
DATA was made by scripts/make_data.py and scripts/make_adversarial_prices.py, writes what Zipline computes for
tests/golden/zipline/algos into OUT.

A script carries CONFIG, the arguments of run_algorithm. Its source is read, the word `zipline` replaced by the
package's name, and run: nothing else may have to change. Compared are every column of the perf frame (orders and
transactions without their ids), the script's own log, and errors by type.
"""

import gzip
import importlib
import json
import math
import pathlib
import re
import sys
import types

import numpy as np
import pandas as pd

from tests.golden.ingest import SPANS, daily_csvs


def plain(x):
    """JSON-ready form of whatever an algorithm logs or a perf cell holds."""
    if isinstance(x, dict):
        return {str(k): plain(v) for k, v in x.items()}
    if isinstance(x, (list, tuple)):
        return [plain(v) for v in x]
    if isinstance(x, np.ndarray):
        return [plain(v) for v in x.tolist()]
    if x is None or x is pd.NaT or isinstance(x, str):
        return None if x is pd.NaT else x
    if isinstance(x, pd.Timestamp):
        return x.isoformat()
    if isinstance(x, (pd.Timedelta, np.timedelta64)):
        return str(x)
    if isinstance(x, (bool, np.bool_)):
        return bool(x)
    if isinstance(x, (int, np.integer)):
        return int(x)
    if isinstance(x, (float, np.floating)):
        return float(x) if math.isfinite(x) else None
    return x.symbol if hasattr(x, "symbol") else str(x)


def rows_without_ids(rows):
    rows = [{k: v for k, v in row.items() if k not in ("id", "order_id")} for row in rows]
    return sorted(
        rows,
        key=lambda r: (
            str(r.get("dt")),
            str(r.get("sid")),
            r.get("amount") or 0,
            r.get("filled") or 0,
            json.dumps(r, sort_keys=True),
        ),
    )


def dump(perf, log):
    out = {"index": [t.strftime("%Y-%m-%d") for t in perf.index], "columns": {}, "log": plain(log)}
    for name in perf.columns:
        cells = [plain(cell) for cell in perf[name]]
        out["columns"][name] = [rows_without_ids(c) for c in cells] if name in ("orders", "transactions") else cells
    return out


def load(path, package):
    """The algorithm's namespace, with `zipline` in its source replaced by the package's name."""
    module = types.ModuleType(path.stem)
    exec(compile(re.sub(r"\bzipline\b", package, path.read_text()), str(path), "exec"), module.__dict__)
    return vars(module)


def run(path, package):
    log = []
    try:
        run_algorithm = importlib.import_module(package).run_algorithm
        algo = load(path, package)
        cfg = dict(algo["CONFIG"])
        start, end = pd.Timestamp(cfg.pop("start")), pd.Timestamp(cfg.pop("end"))
        cfg.setdefault("capital_base", 1e6)
        if not cfg.pop("benchmark", None):
            cfg["benchmark_returns"] = pd.Series(0.0, index=pd.date_range(start - pd.Timedelta(days=10), end))

        def initialize(context):
            context.log = log
            algo["initialize"](context)

        hooks = {k: algo[k] for k in ("handle_data", "before_trading_start") if k in algo}
        perf = run_algorithm(start=start, end=end, initialize=initialize, **hooks, **cfg)
        result = dump(perf, log)
    except Exception as error:
        result = {"error": type(error).__name__, "message": str(error), "log": plain(log)}
    return result


def same(a, b, tol):
    if isinstance(a, bool) or isinstance(b, bool) or a is None or b is None or isinstance(a, str) or isinstance(b, str):
        return a == b
    if isinstance(a, (int, float)) and isinstance(b, (int, float)):
        return abs(a - b) <= tol * max(1.0, abs(a), abs(b))
    if isinstance(a, list) and isinstance(b, list):
        return len(a) == len(b) and all(same(x, y, tol) for x, y in zip(a, b, strict=True))
    if isinstance(a, dict) and isinstance(b, dict):
        return a.keys() == b.keys() and all(same(a[k], b[k], tol) for k in a)
    return False


def differences(want, got, tol):
    """Lines that say where two dumps differ, the first place of each column."""
    if want.get("error") != got.get("error"):
        return [f"error: expected {want.get('error')}, got {got.get('error')}: {got.get('message', '')[:160]}"]
    out = []
    if "index" in want and want["index"] != got.get("index"):
        out.append(f"index: expected {len(want['index'])} sessions, got {len(got.get('index', []))}")
    for name, cells in want.get("columns", {}).items():
        have = got.get("columns", {}).get(name)
        if have is None:
            out.append(f"column {name}: missing")
            continue
        bad = [i for i, (x, y) in enumerate(zip(cells, have, strict=False)) if not same(x, y, tol)]
        if bad:
            i = bad[0]
            where = f"{len(bad)} of {len(cells)} differ, first on {want['index'][i]}"
            out.append(f"column {name}: {where}: expected {str(cells[i])[:150]} got {str(have[i])[:150]}")
    a, b = want.get("log", []), got.get("log", [])
    bad = [i for i, (x, y) in enumerate(zip(a, b, strict=False)) if not same(x, y, tol)]
    if len(a) != len(b) or bad:
        i = bad[0] if bad else min(len(a), len(b))
        expected, found = (str(log[i] if i < len(log) else None)[:150] for log in (a, b))
        out.append(f"log: {len(bad)} of {len(a)} differ ({len(b)} got), first #{i}: expected {expected} got {found}")
    return out


def write(package, data, out, scripts):
    """Ingest the data sets under a package, run the scripts (all by default), and write what they computed."""
    bundles = importlib.import_module(f"{package}.data.bundles")
    for name, (first, last) in SPANS.items():
        if not (data / name).is_dir():
            continue
        span = {"start_session": pd.Timestamp(first), "end_session": pd.Timestamp(last)}
        bundles.register(name, daily_csvs(data / name / "daily"), calendar_name="XNYS", **span)
        bundles.ingest(name, show_progress=False)
    out.mkdir(parents=True, exist_ok=True)
    for path in sorted(pathlib.Path(__file__).with_name("zipline").glob("algos/*.py")):
        if scripts and path.stem not in scripts:
            continue
        with gzip.GzipFile(out / f"{path.stem}.json.gz", "wb", mtime=0) as file:
            file.write(json.dumps(run(path, package)).encode())


if __name__ == "__main__":
    write("zipline", pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2]), sys.argv[3:])
