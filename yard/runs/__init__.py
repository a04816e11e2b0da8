"""Runs: what was launched, how it goes, and how two of them compare."""
