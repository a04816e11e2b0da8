"""A GPT, and how each plan spreads it."""
