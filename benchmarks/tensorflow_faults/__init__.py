"""Faults of every kind while TensorFlow trains."""
