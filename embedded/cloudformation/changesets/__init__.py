"""Change sets: what they tell of each resource, and their operations."""
