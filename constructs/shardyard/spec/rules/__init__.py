"""The rules that every launch must pass: at synth, in preflight and in the CLI, the same ones."""

from dataclasses import replace

from shardyard.spec.catalogue.images import container_of
from shardyard.spec.catalogue.instances import INSTANCES
from shardyard.spec.errors import Problem
from shardyard.spec.jobs.job import JobSpec
from shardyard.spec.jobs.overrides import apply_fallback
from shardyard.spec.rules import (  # noqa: F401  each module registers its rules, in the order of docs/reference/rules.md
    accelerators,
    data,
    limits,
    machines,
    networking,
    programs,
    secrets,
    times,
)
from shardyard.spec.rules.base import RULES, Facts, Rule

__all__ = ["RULES", "Facts", "Rule", "accepted_instance_types", "check"]


def check(spec: JobSpec, facts: Facts | None = None) -> list[Problem]:
    """Every problem of a job and of each of its fallbacks; an empty list is a job that may be launched."""
    known = _with_container(spec, facts)
    problems = _violations(spec, known)
    for number in range(1, len(spec.compute.fallback) + 1):
        fallback = apply_fallback(spec, number)
        # The list itself is the job's; on a fallback it would seem to name its own machines.
        alone = replace(fallback, compute=replace(fallback.compute, fallback=()))
        for problem in _violations(alone, known):
            if problem not in problems:
                problems.append(Problem(f"compute.fallback[{number - 1}]", str(problem)))
    return problems


def accepted_instance_types(spec: JobSpec, facts: Facts | None = None) -> tuple[str, ...]:
    """The types that could take the place of the job's instance type without breaking a rule."""
    if spec.compute.instance_type is None:
        return ()
    known = _with_container(spec, facts)
    by_type = [rule for rule in RULES.values() if rule.by_type]

    def fits(kind: str) -> bool:
        other = replace(spec, compute=replace(spec.compute, instance_type=kind))
        return not any(next(rule.check(other, known), None) for rule in by_type)

    return tuple(kind for kind in INSTANCES if fits(kind))


def _with_container(spec: JobSpec, facts: Facts | None) -> Facts:
    """What is known, with the container that a deploy of this job would choose, unless the deploy has said it."""
    known = Facts() if facts is None else facts
    return replace(known, container=container_of(spec)) if known.container is None else known


def _violations(spec: JobSpec, facts: Facts) -> list[Problem]:
    return [problem for rule in RULES.values() for problem in rule.check(spec, facts)]
