"""Connections from callers: kept open from one request to the next, as AWS keeps them."""
