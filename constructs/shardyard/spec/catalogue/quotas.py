"""Which quotas a launch counts against, and by how much; by the names that Service Quotas shows."""

from collections import Counter
from collections.abc import Iterable, Iterator

from shardyard.spec.catalogue.cost import attempts
from shardyard.spec.jobs.job import JobSpec
from shardyard.spec.jobs.launched import LaunchedSpec

ALL_JOBS = "Number of instances across all training jobs"
ALL_SPOT_JOBS = "Number of instances across all spot training jobs"
ONE_JOB = "Maximum number of instances per training job"
ONE_SPOT_JOB = "Maximum number of instances per spot training job"
RUN_SECONDS = "Longest run time for a training job"

ALL_PROCESSING_JOBS = "Number of instances across all processing jobs"
ONE_PROCESSING_JOB = "Number of instances for a processing job"
PROCESSING_SECONDS = "Longest run time for a processing job"

ALL_TRANSFORM_JOBS = "Number of instances across all transform jobs"
ONE_TRANSFORM_JOB = "Number of instances for a transform job"

PER_JOB = (ONE_JOB, ONE_SPOT_JOB, RUN_SECONDS, ONE_PROCESSING_JOB, PROCESSING_SECONDS, ONE_TRANSFORM_JOB)
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


def held_by_processing(instance_type: str, count: int) -> Counter[str]:
    """What instances of one type that process count against."""
    return Counter({f"{instance_type} for processing job usage": count, ALL_PROCESSING_JOBS: count})


def held_by_transform(instance_type: str, count: int) -> Counter[str]:
    """What instances of one type that transform count against."""
    return Counter({f"{instance_type} for transform job usage": count, ALL_TRANSFORM_JOBS: count})


def needed(spec: LaunchedSpec, cluster: Cluster) -> dict[str, int]:
    """What an attempt on one cluster needs, by quota name."""
    need: Counter[str] = Counter()
    if spec.kind == "automl":  # which types SageMaker chooses, and so which quotas count, is known afterwards alone
        return {}
    if spec.kind == "processing":
        for kind, count in cluster:
            need.update(held_by_processing(kind, count))
        need[ONE_PROCESSING_JOB] = sum(count for _, count in cluster)
        need[PROCESSING_SECONDS] = spec.limits.max_runtime_seconds
        return dict(need)
    if spec.kind == "transform":
        for kind, count in cluster:
            need.update(held_by_transform(kind, count))
        need[ONE_TRANSFORM_JOB] = sum(count for _, count in cluster)
        return dict(need)
    for kind, count in cluster:
        need.update(held_by(kind, count, spot=spec.uses_spot, warm=False))
        if spec.compute.kept_warm_seconds:
            need.update(held_by(kind, count, spot=False, warm=True))
    need[ONE_SPOT_JOB if spec.uses_spot else ONE_JOB] = sum(count for _, count in cluster)
    need[RUN_SECONDS] = spec.limits.max_runtime_seconds
    return dict(need)


def needed_by_job(spec: LaunchedSpec) -> dict[str, int]:
    """The most that a job needs on any of its clusters and fallbacks, or its search for all trials at once."""
    most: dict[str, int] = {}
    alone = [needed(attempt, cluster) for attempt in attempts(spec) for cluster in attempt.compute.alternatives]
    for need in [*alone, *_needed_by_search(spec)]:
        for name, amount in need.items():
            most[name] = max(amount, most.get(name, 0))
    return most


def _needed_by_search(spec: LaunchedSpec) -> Iterator[Counter[str]]:
    """What all trials at once use, on each cluster that they may run on."""
    if not isinstance(spec, JobSpec) or spec.tuning is None:
        return
    tuning, count = spec.tuning, spec.compute.most_instances
    lists = [one.instances or tuning.instances for one in tuning.definitions] or [tuning.instances]
    choices = [((one.instance_type, count if one.count is None else one.count),) for listed in lists for one in listed]
    on_compute = spec.compute.alternatives if not all(lists) else ()  # a definition without a list of its own
    for cluster in (*choices, *on_compute):
        need: Counter[str] = Counter()
        for kind, amount in cluster:
            together = amount * spec.tuning.max_parallel
            need.update(held_by(kind, together, spot=spec.spot.enabled, warm=False))
        yield need


def needed_together(specs: Iterable[LaunchedSpec]) -> dict[str, int]:
    """What all jobs need when they run at once: usage adds up, limits per job do not."""
    together: dict[str, int] = {}
    for spec in specs:
        for name, amount in needed_by_job(spec).items():
            before = together.get(name, 0)
            together[name] = max(before, amount) if name in PER_JOB else before + amount
    return dict(sorted(together.items()))
