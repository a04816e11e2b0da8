"""Lambda code, one folder a function. No imports here: each handler loads only what it needs."""
