"""Fills and bookings by exact fractions, written from the rules' descriptions rather than from the kernels."""

from dataclasses import dataclass
from fractions import Fraction


@dataclass
class Holding:
    shares: Fraction = Fraction(0)
    basis: Fraction = Fraction(0)


def book(holding: Holding, shares, price) -> Holding:
    """Average cost: buying more averages, selling keeps the basis, turning around restarts at the price."""
    shares, price = Fraction(shares), Fraction(price)
    after = holding.shares + shares
    if after == 0:
        return Holding()
    same_side = holding.shares == 0 or (holding.shares > 0) == (shares > 0)
    if same_side:
        return Holding(after, (holding.basis * holding.shares + price * shares) / after)
    return Holding(after, price if (after > 0) != (holding.shares > 0) else holding.basis)


def fill(kind, first, second, price, volume, taken, amount, open_amount, limit, rules):
    """What a triggered order trades in a bar: (price, signed shares), "nothing", or "stop" for the asset's queue.

    `rules` is a set of "recheck", "open_only" and "fractional". Numbers are exact, `limit` None for none.
    """
    side = 1 if amount > 0 else -1
    price, volume, taken = Fraction(price), Fraction(volume), Fraction(taken)
    ordered, still_open = Fraction(abs(amount)), Fraction(abs(open_amount))
    first, second = Fraction(first), Fraction(second)
    shares = still_open if "open_only" in rules else ordered
    at = {"none": price, "spread": price + side * first / 2, "points": price * (1 + side * first)}.get(kind)
    if kind in ("points", "share"):
        left = (second if kind == "points" else first) * volume - taken
        if "fractional" not in rules:
            left = Fraction(left.numerator // left.denominator)
        if left <= 0:
            return "stop"
        shares = min(left, still_open)
    if kind == "share":
        part = min((taken + shares) / volume, first)
        at = price * (1 + side * second * part * part)
    past_limit = limit is not None and (at - Fraction(limit)) * side > 0
    if past_limit and ("recheck" in rules or kind == "share"):
        return "nothing"
    return at, side * shares


def commission(kind, first, second, paid, filled, shares, price):
    """What an order owes in all after this fill, less what it has paid."""
    if kind == "none":
        return Fraction(0)
    if kind == "trade":
        return Fraction(first) if paid == 0 else Fraction(0)
    if kind == "dollar":
        return abs(Fraction(shares)) * Fraction(price) * Fraction(first)
    owed = (abs(Fraction(filled)) + abs(Fraction(shares))) * Fraction(first)
    if paid == 0:
        owed_now = abs(Fraction(shares)) * Fraction(first)
        return max(owed_now, Fraction(second))
    return Fraction(0) if owed < Fraction(second) else owed - Fraction(paid)
