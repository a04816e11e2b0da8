"""Checks a launch before anything bills, and builds its request."""
