"""What does one order do to one position in one bar?

The step that both tiers share: trigger, price and size of the fill, commission, and the booking. Functions take
scalars and return tuples, so that the event tier calls them as they are and a compiled loop inlines them. Whole numbers
stay whole: called with Python ints for shares, they give ints back.

Amounts and shares are signed: positive buys, negative sells. Costs are in the currency of the prices.

The last three arguments of the fill functions are a run's rules. Without them the functions agree with Zipline.
"""

import math

# What an attempt to fill came to.
FILLED = 0
NOTHING = 1
QUEUE_STOPS = 2

# Slippage rules and their two parameters.
NO_SLIPPAGE = 0
FIXED_SPREAD = 1  # spread
FIXED_BASIS_POINTS = 2  # fraction of the price, volume limit
VOLUME_SHARE = 3  # volume limit, price impact

# Commission rules and their two parameters.
NO_COMMISSION = 0
PER_SHARE = 1  # cost per share, minimum per order
PER_TRADE = 2  # cost per order
PER_DOLLAR = 3  # cost per unit of money

DUST = 1e-9  # of a share: what is less is rounding
SPLITTER = 134217729.0  # 2**27 + 1 halves a float's digits
NO_CENTS_FROM = 3e13  # floats are hardly finer than cents from here on
ROUNDING = 1e-12  # of the shares that moved: a position of less is none


def check_trigger(
    amount: float, limit: float, stop: float, limit_reached: bool, stop_reached: bool, price: float
) -> tuple[bool, bool, bool]:
    """Test an order's limit and stop against a bar's price.

    Parameters
    ----------
    amount : float
        Signed shares of the order.
    limit, stop : float
        Prices; NaN where the order has none.
    limit_reached, stop_reached : bool
        What earlier bars latched.
    price : float
        The bar's close.

    Returns
    -------
    tuple of bool
        limit_reached, stop_reached, and whether a stop-limit order just became a limit order.

    Examples
    --------
    >>> check_trigger(100, 50.0, math.nan, False, False, 49.0)
    (True, False, False)
    """
    has_limit = limit == limit
    has_stop = stop == stop
    if (not has_stop or stop_reached) and (not has_limit or limit_reached):
        return limit_reached, stop_reached, False
    buy = amount > 0
    limit_hit = has_limit and (price <= limit if buy else price >= limit)
    stop_hit = has_stop and (price >= stop if buy else price <= stop)
    if has_stop and has_limit:
        return stop_hit and limit_hit, False, stop_hit
    return limit_hit, stop_hit, False


