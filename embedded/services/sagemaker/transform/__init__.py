"""Batch transform jobs: models that answer every record of the objects under a prefix."""
