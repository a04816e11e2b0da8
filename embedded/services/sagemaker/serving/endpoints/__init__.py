"""Endpoints: their state, what Describe says of it, and what they tell."""
