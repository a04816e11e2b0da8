"""The quotas that training instances count against, by the names that Service Quotas shows."""

from collections import Counter

from shardyard.spec.job import JobSpec

ALL_JOBS = "Number of instances across all training jobs"
ALL_SPOT_JOBS = "Number of instances across all spot training jobs"
ONE_JOB = "Maximum number of instances per training job"


def of_type(instance_type: str, *, spot: bool) -> str:
    """The quota of one instance type."""
    return f"{instance_type} for {'spot ' if spot else ''}training job usage"


def warm_pool(instance_type: str) -> str:
    """The quota of instances kept warm."""
    return f"{instance_type} for training warm pool usage"


def needed(spec: JobSpec, cluster: tuple[tuple[str, int], ...]) -> dict[str, int]:
    """What a launch needs on one cluster, by quota name."""
    need: Counter[str] = Counter()
    for kind, count in cluster:
        need.update(held_by(kind, count, spot=spec.spot.enabled, warm=False))
        if spec.compute.keep_alive_seconds is not None:
            need[warm_pool(kind)] += count
    need[ONE_JOB] = sum(count for _, count in cluster)
    return dict(need)


def held_by(instance_type: str, count: int, *, spot: bool, warm: bool) -> Counter[str]:
    """What running or warm instances of one type count against."""
    if warm:
        return Counter({warm_pool(instance_type): count})
    return Counter({of_type(instance_type, spot=spot): count, ALL_SPOT_JOBS if spot else ALL_JOBS: count})
