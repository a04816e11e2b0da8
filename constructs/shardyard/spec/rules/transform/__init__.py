"""Rules about batch transform jobs; each module registers its own, in the order of docs/reference/rules.md."""

from shardyard.spec.rules.transform import data, filters, jobs, requests

__all__ = ["data", "filters", "jobs", "requests"]
