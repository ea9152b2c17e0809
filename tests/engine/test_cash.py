"""What cash pays: purchases that are rejected or scaled down, by hand and against a naive search."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rustybt import api
from rustybt.finance.commission import CommissionModel, PerDollar, PerShare, PerTrade
from rustybt.finance.filling import most
from rustybt.finance.slippage import FixedBasisPointsSlippage, NoSlippage, SlippageModel
from rustybt.kernels.fills import charge
from tests.builders import bars, make_bundle
from tests.engine.test_corrections import buy, fills, run, statuses


@pytest.fixture(scope="module")
def bundle(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("RUSTYBT_ROOT", str(tmp_path_factory.mktemp("cash")))
        yield make_bundle({"A": bars([10.0] * 5), "B": bars([20.0] * 5)})


def cash_of(result):
    return result.perf["ending_cash"].tolist()


def reasons(result):
    last = {order["id"]: order["reason"] for day in result.perf["orders"] for order in day}
    return list(last.values())


def test_negative_cash_is_allowed_by_default(bundle):
    assert cash_of(run(bundle, buy("A", 200), capital_base=1000.0)[0])[-1] == -1000.0


def test_a_purchase_that_cash_does_not_pay_is_rejected_with_a_reason(bundle):
    result, _ = run(bundle, buy("A", 101), buy("A", 100), capital_base=1000.0, cash="reject")
    assert statuses(result) == [(101, 0, "REJECTED"), (100, 100, "FILLED")]
    assert reasons(result) == ["101 shares at 10.0 cost 1,010.00, cash is 1,000.00", None]
    assert cash_of(result) == [1000.0, 1000.0, 0.0, 0.0, 0.0]
    assert [len(day) for day in result.perf["orders"]] == [1, 2, 1, 0, 0]


def test_the_commission_counts(bundle):
    result, _ = run(bundle, buy("A", 100), capital_base=1000.0, cash="reject", commission=PerTrade(0.01))
    assert statuses(result) == [(100, 0, "REJECTED")]
    scaled, _ = run(bundle, buy("A", 100), capital_base=1000.0, cash="scale", commission=PerTrade(0.01))
    assert statuses(scaled) == [(99, 99, "FILLED")]
    assert cash_of(scaled)[-1] == pytest.approx(9.99)
    (reason,) = reasons(scaled)
    assert reason == "scaled down to 99 shares: 100 shares at 10.0 cost 1,000.01, cash is 1,000.00"


def test_what_pays_not_even_one_share_is_rejected(bundle):
    result, _ = run(bundle, buy("A", 100), capital_base=9.0, cash="scale")
    assert statuses(result) == [(100, 0, "REJECTED")]


def test_purchases_of_a_bar_share_the_cash_in_order(bundle):
    def three(context, data):
        api.order(api.symbol("A"), 60)
        api.order(api.symbol("B"), 30)
        api.order(api.symbol("A"), 5)

    result, _ = run(bundle, three, capital_base=1000.0, cash="scale")
    # 60 and 5 of A are worked off first, for they are one asset's queue; 350 are left and pay 17 of B.
    assert fills(result) == [("A", 60, 10.0), ("A", 5, 10.0), ("B", 17, 20.0)]
    assert cash_of(result)[-1] == 10.0


def test_sales_of_a_bar_pay_its_purchases(bundle):
    def switch(context, data):
        api.order(api.symbol("A"), 200)
        api.order(api.symbol("B"), -50)

    for cash in ("reject", "scale"):
        result, _ = run(bundle, buy("B", 50), None, switch, capital_base=2000.0, cash=cash)
        assert fills(result) == [("B", 50, 20.0), ("B", -50, 20.0), ("A", 200, 10.0)]
        assert cash_of(result)[-1] == 0.0


def test_sales_and_short_sales_are_never_rejected(bundle):
    result, _ = run(bundle, buy("A", -500), capital_base=1.0, cash="reject", commission=PerTrade(10.0))
    assert fills(result) == [("A", -500, 10.0)]


def test_covering_a_short_is_a_purchase():
    bundle = make_bundle({"A": bars([10.0, 10.0, 10.0, 40.0, 40.0])})
    result, _ = run(bundle, buy("A", -100), None, buy("A", 100), capital_base=1000.0, cash="scale")
    assert fills(result) == [("A", -100, 10.0), ("A", 50, 40.0)]


def test_a_partial_fill_is_kept_and_the_rest_is_not_ordered():
    bundle = make_bundle({"A": bars([10.0] * 5, volume=400)})
    slippage = FixedBasisPointsSlippage(0, 0.1)
    rejected, _ = run(bundle, buy("A", 100), slippage=slippage, capital_base=700.0, cash="reject")
    assert (fills(rejected), statuses(rejected)) == ([("A", 40, 10.0)], [(100, 40, "REJECTED")])
    scaled, _ = run(bundle, buy("A", 100), slippage=slippage, capital_base=700.0, cash="scale")
    assert (fills(scaled), statuses(scaled)) == ([("A", 40, 10.0), ("A", 30, 10.0)], [(70, 70, "FILLED")])


def test_models_of_ones_own_are_limited_too(bundle):
    class Dear(SlippageModel):
        def process_order(self, data, order):
            return 2 * data.current(order.asset, "close"), order.open_amount

    class Square(CommissionModel):
        def calculate(self, order, transaction):
            return 0.01 * transaction.amount**2

    result, _ = run(bundle, buy("A", 100), slippage=Dear(), commission=Square(), capital_base=1000.0, cash="scale")
    # 20·n + n²/100 <= 1000 up to n = 48.
    assert fills(result) == [("A", 48, 20.0)]
    assert cash_of(result)[-1] == pytest.approx(1000 - 960 - 23.04)


def test_the_basis_carries_commissions_as_without_a_limit(bundle):
    basis = [
        run(bundle, buy("A", 50), commission=PerTrade(5.0), cash=cash)[0].perf["positions"].iloc[-1][0]["cost_basis"]
        for cash in ("allow_negative", "reject")
    ]
    assert basis == [10.1, 10.1]


@given(
    price=st.floats(0.01, 100),
    shares=st.integers(1, 300),
    cash=st.floats(0, 3000),
    model=st.sampled_from([PerShare(0.05, 1.0), PerTrade(3.0), PerDollar(0.01), PerShare(0.0, 0.0)]),
)
def test_whole_shares_are_the_most_that_a_naive_search_finds(price, shares, cash, model):
    def pays(some):
        return (cash - price * some) - charge(*model.rule, 0.0, 0.0, some, price) >= 0

    naive = max([0, *(n for n in range(1, shares + 1) if pays(n))])
    assert most(pays, shares + 1) in (naive, naive + pays(shares))
    fraction = most(pays, float(shares + 1))
    assert fraction == 0.0 or pays(fraction)
    assert fraction >= naive or fraction == 0.0


@given(
    steps=st.lists(st.tuples(st.sampled_from("AB"), st.integers(-80, 120)), min_size=1, max_size=6),
    cash=st.sampled_from(["reject", "scale"]),
    commission=st.sampled_from([PerShare(0.013, 1.0), PerTrade(0.7), PerDollar(0.0015)]),
    fractional=st.booleans(),
)
def test_no_purchase_makes_cash_negative(bundle, steps, cash, commission, fractional):
    result, _ = run(
        bundle, *(buy(symbol, shares * 1.001) for symbol, shares in steps), slippage=NoSlippage(),
        commission=commission, capital_base=1234.56, cash=cash, fractional_shares=fractional,
    )  # fmt: skip
    before = 1234.56
    for day in result.records.transactions:
        for fill in sorted(day, key=lambda fill: fill.amount > 0):
            before = (before - fill.price * fill.amount) - fill.commission
            assert fill.amount < 0 or before >= -1e-9
    if all(shares > 0 for _, shares in steps):
        assert min(cash_of(result)) >= 0
