"""Rules about batch transform jobs; each module registers its own, in the order of docs/reference/rules.md."""

from shardyard.spec.rules.transform import builtin, data, filters, jobs, requests

__all__ = ["builtin", "data", "filters", "jobs", "requests"]
