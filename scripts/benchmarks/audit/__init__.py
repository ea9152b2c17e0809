"""Whether a layer pays: interleaved pairs of runs, and what the paired t-test says of them."""
