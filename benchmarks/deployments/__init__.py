"""The bad day of an endpoint, many times: canaries under traffic, rollbacks, weights, and more models than memory."""
