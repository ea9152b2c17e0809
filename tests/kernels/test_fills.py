"""The fill-and-book step: hand-worked numbers, a naive twin in exact fractions, and its compiled twin."""

import importlib.util
import math
import sys

import numba
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rustybt.kernels import fills
from tests.oracles.naive_fills import Holding, book, commission, fill

NAN = math.nan
shares_strategy = st.integers(-10_000, 10_000).filter(bool)
price_strategy = st.floats(0.01, 5_000, allow_nan=False)


class TestTriggers:
    @pytest.mark.parametrize(
        ("amount", "limit", "stop", "price", "expected"),
        [
            (10, NAN, NAN, 5.0, (False, False, False)),
            (10, 5.0, NAN, 5.0, (True, False, False)),
            (10, 5.0, NAN, 5.01, (False, False, False)),
            (-10, 5.0, NAN, 5.0, (True, False, False)),
            (-10, 5.0, NAN, 4.99, (False, False, False)),
            (10, NAN, 5.0, 5.0, (False, True, False)),
            (10, NAN, 5.0, 4.99, (False, False, False)),
            (-10, NAN, 5.0, 4.99, (False, True, False)),
            (10, 6.0, 5.0, 5.5, (True, False, True)),
            (10, 5.0, 5.5, 5.6, (False, False, True)),
            (10, 6.0, 5.0, 4.0, (False, False, False)),
            (-10, 4.0, 5.0, 4.5, (True, False, True)),
        ],
    )
    def test_price_against_limit_and_stop(self, amount, limit, stop, price, expected):
        assert fills.check_trigger(amount, limit, stop, False, False, price) == expected

    def test_what_was_reached_stays_reached(self):
        assert fills.check_trigger(10, 5.0, NAN, True, False, 100.0) == (True, False, False)
        assert fills.check_trigger(10, NAN, 5.0, False, True, 1.0) == (False, True, False)

    def test_a_missing_price_triggers_nothing(self):
        assert fills.check_trigger(10, 5.0, NAN, False, False, NAN) == (False, False, False)


class TestPriceOfFill:
    def test_fixed_spread_pays_half_on_each_side_and_ignores_volume(self):
        assert fills.price_fill(fills.FIXED_SPREAD, 0.12, 0.0, 50.0, 1.0, 0, 900, 900, NAN) == (0, 50.06, 900)
        assert fills.price_fill(fills.FIXED_SPREAD, 0.12, 0.0, 50.0, 1.0, 0, -900, -900, NAN) == (0, 49.94, -900)

    def test_fixed_spread_fills_the_whole_amount_even_when_part_is_filled(self):
        assert fills.price_fill(fills.FIXED_SPREAD, 0.0, 0.0, 50.0, 1.0, 0, 900, 100, NAN)[2] == 900

    def test_basis_points_are_capped_by_what_is_left_of_the_volume_limit(self):
        code, price, shares = fills.price_fill(fills.FIXED_BASIS_POINTS, 0.0005, 0.1, 100.0, 1009, 60, 500, 500, NAN)
        assert (code, shares) == (fills.FILLED, 40)
        assert price == pytest.approx(100.05)

    def test_an_exhausted_limit_stops_the_queue(self):
        assert (
            fills.price_fill(fills.FIXED_BASIS_POINTS, 0.0005, 0.1, 100.0, 1009, 100, 5, 5, NAN)[0] == fills.QUEUE_STOPS
        )
        assert fills.price_fill(fills.VOLUME_SHARE, 0.1, 0.1, 100.0, 1000, 99.5, 5, 5, NAN)[0] == fills.QUEUE_STOPS

    def test_volume_share_moves_the_price_by_the_square_of_the_share(self):
        code, price, shares = fills.price_fill(fills.VOLUME_SHARE, 0.1, 0.1, 100.0, 1000, 20, -500, -500, NAN)
        assert (code, shares) == (fills.FILLED, -80)
        assert price == pytest.approx(100 - 0.1 * 0.1**2 * 100)

    def test_volume_share_does_not_fill_past_the_limit_price(self):
        assert fills.price_fill(fills.VOLUME_SHARE, 0.1, 0.1, 100.0, 1000, 0, 80, 80, 100.0)[0] == fills.NOTHING
        assert fills.price_fill(fills.VOLUME_SHARE, 0.1, 0.1, 100.0, 1000, 0, -80, -80, 100.0)[0] == fills.NOTHING
        assert fills.price_fill(fills.VOLUME_SHARE, 0.1, 0.1, 100.0, 1000, 0, 80, 80, 0.0)[0] == fills.FILLED

    @given(
        st.sampled_from([fills.FIXED_BASIS_POINTS, fills.VOLUME_SHARE]),
        shares_strategy,
        st.integers(0, 10**16),
        st.integers(0, 1000),
    )
    def test_capped_rules_never_fill_more_than_is_open_or_allowed(self, rule, amount, volume, taken):
        limit = 0.1
        taken = min(taken, int(limit * volume))
        parameters = (0.0005, limit) if rule == fills.FIXED_BASIS_POINTS else (limit, 0.1)
        code, _, shares = fills.price_fill(rule, *parameters, 10.0, float(volume), taken, amount, amount, NAN)
        if code == fills.FILLED:
            assert shares * amount > 0
            assert abs(shares) <= abs(amount)
            assert abs(shares) + taken <= limit * volume * (1 + 1e-12)
        else:
            assert shares == 0


