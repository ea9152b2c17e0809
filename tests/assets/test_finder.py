"""Look-up of assets by sid, and by symbol as of a date."""

import pandas as pd
import pytest

from rustybt.assets import AssetFinder, Equity, SymbolOwner
from rustybt.assets.finder import symbol_key
from rustybt.errors import (
    MultipleSymbolsFound,
    SameSymbolUsedAcrossCountries,
    SidsNotFound,
    SymbolNotFound,
)


def T(day: str) -> pd.Timestamp:
    return pd.Timestamp(day)


def equity(sid: int, symbol: str, start: str, end: str, country: str = "US") -> Equity:
    return Equity(sid, symbol, country_code=country, start_date=T(start), end_date=T(end))


@pytest.fixture
def finder() -> AssetFinder:
    return AssetFinder(
        [
            equity(5, "NEW", "2012-01-03", "2020-01-02"),
            equity(2, "OLD", "2000-01-03", "2005-06-30"),
            equity(9, "OLD", "2010-01-04", "2020-01-02"),
            equity(3, "BRK.A", "2000-01-03", "2020-01-02"),
            equity(4, "VOD", "2000-01-03", "2020-01-02", "GB"),
            equity(6, "VOD", "2000-01-03", "2020-01-02", "US"),
        ]
    )


def test_columns_follow_the_sids(finder):
    assert finder.sids.tolist() == [2, 3, 4, 5, 6, 9]
    assert [e.column for e in finder.equities] == [0, 1, 2, 3, 4, 5]
    assert finder.retrieve_asset(5).column == 3


def test_retrieve_by_sid(finder):
    assert finder.retrieve_all([9, 2, 9]) == [9, 2, 9]
    with pytest.raises(SidsNotFound, match=r"no asset has sid 1, 7: this bundle has 6 assets, sids 2 to 9"):
        finder.retrieve_all([1, 2, 7])
    with pytest.raises(SidsNotFound, match="no assets"):
        AssetFinder([]).retrieve_asset(0)


def test_symbol_as_of_a_date(finder):
    assert finder.lookup_symbol("OLD", T("2003-01-02")) == 2
    assert finder.lookup_symbol("OLD", T("2015-01-02")) == 9
    assert finder.lookup_symbol("OLD", pd.Timestamp("2015-01-02", tz="UTC")) == 9
    assert finder.lookup_symbol("old", T("2003-01-02").to_pydatetime()) == 2


def test_symbol_stays_with_its_last_owner_until_the_next(finder):
    assert finder.lookup_symbol("OLD", T("2008-01-02")) == 2
    assert finder.lookup_symbol("OLD", T("2035-01-02")) == 9


def test_share_class_marks_are_one():
    assert symbol_key("brk.a") == symbol_key("BRK_A") == symbol_key("BRK-A") == symbol_key("brk/a") == ("BRK", "A")
    assert symbol_key("AAPL") == ("AAPL", "") and symbol_key("A.B.C") == ("A", "B.C")


def test_share_class_lookup(finder):
    assert finder.lookup_symbol("brk_a", T("2010-01-04")) == 3


def test_without_a_date_only_one_owner_will_do(finder):
    assert finder.lookup_symbol("NEW", None) == 5
    with pytest.raises(MultipleSymbolsFound, match=r"'OLD' belonged to several assets .*: pass as_of_date"):
        finder.lookup_symbol("OLD", None)


def test_country_decides_between_owners(finder):
    with pytest.raises(SameSymbolUsedAcrossCountries, match=r"Equity\(4 \[VOD\]\) in GB, .* pass country_code"):
        finder.lookup_symbol("VOD", T("2010-01-04"))
    assert finder.lookup_symbol("VOD", T("2010-01-04"), country_code="GB") == 4
    assert finder.lookup_symbol("VOD", T("2010-01-04"), country_code="US") == 6
    with pytest.raises(SymbolNotFound, match="in country 'FR'"):
        finder.lookup_symbol("VOD", T("2010-01-04"), country_code="FR")


def test_unknown_symbol_names_a_near_miss(finder):
    with pytest.raises(
        SymbolNotFound, match=r"symbol 'OLDD' was not found \(did you mean 'OLD'\?\): this bundle has BRK.A"
    ):
        finder.lookup_symbol("OLDD", T("2010-01-04"))


def test_symbol_before_its_first_day(finder):
    with pytest.raises(
        SymbolNotFound, match=r"'NEW' did not trade on 2001-01-02: in this bundle it starts on 2012-01-03"
    ):
        finder.lookup_symbol("NEW", T("2001-01-02"))


def test_a_symbol_is_a_string(finder):
    with pytest.raises(TypeError, match="symbol must be a string, got 24"):
        finder.lookup_symbol(24, None)


def test_lookup_symbols_keeps_order_and_repeats(finder):
    assert finder.lookup_symbols(["NEW", "BRK.A", "NEW"], T("2015-01-02")) == [5, 3, 5]
    assert finder.lookup_symbols([], None) == []


def test_a_renamed_asset_is_found_under_both_names():
    one = equity(1, "META", "2012-05-18", "2024-12-31")
    owners = [
        SymbolOwner(T("2012-05-18").as_unit("ns").value, T("2022-06-08").as_unit("ns").value, 1, "FB"),
        SymbolOwner(T("2022-06-09").as_unit("ns").value, T("2024-12-31").as_unit("ns").value, 1, "META"),
    ]
    finder = AssetFinder([one], owners)
    assert finder.lookup_symbol("FB", T("2015-01-02")) is one
    assert finder.lookup_symbol("META", T("2023-01-03")) is one
