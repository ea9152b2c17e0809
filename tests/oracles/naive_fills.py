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
