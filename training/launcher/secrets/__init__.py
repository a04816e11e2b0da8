"""Secrets: read before the ranks start, and hidden in what they print."""
