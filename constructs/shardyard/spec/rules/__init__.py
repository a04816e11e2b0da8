"""The rules that every launch must pass: at synth, in preflight and in the CLI, the same ones."""

from collections.abc import Iterable
from dataclasses import replace

from shardyard.spec.catalogue.images import container_of
from shardyard.spec.catalogue.instances import INSTANCES
from shardyard.spec.catalogue.processing_types import PROCESSING_TYPES
from shardyard.spec.catalogue.transform_types import TRANSFORM_TYPES
from shardyard.spec.endpoints.endpoint import EndpointSpec
from shardyard.spec.errors import Problem
from shardyard.spec.jobs.automl.automl import AutoMLSpec
from shardyard.spec.jobs.compute import InstancePreference
from shardyard.spec.jobs.job import JobSpec
from shardyard.spec.jobs.launched import LaunchedSpec
from shardyard.spec.jobs.overrides import apply_fallback
from shardyard.spec.jobs.transform.transform import TransformSpec
from shardyard.spec.rules import (  # noqa: F401  each module registers its rules, in the order of docs/reference/rules.md
    accelerators,
    automl,
    builtin,
    data,
    endpoints,
    limits,
    machines,
    networking,
    processing,
    processing_data,
    programs,
    secrets,
    tensorflow,
    times,
    transform,
    tuning,
)
from shardyard.spec.rules.base import RULES, Facts, Rule
from shardyard.spec.tuning.trials import trial_jobs

__all__ = ["RULES", "Facts", "Rule", "accepted_instance_types", "check", "check_endpoint"]


def check(spec: LaunchedSpec, facts: Facts | None = None) -> list[Problem]:
    """Every problem of a job, of its fallbacks and of its search's trials; an empty list may be launched."""
    known = _with_container(spec, facts)
    problems = _violations(spec, known)
    for number in range(1, len(spec.compute.fallback) + 1):
        fallback = apply_fallback(spec, number)
        # The list itself is the job's; on a fallback it would seem to name its own machines.
        alone = replace(fallback, compute=replace(fallback.compute, fallback=()))
        for problem in _violations(alone, known):
            if problem not in problems:
                problems.append(Problem(f"compute.fallback[{number - 1}]", str(problem)))
    for where, trial in trial_jobs(spec) if isinstance(spec, JobSpec) else ():
        for problem in _violations(trial, known):
            if problem not in problems:
                problems.append(Problem(where, str(problem)))
    return problems


def check_endpoint(spec: EndpointSpec, facts: Facts | None = None) -> list[Problem]:
    """Every problem of an endpoint; an empty list may be deployed."""
    known = Facts() if facts is None else facts
    return [problem for rule in rules_of(spec) for problem in rule.check(spec, known)]


def accepted_instance_types(spec: LaunchedSpec, facts: Facts | None = None) -> tuple[str, ...]:
    """The types that could take the place of the job's instance type without breaking a rule."""
    if spec.compute.instance_type is None:
        return ()
    known = _with_container(spec, facts)
    every = tuple(InstancePreference(instance_type=kind) for kind in _types_of(spec))
    on_every = replace(spec, compute=replace(spec.compute, instance_type=None, preferences=every))
    # A rule that says nothing of all types at once, as most do, needs not be asked about each of two hundred
    asked = [rule for rule in rules_of(spec) if rule.by_type and next(rule.check(on_every, known), None) is not None]

    def fits(kind: str) -> bool:
        other = replace(spec, compute=replace(spec.compute, instance_type=kind))
        return not any(next(rule.check(other, known), None) for rule in asked)

    return tuple(kind for kind in _types_of(spec) if not asked or fits(kind))


def _types_of(spec: LaunchedSpec) -> Iterable[str]:
    if isinstance(spec, JobSpec | AutoMLSpec):
        return INSTANCES
    return TRANSFORM_TYPES if isinstance(spec, TransformSpec) else PROCESSING_TYPES


def _with_container(spec: LaunchedSpec, facts: Facts | None) -> Facts:
    """What is known, with the container that a deploy of this job would choose, unless the deploy has said it."""
    known = Facts() if facts is None else facts
    return replace(known, container=container_of(spec)) if known.container is None else known


def _violations(spec: LaunchedSpec, facts: Facts) -> list[Problem]:
    return [problem for rule in rules_of(spec) for problem in rule.check(spec, facts)]


def rules_of(spec: LaunchedSpec | EndpointSpec) -> list[Rule]:
    """The rules about this kind of job, or about endpoints."""
    return [rule for rule in RULES.values() if isinstance(spec, rule.of)]
