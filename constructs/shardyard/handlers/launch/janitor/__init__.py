"""Stops what an execution that was stopped may have left running."""
