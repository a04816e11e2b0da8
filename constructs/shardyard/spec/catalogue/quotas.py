"""Which quotas a launch counts against, and by how much; by the names that Service Quotas shows."""

from collections import Counter
from collections.abc import Iterable

from shardyard.spec.catalogue.cost import attempts
from shardyard.spec.jobs.job import JobSpec

ALL_JOBS = "Number of instances across all training jobs"
ALL_SPOT_JOBS = "Number of instances across all spot training jobs"
ONE_JOB = "Maximum number of instances per training job"
ONE_SPOT_JOB = "Maximum number of instances per spot training job"
RUN_SECONDS = "Longest run time for a training job"

PER_JOB = (ONE_JOB, ONE_SPOT_JOB, RUN_SECONDS)
"""Quotas that apply to each job alone: what other jobs use does not count."""

Cluster = tuple[tuple[str, int], ...]


def of_type(instance_type: str, *, spot: bool) -> str:
    """The quota of one instance type."""
    return f"{instance_type} for {'spot ' if spot else ''}training job usage"


def warm_pool(instance_type: str) -> str:
    """The quota for instances kept warm."""
    return f"{instance_type} for training warm pool usage"


def held_by(instance_type: str, count: int, *, spot: bool, warm: bool) -> Counter[str]:
    """What running or warm instances of one type count against."""
    if warm:
        return Counter({warm_pool(instance_type): count})
    return Counter({of_type(instance_type, spot=spot): count, ALL_SPOT_JOBS if spot else ALL_JOBS: count})


def needed(spec: JobSpec, cluster: Cluster) -> dict[str, int]:
    """What an attempt on one cluster needs, by quota name."""
    need: Counter[str] = Counter()
    for kind, count in cluster:
        need.update(held_by(kind, count, spot=spec.spot.enabled, warm=False))
        if spec.compute.keep_alive_seconds is not None:
            need.update(held_by(kind, count, spot=False, warm=True))
    need[ONE_SPOT_JOB if spec.spot.enabled else ONE_JOB] = sum(count for _, count in cluster)
    need[RUN_SECONDS] = spec.limits.max_runtime_seconds
    return dict(need)


def needed_by_job(spec: JobSpec) -> dict[str, int]:
    """The most that a job needs on any of its clusters and fallbacks."""
    most: dict[str, int] = {}
    for attempt in attempts(spec):
        for cluster in attempt.compute.alternatives:
            for name, amount in needed(attempt, cluster).items():
                most[name] = max(amount, most.get(name, 0))
    return most


def needed_together(specs: Iterable[JobSpec]) -> dict[str, int]:
    """What all jobs need when they run at once: usage adds up, limits per job do not."""
    together: dict[str, int] = {}
    for spec in specs:
        for name, amount in needed_by_job(spec).items():
            before = together.get(name, 0)
            together[name] = max(before, amount) if name in PER_JOB else before + amount
    return dict(sorted(together.items()))
