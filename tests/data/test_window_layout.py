"""Windows lie in memory row by row, as Zipline's do: NumPy then adds up in Zipline's order, and to its last bit.

A window that lies column by column is summed pairwise. Two averages that are equal by one order differ by the other,
and a strategy that compares them decides otherwise.
"""

import numpy as np
import pytest

from rustybt.engine.strategy import Hooks
from rustybt.run import simulate
from tests.minute_builders import make_minute_bundle, minute_bars, minutes_of

CHOICES = ((0, 1, 2), (2, 0), (1, 2))


def windows_of(bundle, frequencies, data_frequency, start, end):
    """Collect windows of some assets, in several orders, at the last bar of each session."""
    found = {}

    def initialize(context):
        context.assets = list(context.asset_finder.equities)

    def handle_data(context, data):
        for frequency in frequencies:
            for choice in CHOICES:
                assets = [context.assets[k] for k in choice]
                for field in ("close", "price", "volume"):
                    key = (frequency, choice, field, data.current_dt)
                    frame = data.history(assets, field, 20, frequency)
                    found[key] = (frame.to_numpy(), data.window(assets, field, 20, frequency))

    simulate(Hooks(initialize, handle_data), bundle, start, end, data_frequency=data_frequency)
    return found


def in_order(column):
    total = column[0]
    for value in column[1:].tolist():
        total = total + value
    return total


def check(found):
    assert found
    for key, windows in found.items():
        for window in windows:
            assert not window.flags.f_contiguous, key
            expected = [in_order(window[:, k]) for k in range(window.shape[1])]
            assert window.sum(axis=0).tobytes() == np.array(expected).tobytes(), key


@pytest.mark.parametrize("span", [("2012-03-01", "2012-03-20"), ("2013-05-01", "2013-05-20")])
def test_sessions(quad, span):
    check(windows_of(quad, ["1d"], "daily", *span))


def test_minutes():
    labels = minutes_of("2020-01-02", "2020-02-03")
    frames = {name: minute_bars(labels, seed) for seed, name in enumerate(("AAA", "BBB", "CCC"))}
    bundle = make_minute_bundle(frames)
    found = windows_of(bundle, ["1m", "1d"], "minute", "2020-02-03", "2020-02-03")
    check(dict(list(found.items())[::40]))
