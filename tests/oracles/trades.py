"""Round trips share by share: each share is one unit, so a trade is what lies between holding none and none again."""


class Trip:
    def __init__(self, side, session):
        self.side, self.entry_session, self.exit_session = side, session, None
        self.units, self.entries, self.exits, self.commission, self.most = 0, [], [], 0.0, 0

    @property
    def pnl(self):
        return self.side * (sum(self.exits) - sum(self.entries)) - self.commission


def round_trips(fills):
    """Give (sid, Trip) of fills (session, sid, whole shares, price, commission), without splits, closed ones first."""
    current, closed = {}, []
    for session, sid, shares, price, commission in fills:
        each = commission / abs(shares)
        for _ in range(abs(shares)):
            side = 1 if shares > 0 else -1
            trip = current.setdefault(sid, Trip(side, session))
            trip.commission += each
            if trip.side == side:
                trip.units += 1
                trip.most = max(trip.most, trip.units)
                trip.entries.append(price)
            else:
                trip.units -= 1
                trip.exits.append(price)
            if trip.units == 0:
                trip.exit_session = session
                closed.append((sid, current.pop(sid)))
    return closed, list(current.items())
