"""Finds what bills and what nobody uses."""
