"""Recorded variables in the perf frame: they stay, and they share names with columns as in Zipline."""

import math

from rustybt import api
from rustybt.engine.strategy import Hooks
from rustybt.run import simulate
from tests.builders import bars, make_bundle


def recorded(**by_day):
    """Run four sessions; by_day names a variable and the values to record, None for a day without."""

    def initialize(context):
        context.day = 0

    def handle_data(context, data):
        for name, values in by_day.items():
            if values[context.day] is not None:
                api.record(**{name: values[context.day]})
        context.day += 1

    return simulate(Hooks(initialize, handle_data), make_bundle({"A": bars([1.0] * 4)}), None, None, 1e5).perf


def test_a_recorded_value_is_missing_before_its_first_day_and_stays_after():
    column = recorded(mine=[None, 1.5, None, 2.5])["mine"].tolist()
    assert math.isnan(column[0])
    assert column[1:] == [1.5, 1.5, 2.5]


def test_a_name_of_a_ledger_column_covers_it_from_its_first_day_on():
    assert recorded(ending_cash=[None, 1, None, 2])["ending_cash"].tolist() == [1e5, 1, 1, 2]


def test_a_name_of_a_statistic_is_covered_by_it():
    assert recorded(trading_days=[77, 77, 77, 77])["trading_days"].tolist() == [1, 2, 3, 4]


def test_lists_and_none_are_cells():
    column = recorded(mine=[[1, 2], None, "text", (3,)])["mine"].tolist()
    assert column == [[1, 2], [1, 2], "text", (3,)]
