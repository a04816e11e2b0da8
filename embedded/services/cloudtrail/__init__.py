"""CloudTrail's event history: who made which change, by which call."""
