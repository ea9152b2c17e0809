"""The table of all assets' factors holds what each asset's list does, and each takes effect at its session."""

import numpy as np
import pytest

from rustybt.data.portal import portal_of


@pytest.mark.parametrize("field", ["close", "volume"])
@pytest.mark.parametrize("bundle", ["mag7", "quad", "holes"])
def test_the_table_of_all_assets_holds_the_list_of_each(request, bundle, field):
    factors = portal_of(request.getfixturevalue(bundle)).factors
    columns, rows, values = factors.table(field)
    n_assets = len(portal_of(request.getfixturevalue(bundle)).finder.equities)
    for column in range(n_assets):
        of_column = columns == column
        assert (rows[of_column].tolist(), values[of_column].tolist()) == tuple(factors.of(column, field))
        assert (np.diff(rows[of_column]) >= 0).all()
    assert set(columns.tolist()) <= set(range(n_assets))


def test_a_split_multiplies_the_shares_by_what_it_divides_the_price_by(mag7):
    portal = portal_of(mag7)
    apple = next(equity for equity in mag7.asset_finder.equities if equity.symbol == "AAPL")
    split = int(portal.sessions.get_loc("2020-08-31"))
    prices, shares = (dict(zip(*portal.factors.of(apple.column, field), strict=True)) for field in ("close", "volume"))
    assert prices[split] == 0.25 and shares[split] == 4.0
