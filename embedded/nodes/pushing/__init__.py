"""Pushing an image on a machine that has no container engine."""
