"""The hand-written kernel does the job that it is the yardstick of: a slow loop over orders gives the same values."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scripts.benchmarks.bare_crossover import Costs, rolling_means, run_pairs

FREE = Costs(slippage=0.0, commission=0.0, volume_limit=1.0)


def naive_values(closes, volumes, pair, first, capital, costs):
    """One pair, as a loop over a list of orders; buys of an asset go before its sales."""
    rows, assets = closes.shape
    cash, held, orders, values = capital, [0.0] * assets, [], []
    for i in range(first, rows):
        left = [0 if math.isnan(v) else math.floor(costs.volume_limit * v) for v in volumes[i]]
        for order in sorted(orders, key=lambda order: (order["asset"], order["open"] < 0)):
            asset, sign = order["asset"], math.copysign(1, order["open"])
            size = min(abs(order["open"]), left[asset])
            left[asset] -= size
            order["open"] -= sign * size
            held[asset] += sign * size
            cash -= sign * size * closes[i, asset] * (1 + sign * costs.slippage) + size * costs.commission
        orders = [order for order in orders if order["open"]]
        values.append(cash + sum(n * closes[i, asset] for asset, n in enumerate(held) if n))
        for asset in range(assets):
            fast, slow = (closes[i - n + 1 : i + 1, asset] if i + 1 >= n else [math.nan] for n in pair)
            if any(math.isnan(close) for close in slow):
                continue
            up = sum(fast) / len(fast) > sum(slow) / len(slow)
            target = int(1 / assets * values[-1] / closes[i, asset]) if up else 0
            if target != held[asset]:
                orders.append({"asset": asset, "open": target - held[asset]})
    return np.array(values)


def market(seed, rows, assets):
    """Prices in eighths, so that sums are exact in any order; later assets are listed later."""
    draw = np.random.default_rng(seed)
    closes = np.maximum(8, 400 + np.cumsum(draw.integers(-24, 25, (rows, assets)), axis=0)) / 8
    volumes = draw.integers(0, 3_000, (rows, assets)).astype(float)
    for asset in range(assets):
        closes[: 3 * asset, asset] = volumes[: 3 * asset, asset] = np.nan
    return closes, volumes


@settings(max_examples=40)
@given(st.integers(0, 10_000), st.integers(1, 60), st.integers(1, 4), st.integers(1, 9), st.integers(0, 9))
def test_values_are_those_of_a_slow_loop(seed, rows, assets, fast, more):
    closes, volumes = market(seed, rows, assets)
    pairs, first = np.array([[fast, fast + more], [1, 2]]), min(seed % 5, rows - 1)
    got = run_pairs(closes, volumes, pairs, first, 50_000.0, Costs())
    for values, pair in zip(got, pairs.tolist(), strict=True):
        np.testing.assert_allclose(
            values, naive_values(closes, volumes, pair, first, 50_000.0, Costs()), rtol=1e-9, atol=0
        )


def test_a_hand_worked_run():
    closes = np.array([[10.0], [12.0], [20.0], [25.0]])
    volumes = np.array([[1000.0], [1000.0], [50.0], [1000.0]])
    # decided at 12: int(1000/12) = 83 shares; 50 fill at 20, and at 25 the other 33: cash 1000 − 50·20 − 33·25 = −825.
    # At 20 the target is int(1000/20) = 50, which is held: nothing is ordered.
    values = run_pairs(closes, volumes, np.array([[1, 2]]), 0, 1000.0, FREE)
    assert values.tolist() == [[1000.0, 1000.0, 1000.0, -825.0 + 83 * 25.0]]


def test_costs_of_a_fill():
    closes, volumes = np.array([[10.0], [12.0], [20.0]]), np.full((3, 1), 1e6)
    values = run_pairs(closes, volumes, np.array([[1, 2]]), 0, 1000.0, Costs(0.01, 0.5, 0.1))
    assert values[0, -1] == pytest.approx(1000 - 83 * 20 * 1.01 - 83 * 0.5 + 83 * 20)


def test_no_bar_knows_a_later_one():
    closes, volumes = market(3, 60, 3)
    pairs = np.array([[3, 7]])
    before = run_pairs(closes, volumes, pairs, 0, 50_000.0, Costs())
    closes[40:] *= 3
    volumes[40:] += 17
    assert run_pairs(closes, volumes, pairs, 0, 50_000.0, Costs())[:, :40].tobytes() == before[:, :40].tobytes()


@pytest.mark.parametrize("rows", [0, 1])
def test_few_rows(rows):
    empty = np.full((rows, 2), np.nan)
    assert run_pairs(empty, empty, np.array([[1, 2]]), 0, 9.0, FREE).tolist() == [[9.0] * rows]


def test_means_start_with_the_first_full_window():
    closes = np.array([[np.nan], [1.0], [2.0], [6.0], [1e16]])
    means = rolling_means(closes, np.array([1, 2]))[:, :, 0]
    np.testing.assert_array_equal(means[0], [np.nan, 1, 2, 6, 1e16])
    np.testing.assert_array_equal(means[1], [np.nan, np.nan, 1.5, 4, 5e15 + 3])
