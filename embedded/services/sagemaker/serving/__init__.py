"""Endpoints: models, their configurations, the fleets that serve them, and what happens to all of it."""