RULES = {
    "none": fills.NO_SLIPPAGE,
    "spread": fills.FIXED_SPREAD,
    "points": fills.FIXED_BASIS_POINTS,
    "share": fills.VOLUME_SHARE,
}
EIGHTHS = st.integers(1, 4000).map(lambda k: k / 8)


class TestRulesOfARun:
    """Prices and sizes are whole eighths: floats are exact there, and equal the naive twin's fractions."""

    @given(
        kind=st.sampled_from(list(RULES)),
        price=EIGHTHS,
        volume=st.integers(1, 4096),
        taken=st.integers(0, 600),
        amount=shares_strategy,
        filled=st.floats(0, 1),
        limit=st.one_of(st.none(), EIGHTHS),
        rules=st.sets(st.sampled_from(["recheck", "open_only", "fractional"])),
    )
    def test_price_and_size_are_the_naive_twins(self, kind, price, volume, taken, amount, filled, limit, rules):
        first, second = {"none": (0, 0), "spread": (0.25, 0), "points": (0.125, 0.25), "share": (0.25, 0.5)}[kind]
        volume = 2 ** volume.bit_length()  # a share of a power of two is exact
        open_amount = amount - int(filled * (abs(amount) - 1)) * (1 if amount > 0 else -1)
        flags = ("recheck" in rules, "open_only" in rules, "fractional" in rules)
        got = fills.price_fill(
            RULES[kind], first, second, price, float(volume), taken, amount, open_amount,
            NAN if limit is None else limit, *flags,
        )  # fmt: skip
        expected = fill(kind, first, second, price, volume, taken, amount, open_amount, limit, rules)
        if expected == "stop":
            assert got[0] == fills.QUEUE_STOPS
        elif expected == "nothing":
            assert got[0] == fills.NOTHING
        else:
            assert got == (fills.FILLED, *expected)

    @pytest.mark.parametrize(("rule", "first", "second"), [(0, 0.0, 0.0), (1, 0.2, 0.0), (2, 0.01, 0.5), (3, 0.5, 0.1)])
    @pytest.mark.parametrize("side", [1, -1])
    def test_no_rule_fills_past_a_limit_that_is_checked_again(self, rule, first, second, side):
        arguments = (rule, first, second, 10.0, 1000.0, 0, 100 * side, 100 * side)
        limit = 10.0 - side * 0.001
        assert fills.price_fill(*arguments, limit, True)[0] == fills.NOTHING
        assert fills.price_fill(*arguments, 10.0 + side, True)[0] == fills.FILLED
        assert fills.price_fill(*arguments, 0.0, True)[0] == fills.FILLED
        if rule != fills.VOLUME_SHARE:
            assert fills.price_fill(*arguments, limit)[0] == fills.FILLED

    def test_rules_without_a_volume_limit_fill_what_is_open(self):
        for rule in (fills.NO_SLIPPAGE, fills.FIXED_SPREAD):
            assert fills.price_fill(rule, 0.0, 0.0, 50.0, 1.0, 0, 900, 100, NAN)[2] == 900
            assert fills.price_fill(rule, 0.0, 0.0, 50.0, 1.0, 0, 900, 100, NAN, False, True)[2] == 100

    def test_fractions_of_the_volume_limit_fill(self):
        for rule, first, second in ((fills.FIXED_BASIS_POINTS, 0.0, 0.1), (fills.VOLUME_SHARE, 0.1, 0.0)):
            arguments = (rule, first, second, 10.0, 5.0, 0, 3.5, 3.5, NAN)
            assert fills.price_fill(*arguments)[0] == fills.QUEUE_STOPS
            assert fills.price_fill(*arguments, False, False, True) == (fills.FILLED, 10.0, 0.5)

    def test_whole_shares_stay_ints_under_every_rule_that_keeps_them_whole(self):
        for rule, first, second in ((0, 0.0, 0.0), (1, 0.2, 0.0), (2, 0.01, 0.5), (3, 0.5, 0.1)):
            for open_only in (False, True):
                shares = fills.price_fill(rule, first, second, 10.0, 1000.0, 0, 100, 60, NAN, True, open_only)[2]
                assert type(shares) is int

    def test_a_split_keeps_the_fraction(self):
        assert fills.book_split(10, 10.0, 3.0, True) == (10 / 3, 30.0, 0.0)

    def test_sums_of_fractions_close_a_position(self):
        held, basis = fills.book_fill(*fills.book_fill(0, 0.0, 0.1, 10.0), 0.2, 10.0)
        held, basis = fills.book_fill(held, basis, -0.1, 10.0)
        assert held != 0.2
        assert fills.book_fill(held, basis, -0.2, 10.0) == (0, 0.0)
        assert fills.book_fill(10**11, 1.0, 1 - 10**11, 1.0)[0] == 1


