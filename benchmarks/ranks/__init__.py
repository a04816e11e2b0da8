"""Training that several benchmarks measure: the models, and the ranks that run them."""
