"""Searches for hyperparameters: launched, watched, listed, stopped and drawn."""