class TestCommission:
    @given(
        st.sampled_from(["none", "share", "trade", "dollar"]),
        st.sampled_from([0.0, 0.25, 0.5]),
        st.sampled_from([0.0, 1.0, 64.0]),
        st.lists(st.integers(1, 512), min_size=1, max_size=6),
        st.sampled_from([1.0, 2.5, 1024.0]),
    )
    def test_every_fill_of_an_order_is_charged_as_the_naive_twin_does(self, kind, first, second, parts, price):
        rule = {
            "none": fills.NO_COMMISSION,
            "share": fills.PER_SHARE,
            "trade": fills.PER_TRADE,
            "dollar": fills.PER_DOLLAR,
        }
        paid = filled = 0.0
        for part in parts:
            expected = commission(kind, first, second, paid, filled, part, price)
            got = fills.charge(rule[kind], first, second, paid, filled, part, price)
            assert got == float(expected)
            paid += got
            filled += part

    def test_the_minimum_is_per_order_across_its_fills(self):
        first = fills.charge(fills.PER_SHARE, 0.0075, 1.0, 0.0, 0, 40, 10.0)
        second = fills.charge(fills.PER_SHARE, 0.0075, 1.0, first, 40, 40, 10.0)
        third = fills.charge(fills.PER_SHARE, 0.0075, 1.0, first + second, 80, 200, 10.0)
        assert (first, second) == (1.0, 0.0)
        assert third == pytest.approx(280 * 0.0075 - 1.0)


class TestBooking:
    @given(st.lists(st.tuples(shares_strategy, st.integers(1, 4096).map(lambda k: k / 8)), max_size=30))
    def test_a_run_of_fills_ends_where_exact_fractions_end(self, trades):
        amount, basis, exact = 0, 0.0, Holding()
        for shares, price in trades:
            amount, basis = fills.book_fill(amount, basis, shares, price)
            exact = book(exact, shares, price)
            assert amount == exact.shares
            assert basis == pytest.approx(float(exact.basis), rel=1e-9, abs=1e-9)

    def test_closing_leaves_nothing(self):
        assert fills.book_fill(100, 12.5, -100, 3.0) == (0, 0.0)

    def test_turning_around_takes_the_fills_price(self):
        assert fills.book_fill(100, 12.5, -150, 3.0) == (-50, 3.0)

    def test_a_first_short_sale_takes_the_fills_price(self):
        assert fills.book_fill(0, 0.0, -50, 3.0) == (-50, 3.0)

    def test_a_commission_raises_a_longs_basis_and_lowers_a_shorts(self):
        assert fills.book_commission(100, 10.0, 5.0) == pytest.approx(10.05)
        assert fills.book_commission(-100, 10.0, 5.0) == pytest.approx(9.95)
        assert fills.book_commission(0, 10.0, 5.0) == 10.0

    @pytest.mark.parametrize(
        ("amount", "basis", "ratio", "expected"),
        [
            (100, 10.0, 0.5, (200.0, 5.0, 0.0)),
            (33, 30.0, 2.0, (16.0, 60.0, 30.0)),
            (-33, 30.0, 2.0, (-16.0, 60.0, -30.0)),
            (100, 10.0, 1 / 1.998, (199.0, 5.01, 4.01)),
            (1, 10.0, 3.0, (0.0, 30.0, 10.0)),
        ],
    )
    def test_split_keeps_whole_shares_and_pays_the_fraction(self, amount, basis, ratio, expected):
        assert fills.book_split(amount, basis, ratio) == pytest.approx(expected)


