"""What a launch would be: the job with everything laid over it, what the rules say, what it can cost at most."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from shardyard.spec.errors import Problem, SpecError
from shardyard.spec.job import JobSpec
from shardyard.spec.overrides import LaunchInput, apply_input
from shardyard.spec.units import format_duration
from yard.errors import UserError
from yard.project import Project

if TYPE_CHECKING:
    from shardyard.spec.cost import Cost

DEFAULT_REGION = "us-east-1"
"""Whose prices the offline commands take when no region is chosen."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Plan:
    """One launch, before it is launched."""

    spec: JobSpec
    """The job with the launch input laid over it."""
    sources: dict[str, str]
    """Who had the last word on each value: toml, stage, parameter, input."""
    cost: "Cost"
    """The most that it can cost."""
    hourly_usd: float | None
    """Price of all its instances for an hour; None where one has no known price."""


def make_plan(spec: JobSpec, launch: LaunchInput, *, region: str) -> Plan:
    """Lay the launch input over the job and check the result; every problem at once."""
    from shardyard.spec import cost, rules

    changed, sources = apply_input(spec, launch)
    problems = rules.check(changed)
    if problems:
        raise SpecError(Problem(f"{spec.name}: {problem.where}", problem.message) for problem in problems)
    return Plan(
        spec=changed,
        sources=sources,
        cost=cost.worst_case(changed, region=region),
        hourly_usd=cost.hourly_usd(changed, region=region),
    )


def describe(spec: JobSpec, *, region: str) -> dict[str, Any]:
    """A job as one row of a table."""
    from shardyard.spec import cost

    compute, image = spec.compute, spec.image
    return {
        "job": spec.name,
        "nodes": compute.most_instances,
        "instance_type": ", ".join(compute.instance_types),
        "image": image.folder or image.repository or image.algorithm or f"{image.framework} {image.version}",
        "spot": "spot" if spec.spot.enabled else "on demand",
        "max_runtime": format_duration(spec.limits.max_runtime_seconds),
        "worst_case_usd": cost.worst_case(spec, region=region).usd,
        "stack": spec.stack,
        "description": spec.description,
    }


def check_jobs(project: Project, name: str | None) -> int:
    """Check one job or all against the rules, and jobs against each other; return how many."""
    from shardyard.spec import rules

    jobs = project.jobs()
    if name is not None:
        jobs = (project.job(name),)
    problems = [
        Problem(f"jobs/{spec.name}.toml: {problem.where}", problem.message)
        for spec in jobs
        for problem in rules.check(spec)
    ]
    if problems:
        raise SpecError(problems)
    return len(jobs)


def read_pairs(option: str, pairs: Sequence[str]) -> dict[str, str]:
    """Take `name=value` apart."""
    found = {}
    for pair in pairs:
        name, equals, value = pair.partition("=")
        if not equals or not name:
            raise UserError(f"{option} {pair!r} is not name=value.")
        found[name] = value
    return found
