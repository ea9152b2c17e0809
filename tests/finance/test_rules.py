"""Names and values of corrections and extras, and what they are by default."""

import dataclasses

import pytest

from rustybt import run_algorithm
from rustybt.errors import InvalidParameter
from rustybt.finance.rules import CORRECTIONS, ZIPLINE, Rules, rules_of


def test_the_default_is_zipline():
    assert rules_of() == Rules() == ZIPLINE
    assert ZIPLINE.of_fills == (False, False, False)
    assert not ZIPLINE.limits_cash
    assert not ZIPLINE.charges_financing


def test_all_are_the_eight():
    rules = rules_of("all")
    assert [name for name in CORRECTIONS if getattr(rules, name)] == list(CORRECTIONS)
    assert len(CORRECTIONS) == 8
    assert rules == rules_of(CORRECTIONS) == rules_of(iter(CORRECTIONS))
    assert rules_of("eod_cancel_all") == rules_of({"eod_cancel_all"}) == rules_of(["eod_cancel_all"] * 2)


def test_rules_cannot_be_changed():
    with pytest.raises(dataclasses.FrozenInstanceError):
        ZIPLINE.cash = "reject"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"corrections": {"limit_price_rechek"}}, r"'limit_price_rechek' is unknown \(did you mean 'limit_price_rech"),
        ({"corrections": "al"}, r"'al' is unknown \(did you mean 'all'\?\): choose among no_lookahead_before_trading"),
        ({"corrections": {"all"}}, r"correction 'all' is unknown"),
        ({"corrections": [3]}, r"correction 3 is unknown: choose among"),
        ({"corrections": 3}, r"corrections 3 are no names: pass a set of them, or \"all\""),
        ({"corrections": None}, r"corrections None are no names"),
        ({"fill_at": "opn"}, r"fill_at 'opn' is unknown \(did you mean 'open'\?\): choose among close, open"),
        ({"cash": "rejected"}, r"cash 'rejected' is unknown \(did you mean 'reject'\?\)"),
        ({"borrow_rate": -0.01}, r"borrow_rate -0.01 must be finite and at least 0: 0.03 is 3% a year"),
        ({"margin_rate": float("nan")}, r"margin_rate nan must be finite"),
        ({"margin_rate": "3%"}, r"margin_rate '3%' is no number"),
        ({"borrow_rate": True}, r"borrow_rate True is no number"),
        ({"fractional_shares": "yes"}, r"fractional_shares 'yes' is neither True nor False"),
    ],
)
def test_what_is_no_rule_is_refused_before_the_run(arguments, message):
    with pytest.raises(InvalidParameter, match=message):
        run_algorithm("2015-01-02", "2015-01-05", bundle="not-even-looked-for", **arguments)
