"""Asynchronous endpoints: a queue, instances that take from it, and where results and failures go."""
