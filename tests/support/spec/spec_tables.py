"""A small valid job to which tests lay their own tables."""

from collections.abc import Mapping
from typing import Any

from shardyard.spec.errors import Problem, SpecError
from shardyard.spec.jobs.job import JobSpec
from shardyard.spec.jobs.job_file import parse_variants

BASE: dict[str, Any] = {
    "name": "job",
    "image": {"folder": "pytorch"},
    "program": {"entry": "training.pytorch.programs.mnist"},
    "compute": {"instance_type": "ml.g5.xlarge"},
}


def make(**tables: Any) -> JobSpec:
    """The small job with tables laid over it; None removes a key."""
    return JobSpec.from_dict(over(BASE, tables))


def parse(raw: Mapping[str, Any], name: str) -> JobSpec:
    """The tables of a job's file as the job of the stage dev."""
    problems: list[Problem] = []
    variants = parse_variants(raw, name, "dev", where="", problems=problems)
    if variants is None:
        raise SpecError(problems)
    return variants["dev"]


def over(base: Mapping[str, Any], laid: Mapping[str, Any]) -> dict[str, Any]:
    """Tables laid over others; None removes a key."""
    merged = dict(base)
    for key, value in laid.items():
        if value is None:
            merged.pop(key, None)
        elif isinstance(value, Mapping):
            below = merged.get(key)
            merged[key] = over(below if isinstance(below, Mapping) else {}, value)
        else:
            merged[key] = value
    return merged
