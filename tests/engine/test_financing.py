"""What short positions and negative cash cost, by hand: nights, rates, and where perf and metrics show it."""

import pytest

from tests.builders import bars, days, make_bundle
from tests.engine.test_corrections import buy, run

# Thursday, Friday, Monday, Tuesday: 1, 3 and 1 nights.
CLOSES = [10.0, 10.0, 12.0, 11.0]


@pytest.fixture
def bundle():
    assert [day.day_name() for day in days(4)] == ["Thursday", "Friday", "Monday", "Tuesday"]
    return make_bundle({"A": bars(CLOSES)})


def test_nothing_is_charged_and_shown_by_default(bundle):
    result, _ = run(bundle, buy("A", -100))
    assert result.perf["ending_cash"].tolist() == [100_000, 101_000, 101_000, 101_000]
    assert not {"borrow_cost", "margin_interest"} & set(result.perf.columns)
    assert (result.metrics["borrow_cost"], result.metrics["margin_interest"]) == (0.0, 0.0)


def test_a_short_position_pays_for_the_nights_at_the_value_of_the_last_close(bundle):
    result, _ = run(bundle, buy("A", -100), borrow_rate=0.0365)
    # Short since Friday: three nights at 1,000, one at 1,200, at 0.0001 a night.
    assert result.perf["borrow_cost"].tolist() == pytest.approx([0.0, 0.0, 0.3, 0.12])
    assert result.perf["margin_interest"].tolist() == [0.0] * 4
    assert result.perf["ending_cash"].tolist() == pytest.approx([100_000, 101_000, 100_999.7, 100_999.58])
    assert result.perf["pnl"].tolist() == pytest.approx([0.0, 0.0, -200.3, 99.88])
    assert result.perf["returns"].iloc[2] == pytest.approx(-200.3 / 100_000)
    assert result.perf["capital_used"].iloc[2] == pytest.approx(-0.3)
    assert result.metrics["borrow_cost"] == pytest.approx(0.42)


def test_negative_cash_pays_for_the_nights(bundle):
    result, _ = run(bundle, buy("A", 20_000), margin_rate=0.073, borrow_rate=0.5)
    # Cash is -100,000 since Friday: 0.0002 a night, and Monday's interest is owed on Tuesday too.
    monday = 100_000 * 0.0002 * 3
    tuesday = (100_000 + monday) * 0.0002
    assert result.perf["margin_interest"].tolist() == pytest.approx([0.0, 0.0, monday, tuesday])
    assert result.perf["borrow_cost"].tolist() == [0.0] * 4
    assert result.metrics["margin_interest"] == pytest.approx(monday + tuesday)
    assert result.metrics["pnl"] == pytest.approx(20_000 - monday - tuesday)


def test_the_first_session_pays_nothing_and_long_cash_neither(bundle):
    result, _ = run(bundle, buy("A", 100), margin_rate=0.5, borrow_rate=0.5)
    assert result.perf[["borrow_cost", "margin_interest"]].to_numpy().sum() == 0.0


def test_both_are_as_of_the_last_close_before_dividends_and_splits():
    day = str(days(3)[2].date())
    frames = {"A": bars([10.0, 10.0, 5.0, 5.0]), "B": bars([10.0, 10.0, 10.0, 10.0])}
    bundle = make_bundle(frames, splits=[("A", day, 0.5)], dividends=[("B", day, day, 1.0)])

    def both(context, data):
        buy("A", -100)(context, data)
        buy("B", 300)(context, data)

    result, _ = run(bundle, both, capital_base=1000.0, borrow_rate=0.365, margin_rate=0.365)
    # Over the weekend: 1,000 short and cash of 1,000 + 1,000 - 3,000, though Monday's dividend brings 300.
    assert result.perf["borrow_cost"].iloc[2] == pytest.approx(3.0)
    assert result.perf["margin_interest"].iloc[2] == pytest.approx(3.0)
    assert result.perf["ending_cash"].iloc[2] == pytest.approx(-1000.0 + 300.0 - 6.0)
