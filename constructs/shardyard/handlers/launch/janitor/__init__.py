"""Stops what a stopped execution may have left running."""