def price_fill(
    rule: int,
    p0: float,
    p1: float,
    price: float,
    volume: float,
    filled_in_bar: float,
    amount: float,
    open_amount: float,
    limit: float,
    recheck_limit: bool = False,
    open_only: bool = False,
    fractional: bool = False,
) -> tuple[int, float, float]:
    """Give the price and the signed shares at which a triggered order fills in a bar.

    Parameters
    ----------
    rule, p0, p1 : int, float, float
        Slippage rule and its parameters.
    price, volume : float
        The bar's close (or open, where orders fill at the open) and its volume in shares.
    filled_in_bar : float
        Shares of this asset that earlier orders took from the bar.
    amount, open_amount : float
        Signed shares ordered, and those not filled yet.
    limit : float
        Limit price; NaN or 0 for none.
    recheck_limit : bool
        Nothing fills at a price worse than the limit, whatever the slippage rule; else only VOLUME_SHARE looks.
    open_only : bool
        The rules without a volume limit fill what is open, and not the amount ordered.
    fractional : bool
        Shares are not truncated to whole ones.

    Returns
    -------
    tuple of int, float, float
        FILLED with price and shares; NOTHING or QUEUE_STOPS (no later order of the asset fills in the bar) with NaN, 0.

    Examples
    --------
    >>> price_fill(FIXED_SPREAD, 0.5, 0.0, 10.0, 1e6, 0.0, 100.0, 100.0, math.nan)
    (0, 10.25, 100.0)
    >>> price_fill(FIXED_SPREAD, 0.5, 0.0, 10.0, 1e6, 0.0, 100.0, 100.0, 10.2, recheck_limit=True)
    (1, nan, 0)
    """
    side = 1 if amount > 0 else -1
    shares = abs(open_amount) if open_only else abs(amount)
    filled_at = price
    if rule == FIXED_SPREAD:
        filled_at = price + (p0 / 2.0 * side)
    elif rule == FIXED_BASIS_POINTS:
        room = (p1 * volume if fractional else int(p1 * volume)) - filled_in_bar
        shares = min(abs(open_amount), room)
        if shares <= 0 or (fractional and shares < DUST):
            return QUEUE_STOPS, math.nan, 0
        filled_at = price + price * (p0 * side)
    elif rule == VOLUME_SHARE:
        room = p0 * volume - filled_in_bar
        if room < (DUST if fractional else 1.0):
            return QUEUE_STOPS, math.nan, 0
        shares = min(room, abs(open_amount)) if fractional else int(min(room, abs(open_amount)))
        if shares == 0:
            return NOTHING, math.nan, 0
        share_of_volume = min((filled_in_bar + shares) / volume, p0)
        filled_at = price + share_of_volume**2 * math.copysign(p1, side) * price
    if (recheck_limit or rule == VOLUME_SHARE) and limit > 0 and (filled_at > limit if side > 0 else filled_at < limit):
        return NOTHING, math.nan, 0
    return FILLED, filled_at, shares * side


def charge(rule: int, c0: float, c1: float, paid: float, filled: float, shares: float, price: float) -> float:
    """Give the commission that a fill adds to its order.

    Parameters
    ----------
    rule, c0, c1 : int, float, float
        Commission rule and its parameters.
    paid, filled : float
        What the order paid, and the signed shares it filled, before this fill.
    shares, price : float
        Signed shares and price of this fill.

    Returns
    -------
    float
        Additional commission, never negative for non-negative parameters.

    Examples
    --------
    >>> charge(PER_SHARE, 0.01, 1.0, 0.0, 0.0, 50.0, 10.0)
    1.0
    """
    if rule == NO_COMMISSION:
        return 0.0
    if rule == PER_TRADE:
        return c0 if paid == 0 else 0.0
    if rule == PER_DOLLAR:
        return abs(shares) * (price * c0)
    added = abs(shares * c0)
    if paid == 0:
        return max(c1, added)
    total = abs(filled * c0) + added
    return 0.0 if total < c1 else total - paid


def book_fill(amount: float, cost_basis: float, shares: float, price: float) -> tuple[float, float]:
    """Add a fill to a position.

    Parameters
    ----------
    amount, cost_basis : float
        Signed shares held and their average cost before the fill; 0, 0.0 for none.
    shares, price : float
        The fill.

    Returns
    -------
    tuple of float
        Shares and cost basis after it. A closed position has basis 0; one that turns around takes the fill's price.

    Examples
    --------
    >>> book_fill(100, 10.0, 100, 12.0)
    (200, 11.0)
    """
    total = amount + shares
    if abs(total) <= ROUNDING * abs(shares):
        return 0, 0.0
    if math.copysign(1.0, amount) == math.copysign(1.0, shares):
        return total, (cost_basis * amount + shares * price) / total
    if abs(shares) > abs(amount):
        return total, price
    return total, cost_basis


def book_commission(amount: float, cost_basis: float, cost: float) -> float:
    """Spread a commission over the shares held, and give the new cost basis.

    Examples
    --------
    >>> book_commission(100, 10.0, 5.0)
    10.05
    """
    if cost == 0 or amount == 0:
        return cost_basis
    return (cost_basis * amount + cost) / amount


