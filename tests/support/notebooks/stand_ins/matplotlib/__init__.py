"""Stands in for matplotlib where a test runs a converted script."""