class TestFillAndBook:
    def test_a_partial_fill_with_its_commission(self):
        outcome = fills.fill_and_book(
            fills.FIXED_BASIS_POINTS, 0.0, 0.1, fills.PER_SHARE, 0.01, 1.0, 20.0, 1000.0, 0, 500, 0, 0.0, NAN, 100, 10.0
        )
        assert outcome == (fills.FILLED, 20.0, 100, 1.0, 200, 15.0, -2000.0)

    def test_an_attempt_without_fill_changes_nothing(self):
        outcome = fills.fill_and_book(
            fills.FIXED_BASIS_POINTS, 0.0, 0.1, fills.PER_SHARE, 0.01, 1.0, 20.0, 9.0, 0, 500, 0, 0.0, NAN, 100, 10.0
        )
        assert outcome[0] == fills.QUEUE_STOPS
        assert outcome[2:] == (0, 0.0, 100, 10.0, 0.0)

    def test_whole_shares_stay_ints(self):
        outcome = fills.fill_and_book(
            fills.VOLUME_SHARE, 0.1, 0.1, fills.PER_TRADE, 1.0, 0.0, 20.0, 1000.0, 0, 50, 0, 0.0, NAN, 0, 0.0
        )
        assert type(outcome[2]) is int
        assert type(outcome[4]) is int


@pytest.fixture(scope="module")
def compiled():
    """The same source with every function compiled, as the vector tier will call it."""
    spec = importlib.util.spec_from_file_location("compiled_fills", fills.__file__)
    twin = importlib.util.module_from_spec(spec)
    sys.modules["compiled_fills"] = twin
    spec.loader.exec_module(twin)
    for name in (
        "check_trigger",
        "price_fill",
        "charge",
        "book_fill",
        "book_commission",
        "book_split",
        "round_cents",
        "fill_and_book",
    ):
        setattr(twin, name, numba.njit(getattr(twin, name)))
    yield twin
    del sys.modules["compiled_fills"]


@given(
    slippage=st.sampled_from([(0, 0.0, 0.0), (1, 0.12, 0.0), (2, 0.0005, 0.1), (3, 0.025, 0.1)]),
    commission_rule=st.sampled_from([(0, 0.0, 0.0), (1, 0.001, 1.0), (2, 5.0, 0.0), (3, 0.0015, 0.0)]),
    price=price_strategy,
    volume=st.integers(1, 10**9),
    taken=st.integers(0, 50),
    amount=shares_strategy,
    held=st.integers(-500, 500),
    limit=st.one_of(st.just(NAN), price_strategy),
    flags=st.tuples(st.booleans(), st.booleans(), st.booleans()),
    filled=st.integers(0, 3),
)
def test_the_compiled_step_gives_the_same_bits(
    compiled, slippage, commission_rule, price, volume, taken, amount, held, limit, flags, filled
):
    arguments = [
        *slippage,
        *commission_rule,
        price,
        float(volume),
        float(taken),
        float(amount),
        float(min(filled, abs(amount) - 1)) * (1 if amount > 0 else -1),
        0.0,
        limit,
        float(held),
        12.5,
        *flags,
    ]
    expected = fills.fill_and_book(*arguments)
    got = compiled.fill_and_book(*arguments)
    assert [x.hex() for x in map(float, got)] == [x.hex() for x in map(float, expected)]
    if flags == (False, False, False):
        assert repr(compiled.fill_and_book(*arguments[:-3])) == repr(got)


@pytest.mark.parametrize("value", [0.025, 0.075, 1.005, 0.125, 0.375, 2.675, -0.125, -1.005, -0.0, 0.004, 1e-300, 1e12])
def test_cents_by_hand(value):
    assert fills.round_cents(value).hex() == round(value, 2).hex()


@given(
    st.one_of(st.floats(-1e12, 1e12), st.integers(-(10**9), 10**9).map(lambda k: k / 200)), st.sampled_from([-1, 0, 1])
)
def test_cents_are_pythons_and_the_same_compiled(compiled, value, neighbour):
    value = math.nextafter(value, math.inf * neighbour) if neighbour else value
    assert fills.round_cents(value).hex() == compiled.round_cents(value).hex() == round(value, 2).hex()


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf, 1e300])
def test_what_has_no_cents_stays_as_it_is(value):
    assert fills.round_cents(value).hex() == value.hex()


@given(st.floats(-1e6, 1e6), st.floats(0, 500), st.sampled_from([0.5, 2.0, 1 / 1.998, 3.0, 0.1]), st.booleans())
def test_the_compiled_split_gives_the_same_bits(compiled, amount, basis, ratio, fractional):
    expected, got = (twin.book_split(amount, basis, ratio, fractional) for twin in (fills, compiled))
    assert [x.hex() for x in got] == [x.hex() for x in expected]
