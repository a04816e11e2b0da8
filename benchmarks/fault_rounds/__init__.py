"""What `benchmarks/faults.py` plays: the program, what disturbs it, and how its saves reach S3."""
