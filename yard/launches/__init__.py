"""Launches: one, several within a budget, and again on each saved file."""