def book_split(amount: float, cost_basis: float, ratio: float, fractional: bool = False) -> tuple[float, float, float]:
    """Apply a split to a position.

    Parameters
    ----------
    amount, cost_basis : float
        Signed shares and average cost before.
    ratio : float
        New price per old price: 0.5 for a 2:1 split.
    fractional : bool
        Keep fractions of a share.

    Returns
    -------
    tuple of float
        Whole shares after, basis rounded to cents, and the fraction's worth in cash (negative for a short).

    Examples
    --------
    >>> book_split(33, 30.0, 2.0)
    (16.0, 60.0, 30.0)
    """
    raw = amount / ratio
    whole = raw if fractional else float(math.trunc(raw))
    basis = round_cents(cost_basis * ratio)
    return whole, basis, round_cents((raw - whole) * basis)


def round_cents(value: float) -> float:
    """Round to cents as `round(value, 2)` does: by the exact value of the float, ties to the even cent.

    Compiled code has another `round`, which scales first and so turns 0.025, which is more than 2.5 cents, into 0.02.

    Examples
    --------
    >>> round_cents(0.025), round_cents(1.005), round_cents(0.125)
    (0.03, 1.0, 0.12)
    """
    if not abs(value) < NO_CENTS_FROM:
        return value
    cents = math.floor(value * 100.0)
    doubled = value * 200.0
    high = SPLITTER * value - (SPLITTER * value - value)
    rounding = (high * 200.0 - doubled) + (value - high) * 200.0  # what `doubled` misses of the product (Dekker 1971)
    past_tie = (doubled - (2.0 * cents + 1.0)) + rounding
    if past_tie > 0 or (past_tie == 0 and cents % 2 == 1):
        cents += 1
    return math.copysign(cents / 100.0, value)


def fill_and_book(
    slippage_rule: int,
    s0: float,
    s1: float,
    commission_rule: int,
    c0: float,
    c1: float,
    price: float,
    volume: float,
    filled_in_bar: float,
    order_amount: float,
    order_filled: float,
    order_paid: float,
    order_limit: float,
    held: float,
    cost_basis: float,
    recheck_limit: bool = False,
    open_only: bool = False,
    fractional: bool = False,
) -> tuple[int, float, float, float, float, float, float]:
    """Fill one triggered order in one bar and book the fill.

    Parameters
    ----------
    slippage_rule, s0, s1, commission_rule, c0, c1
        The cost models as rules with two parameters each.
    price, volume, filled_in_bar : float
        The bar's close and volume, and what earlier orders took of it.
    order_amount, order_filled, order_paid, order_limit : float
        The order: signed shares, signed shares filled, commission paid so far, limit price (NaN for none).
    held, cost_basis : float
        The asset's position before.
    recheck_limit, open_only, fractional : bool
        See `price_fill`.

    Returns
    -------
    tuple
        (code, fill price, shares, commission, shares held after, cost basis after, cash flow of the fill without its
        commission). Commissions are booked by `book_commission` once every fill of the bar is booked, because the
        basis spreads them over what is held then.

    Examples
    --------
    >>> fill_and_book(FIXED_SPREAD, 0.0, 0.0, PER_TRADE, 1.0, 0.0, 10.0, 1e6, 0.0, 5.0, 0.0, 0.0, math.nan, 0.0, 0.0)
    (0, 10.0, 5.0, 1.0, 5.0, 10.0, -50.0)
    """
    code, fill_price, shares = price_fill(
        slippage_rule,
        s0,
        s1,
        price,
        volume,
        filled_in_bar,
        order_amount,
        order_amount - order_filled,
        order_limit,
        recheck_limit,
        open_only,
        fractional,
    )
    if code != FILLED:
        return code, fill_price, 0, 0.0, held, cost_basis, 0.0
    cost = charge(commission_rule, c0, c1, order_paid, order_filled, shares, fill_price)
    held_after, basis_after = book_fill(held, cost_basis, shares, fill_price)
    return FILLED, fill_price, shares, cost, held_after, basis_after, -(fill_price * shares)
