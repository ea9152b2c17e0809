"""Queues of open orders in arrays: what a dict of lists does, and what cash pays, against a naive search."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rustybt.engine.vector import Workspace
from rustybt.kernels import account, fills, order_book
from rustybt.kernels import simulation_types as types
from rustybt.kernels.fills import charge
from tests.kernels.test_simulation import FREE, tape_of

N_ASSETS = 3


@pytest.fixture(autouse=True, scope="module")
def plain_python():
    """Run the functions as they are written: each would be compiled here alone, which takes longer than all tests.

    That compiled ones give the same bits is tested on whole simulations.
    """
    with pytest.MonkeyPatch.context() as patch:
        for module in (order_book, account):
            for name, value in list(vars(module).items()):
                if hasattr(value, "py_func"):
                    patch.setattr(module, name, value.py_func)
        yield


def empty(keeps=True, cash=1000.0):
    space = Workspace(4, N_ASSETS, 0, keeps)
    account.open_account(space.account, cash)
    order_book.open_book(space.book)
    return space


def place(space, asset, amount, session=0):
    return order_book.place(space.book, space.account.counters, asset, session, amount)


def queues(space):
    """Give the open orders of each asset in the book, in order: signed shares that are open."""
    book, found = space.book, {}
    for asset in book.order[: space.count(types.N_BOOK)].tolist():
        found[asset], number = [], int(book.head[asset])
        while number >= 0:
            found[asset].append(float(book.amount[number] - book.filled[number]))
            last, number = number, int(book.next[number])
        assert book.tail[asset] == last
    return found


steps = st.one_of(
    st.tuples(st.just("place"), st.integers(0, N_ASSETS - 1), st.integers(-9, 9).filter(bool)),
    st.tuples(st.just("bar"), st.just(0), st.integers(0, 12)),
    st.tuples(st.just("split"), st.integers(0, N_ASSETS - 1), st.sampled_from([0.5, 2.0, 4.0])),
    st.tuples(st.just("cancel"), st.integers(0, N_ASSETS - 1), st.just(0)),
)


@settings(max_examples=60)
@given(st.lists(steps, max_size=40), st.booleans())
def test_queues_are_those_of_a_dict_of_lists(script, keeps):
    space = empty(keeps)
    book, counters, records = space.book, space.account.counters, space.records
    naive: dict[int, list[float]] = {}
    terms = FREE._replace(slippage_rule=fills.FIXED_BASIS_POINTS, slippage_1=1.0)
    for kind, asset, what in script:
        if kind == "place":
            place(space, asset, float(what))
            naive.setdefault(asset, []).append(float(what))
        elif kind == "bar":  # so many shares of each asset trade
            tape = tape_of([[1.0] * N_ASSETS], volume=float(what))
            order_book.fill_bar(book, space.account, records, tape, terms, 0)
            for queue in naive.values():
                room = what
                for i, shares in enumerate(queue):
                    taken = min(room, abs(shares))
                    queue[i], room = shares - math.copysign(taken, shares), room - taken
        elif kind == "split":
            tape = tape_of([[1.0] * N_ASSETS], splits=[(0, asset, what)])
            order_book.split_orders(book, counters, tape, 0, False, keeps)
            naive[asset] = [float(math.trunc(shares / what)) for shares in naive.get(asset, [])]
        else:
            order_book.cancel_all(book, counters, records, 0, asset)
            order_book.drop_empty(book, counters)
            naive.pop(asset, None)
        naive = {key: left for key, queue in naive.items() if (left := [shares for shares in queue if shares != 0])}
        assert queues(space) == naive
        assert list(queues(space)) == list(naive)
        assert space.count(types.N_QUEUED) == sum(map(len, naive.values()))
        assert [order_book.open_shares(book, key) for key in range(N_ASSETS)] == [
            sum(naive.get(key, [])) for key in range(N_ASSETS)
        ]


def test_numbers_are_given_again_only_where_orders_are_not_recorded():
    for keeps, expected in ((True, 2), (False, 1)):
        space = empty(keeps)
        place(space, 0, 5.0)
        order_book.fill_bar(space.book, space.account, space.records, tape_of([[1.0] * 3]), FREE, 0)
        place(space, 1, 5.0)
        assert space.count(types.N_ORDERS) == expected


COMMISSIONS = (
    (fills.PER_SHARE, 0.05, 1.0),
    (fills.PER_TRADE, 3.0, 0.0),
    (fills.PER_DOLLAR, 0.01, 0.0),
    (fills.NO_COMMISSION, 0.0, 0.0),
)


@given(
    price=st.floats(0.01, 100),
    shares=st.integers(1, 400),
    cash=st.floats(0, 3000),
    rule=st.sampled_from(
        [
            (fills.PER_SHARE, 0.05, 1.0),
            (fills.PER_TRADE, 3.0, 0.0),
            (fills.PER_DOLLAR, 0.01, 0.0),
            (fills.NO_COMMISSION, 0.0, 0.0),
        ]
    ),
)
def test_what_cash_pays_is_the_most_that_a_naive_search_finds(price, shares, cash, rule):
    space = empty(cash=cash)

    def pays(some):
        return (cash - price * some) - charge(*rule, 0.0, 0.0, some, price) >= 0

    terms = FREE._replace(commission_rule=rule[0], commission_0=rule[1], commission_1=rule[2])
    wanted = 0.0, 0.0, price, shares + 1.0
    most = order_book.affordable_shares(space.account, terms, *wanted)
    naive = max([0, *(n for n in range(1, shares + 1) if pays(n))])
    assert most == naive or (most == shares + 1 and pays(most))
    fraction = order_book.affordable_shares(
        space.account, terms._replace(fractional=True), 0.0, 0.0, price, shares + 1.0
    )
    assert fraction == 0.0 or (pays(fraction) and fraction >= naive)


@pytest.mark.parametrize(
    ("cash_rule", "filled", "status", "left"),
    [
        (types.CASH_ALLOWED, 150.0, types.FILLED, -500.0),
        (types.CASH_REJECTS, 0.0, types.REJECTED, 1000.0),
        (types.CASH_SCALES, 100.0, types.FILLED, 0.0),
    ],
)
def test_a_purchase_that_cash_does_not_pay_by_hand(cash_rule, filled, status, left):
    space = empty()
    number = place(space, 0, 150.0)
    terms = FREE._replace(cash=cash_rule)
    order_book.fill_bar(space.book, space.account, space.records, tape_of([[10.0] * 3]), terms, 0)
    assert (space.book.filled[number], space.book.status[number]) == (filled, status)
    assert space.account.figures[types.CASH] == left
    assert queues(space) == {}
    if cash_rule != types.CASH_ALLOWED:
        scaled = 100.0 if cash_rule == types.CASH_SCALES else 0.0
        assert space.book.reason[number].tolist() == [150.0, 10.0, 1500.0, 1000.0, scaled]


def test_sales_pay_for_purchases_of_the_bar():
    space = empty(cash=0.0)
    place(space, 0, 10.0)
    place(space, 1, -10.0)
    terms = FREE._replace(cash=types.CASH_REJECTS)
    order_book.fill_bar(space.book, space.account, space.records, tape_of([[10.0] * 3]), terms, 0)
    assert space.records.fill_at[:2, 1].tolist() == [1, 0]
    assert space.account.figures[types.CASH] == 0.0


@pytest.mark.parametrize(("price", "volume"), [(np.nan, 100.0), (10.0, 0.0), (10.0, np.nan)])
def test_without_a_bar_nothing_fills(price, volume):
    space = empty()
    place(space, 0, 10.0)
    tape = tape_of([[10.0] * 3], volume=volume, fill_price=[[price] * 3])
    order_book.fill_bar(space.book, space.account, space.records, tape, FREE, 0)
    assert queues(space) == {0: [10.0]}
    assert space.count(types.N_FILLS) == 0
