"""Which values to try next: pure functions of the ranges and of what earlier training jobs have shown."""
