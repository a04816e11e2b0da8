"""Runs: what was launched, how it is going, and how runs compare."""
