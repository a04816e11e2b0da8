"""Endpoints: what serves a trained model, how it changes, and who may call it."""
