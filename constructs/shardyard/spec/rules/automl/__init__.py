"""Rules about AutoML jobs; each module registers its own, in the order of docs/reference/rules.md."""

from shardyard.spec.rules.automl import data, jobs, problems, series

__all__ = ["data", "jobs", "problems", "series"]
