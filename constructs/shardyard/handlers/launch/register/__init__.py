"""Registers a trained model, pending approval."""
