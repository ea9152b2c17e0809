"""What did the market do? Ingested bundles, and what a simulation may see of them."""
