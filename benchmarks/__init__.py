"""What `make bench` runs: each program prints its figures and writes benchmarks/results/<name>.json."""
