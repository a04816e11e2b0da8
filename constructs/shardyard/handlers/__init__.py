"""Lambda code, one folder per function. No imports here: each handler loads only what it needs."""
