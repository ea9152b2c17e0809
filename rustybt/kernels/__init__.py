"""Which arithmetic is on the hot path? Plain functions of scalars and arrays, ready for `numba.njit`.

Nothing here imports the rest of the package, and every function has a naive twin in tests/oracles.
"""
