"""Batch transform against the loop that a person would write."""
