"""Contents of reports for the tests."""

import numpy as np
import pandas as pd

from rustybt.reports.content import BestContent, ReportContent, WalkForwardContent

EVIL = "</script><script>alert('x')</script><img src=http://a.b/c.png onerror=alert(1)>&\"'{{settings}}\u2028"


def trials_of(count=60, seed=0, **choices):
    rng = np.random.default_rng(seed)
    frame = pd.DataFrame(
        {
            "trial": range(count),
            "fast": rng.integers(1, 6, count),
            "slow": rng.integers(10, 15, count) * 1.5,
            **{name: [values[i % len(values)] for i in range(count)] for name, values in choices.items()},
            "status": "complete",
            "score": rng.normal(size=count),
            "error": "",
        }
    )
    return frame.assign(sharpe=frame["score"], trades=5.0)


def equity_of(count=500, seed=0):
    rng = np.random.default_rng(seed)
    days = pd.bdate_range("2020-01-01", periods=count)
    return pd.Series(1e6 * np.cumprod(1 + rng.normal(0.0005, 0.01, count)), index=days)


def windows_of(count=3):
    starts = pd.date_range("2018-01-01", periods=count, freq="180D")
    return pd.DataFrame(
        {
            "window": range(count),
            "in_sample_start": starts,
            "in_sample_end": starts + pd.Timedelta(days=359),
            "out_of_sample_start": starts + pd.Timedelta(days=360),
            "out_of_sample_end": starts + pd.Timedelta(days=539),
            "in_sample_score": np.linspace(1.0, 2.0, count),
            "out_of_sample_score": np.linspace(-0.5, 0.5, count),
        }
    )


def content_of(trials=None, parameters=("fast", "slow", "kind"), **more):
    trials = trials_of(kind=["sma", "ema"]) if trials is None else trials
    scored = trials[np.isfinite(trials["score"])] if len(trials) else trials
    top = scored.sort_values("score", ascending=False)
    best = None
    if len(top):
        row = top.iloc[0]
        params = {name: row[name] for name in parameters}
        best = BestContent(int(row["trial"]), params, {"sharpe": row["score"], "trades": 5.0}, equity_of())
    made = {
        "title": "Crossover",
        "trials": trials,
        "parameters": parameters,
        "objectives": [("sharpe", "maximize")],
        "top": top,
        "counts": {"complete": len(trials)},
        "best": best,
        "importances": pd.Series({"slow": 0.7, "fast": 0.3, "kind": 0.0}),
        "settings": {"search": "GridSearch()", "constraints": ["trades > 1"]},
        "bundle": {"name": "mag-7", "fingerprint": "ab" * 32},
        "versions": {"rustybt": "0.1.0"},
    }
    return ReportContent(**{**made, **more})


def full_content():
    windows = windows_of()
    chosen = pd.DataFrame({"fast": [1, 2, 3], "slow": [10.0, 11.5, 13.0]})
    walk_forward = WalkForwardContent(equity_of(370, seed=1), windows, chosen, {"sharpe": 0.4})
    return content_of(walk_forward=walk_forward, is_fast=True, notes=["No pruning."])


def evil_content():
    """Give a content each of whose texts tries to be more than text."""
    trials = trials_of(kind=[EVIL, "<b>bold</b>"]).assign(error=f"Traceback\nValueError: {EVIL}")
    content = content_of(
        trials,
        title=EVIL,
        subtitle=EVIL,
        notes=[EVIL],
        warnings=[EVIL],
        counts={EVIL: 60},
        settings={EVIL: {EVIL: [EVIL]}},
        bundle={"name": EVIL},
        versions={EVIL: EVIL},
        importances=pd.Series({EVIL: 0.6, "fast": 0.4}),
    )
    windows, chosen = windows_of(), pd.DataFrame({EVIL: [EVIL] * 3})
    return ReportContent(**{**vars(content), "walk_forward": WalkForwardContent(equity_of(), windows, chosen)})
