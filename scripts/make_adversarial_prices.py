"""Write daily bars whose last bits and third decimals are hard to get right, for tests/golden/data/adversarial.

usage: make_adversarial_prices.py OUT_DIR [--seed N]

Prices are whole thousandths, many of them such that k * 0.001 differs from k / 1000, and many such that a factor moves
them onto, or next to, a half of the third decimal. FIVE splits 5:1 and then 10:1 within a window, ODDS splits 1.998:1
twice, PAYS pays dividends every few sessions, BOTH splits on the ex-date of a dividend, BACK has reverse splits, FLAT
repeats few prices, so that comparisons of current with past values are decided by the last bit.
"""

import argparse
import pathlib

import exchange_calendars as xc
import numpy as np
import pandas as pd

SESSIONS = 160
ACTIONS = {
    "BACK": ({40: 0.5, 90: 1 / 3}, {}),
    "BOTH": ({50: 2.0, 100: 3.0}, {50: 0.05, 100: 0.031}),
    "FIVE": ({60: 5.0, 72: 10.0}, {}),
    "FLAT": ({80: 2.0}, {30: 0.01, 110: 0.02}),
    "ODDS": ({45: 1.998, 95: 1.998}, {}),
    "PAYS": ({}, {day: 0.0137 + day / 10_000 for day in range(10, SESSIONS, 7)}),
}


def hard_thousandths(low, high):
    """Give the k in [low, high) with k * 0.001 != k / 1000."""
    k = np.arange(low, high)
    return k[k * 0.001 != k / 1000]


def closes(rng, symbol, splits):
    """Draw closes as whole thousandths: a walk through hard numbers, restated at each split."""
    level, out = 90_000 if symbol != "FLAT" else 12_000, []
    for day in range(SESSIONS):
        level = level / splits.get(day, 1.0)
        around = hard_thousandths(max(int(level * 0.9), 200), int(level * 1.1) + 400)
        pool = around[:: max(len(around) // 4, 1)] if symbol == "FLAT" else around
        drawn = int(rng.choice(pool))
        # Odd thousandths sit on a tie after a factor of a half, multiples of 5 plus 2.5 after one of a fifth.
        out.append(drawn + (drawn % 2 == 0) if rng.random() < 0.5 else drawn)
    return np.array(out)


def frame(rng, symbol, sessions):
    """Give one symbol's bars as the golden CSV files have them."""
    splits, dividends = ACTIONS[symbol]
    close = closes(rng, symbol, splits)
    df = pd.DataFrame({"date": sessions.strftime("%Y-%m-%d")})
    df["open"] = (close + rng.integers(-40, 40, SESSIONS)) / 1000
    df["high"] = (close + 60) / 1000
    df["low"] = (close - 60) / 1000
    df["close"] = close / 1000
    df["volume"] = rng.integers(10_001, 90_001, SESSIONS)
    df["dividend"] = [dividends.get(day, 0.0) for day in range(SESSIONS)]
    df["split"] = [splits.get(day, 1.0) for day in range(SESSIONS)]
    return df


def main():
    """Write a CSV file a symbol."""
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("out", type=pathlib.Path)
    arguments.add_argument("--seed", type=int, default=11)
    chosen = arguments.parse_args()
    rng = np.random.default_rng(chosen.seed)
    calendar = xc.get_calendar("XNYS", start="2018-01-02", end="2020-01-31")
    sessions = calendar.sessions_in_range("2018-06-01", "2019-12-31")[:SESSIONS]
    (chosen.out / "daily").mkdir(parents=True, exist_ok=True)
    for symbol in sorted(ACTIONS):
        frame(rng, symbol, sessions).to_csv(chosen.out / "daily" / f"{symbol}.csv", index=False)
    print(sessions[0].date(), sessions[-1].date())


if __name__ == "__main__":
    main()
