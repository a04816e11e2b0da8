"""The training instances in use now: those of jobs in progress, and those in warm pools."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from shardyard.handlers import aws
from shardyard.handlers.launch.described import read
from shardyard.spec.catalogue.quotas import held_by, held_by_processing, held_by_transform
from shardyard.spec.catalogue.service_jobs import AUTOML, PROCESSING, TRAINING, TRANSFORM, ServiceJob

MOST_JOBS = 200
"""At most this many jobs in progress are described; with more, the use is a lower bound."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Usage:
    """Instances in use, by quota name."""

    used: Mapping[str, int]
    at_least: bool
    """Whether some jobs were not described."""
    names: tuple[str, ...] = field(default=())
    """The training jobs in progress."""


def read_usage(clients: aws.Clients, of: ServiceJob = TRAINING) -> Usage:
    """What the jobs of a kind hold of the account's quotas."""
    if of is AUTOML:  # it counts against no quota that is known before
        return Usage(used={}, at_least=False)
    return _read_plain(of, clients) if of in (PROCESSING, TRANSFORM) else _read_training(clients)


def _read_plain(of: ServiceJob, clients: aws.Clients) -> Usage:
    """Describe the jobs in progress of a kind that has neither spot capacity nor warm pools."""
    held = held_by_processing if of is PROCESSING else held_by_transform
    sagemaker = clients("sagemaker")
    names, at_least = _names(sagemaker, {"StatusEquals": "InProgress"}, of)
    jobs = aws.in_parallel(lambda name: aws.describe_job(sagemaker, name, of), names)
    used: Counter[str] = Counter()
    for job in jobs:
        for kind, count in read(of, job).instances if job is not None else ():
            used.update(held(kind, count))
    return Usage(used=used, at_least=at_least)


def _read_training(clients: aws.Clients) -> Usage:
    """Describe the training jobs in progress and those whose instances are kept warm."""
    sagemaker = clients("sagemaker")
    running, warm = aws.in_parallel(
        lambda query: _names(sagemaker, query, TRAINING),
        [{"StatusEquals": "InProgress"}, {"WarmPoolStatusEquals": "Available"}],
    )
    names = [*running[0], *warm[0]]
    jobs = aws.in_parallel(lambda name: aws.describe_job(sagemaker, name), names)
    used: Counter[str] = Counter()
    for name, job in zip(names, jobs, strict=True):
        if job is not None:
            used.update(_held(job, warm=name in warm[0]))
    return Usage(used=used, at_least=running[1] or warm[1], names=tuple(running[0]))


def _names(sagemaker: Any, query: Mapping[str, str], of: ServiceJob) -> tuple[list[str], bool]:
    found: list[str] = []
    token: dict[str, str] = {}
    while True:
        jobs, following = of.page(sagemaker, MaxResults=100, **query, **token)
        found += [job[of.name_field] for job in jobs]
        if following is None or len(found) >= MOST_JOBS:
            return found[:MOST_JOBS], following is not None or len(found) > MOST_JOBS
        token = {"NextToken": following}


def _held(job: Mapping[str, Any], *, warm: bool) -> Counter[str]:
    """What one job uses of each quota."""
    spot = bool(job.get("EnableManagedSpotTraining"))
    held: Counter[str] = Counter()
    for kind, count in _clusters(job["ResourceConfig"]):
        held.update(held_by(kind, count, spot=spot, warm=warm))
    return held


def _clusters(resources: Mapping[str, Any]) -> list[tuple[str, int]]:
    if resources.get("InstanceGroups"):
        return [(group["InstanceType"], group["InstanceCount"]) for group in resources["InstanceGroups"]]
    if "InstanceType" in resources:
        return [(resources["InstanceType"], resources["InstanceCount"])]
    return []
