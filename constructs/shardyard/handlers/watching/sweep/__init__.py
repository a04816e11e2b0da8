"""Finds unused resources that bill."""
