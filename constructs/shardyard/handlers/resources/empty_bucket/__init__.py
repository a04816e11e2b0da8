"""Empties a bucket when its stack is deleted."""
