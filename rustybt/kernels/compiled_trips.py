"""How does a batch of runs pair fills into trades? By the functions that a single run calls, compiled."""

from numba.extending import register_jitable

from rustybt.kernels import trips
from rustybt.kernels.compiled import compiled

for _function in (
    trips.open_trip,
    trips.enter,
    trips.leave,
    trips.write_trip,
    trips.settle,
    trips.trade,
    trips.take_fill,
    trips.restate,
    trips.restate_row,
    trips.next_open,
):
    register_jitable(_nrt=False, forceinline=True)(_function)

pair_fills = compiled(trips.pair_fills, counts_owners=False)
