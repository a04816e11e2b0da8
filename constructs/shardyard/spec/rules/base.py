"""What a rule is, and what rules may know besides the job itself."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from types import UnionType
from typing import Any

from shardyard.spec.catalogue.instances import INSTANCES, Instance
from shardyard.spec.errors import Problem
from shardyard.spec.jobs.compute import Compute
from shardyard.spec.jobs.job import JobSpec
from shardyard.spec.jobs.launched import LaunchedSpec


@dataclass(frozen=True, kw_only=True, slots=True)
class Facts:
    """What is known of a job's surroundings; None where it is not known yet, and then no rule complains about it."""

    objects: Mapping[str, int] | None = None
    """Objects under each channel that was counted; from 10,000 on it is `at least`."""

    other_checkpoints: Mapping[str, str] | None = None
    """Checkpoint addresses that other jobs named themselves, by job."""

    has_network: bool | None = None
    """Whether the project has a VPC."""

    reachable_services: Sequence[str] | None = None
    """The services with an interface endpoint in the project's own VPC, which has no other way to any."""

    group_allows_itself: bool | None = None
    """Whether the security group of training instances lets its members talk, in and out."""

    subnet_addresses: int | None = None
    """The addresses in the largest subnet of training instances."""

    container: str | None = None
    """`repository:tag` of AWS's container that the deploy chose; None for a job with another image."""

    image_variants: Sequence[str] | None = None
    """The hardware that the job's folder of containers/ is built for; empty for a folder of one image."""

    region: str | None = None
    """The region of the account."""

    project_tags: Mapping[str, str] | None = None
    """The tags that everything of the project carries."""


Check = Callable[[Any, Facts], Iterator[Problem]]
"""Its first argument is a job, or an endpoint, of the kind that the rule is about."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Rule:
    """One thing that must hold before a launch."""

    name: str
    """The rule's name in docs/reference/rules.md."""

    sentence: str
    """What must hold, in one sentence."""

    reason: str
    """What happens otherwise."""

    source: str
    """Who says so."""

    by_type: bool
    """Whether the answer depends on the instance type."""

    of: type[Any] | UnionType
    """The kind of job that it is about; LaunchedSpec for every kind, EndpointSpec for endpoints."""

    check: Check
    """Yields a problem for each violation."""


RULES: dict[str, Rule] = {}
"""Every rule by name, in the order of the documentation."""

API = "CreateTrainingJob, service model of botocore 1.44.5"
GUIDE = "SageMaker AI developer guide"


def rule(
    name: str, *, reason: str, source: str, by_type: bool = False, of: type[Any] | UnionType = JobSpec
) -> Callable[[Check], Check]:
    """Make a rule of a function; its docstring is the rule's sentence."""

    def register(check: Check) -> Check:
        sentence = str(check.__doc__)
        RULES[name] = Rule(
            name=name, sentence=sentence, reason=reason, source=source, by_type=by_type, of=of, check=check
        )
        return check

    return register


def known_types(spec: LaunchedSpec) -> Iterator[tuple[str, Instance]]:
    """Each instance type of the job that the catalogue knows, with the place where the job names it."""
    for where, kind in named_types(spec):
        if kind in INSTANCES:
            yield where, INSTANCES[kind]


def working_types(spec: LaunchedSpec) -> Iterator[tuple[str, Instance]]:
    """The same without the group of parameter servers, which computes nothing."""
    if not isinstance(spec, JobSpec):
        return known_types(spec)
    serves = None if spec.program is None else spec.program.server_group
    names = [group.name for group in spec.compute.groups]
    place = f"compute.groups[{names.index(serves)}].instance_type" if serves in names else None
    return ((where, instance) for where, instance in known_types(spec) if where != place)


def named_types(spec: LaunchedSpec) -> Iterator[tuple[str, str]]:
    """Each instance type that the job names, with the place."""
    compute = spec.compute
    if compute.instance_type is not None:
        yield "compute.instance_type", compute.instance_type
    for number, group in enumerate(compute.groups if isinstance(compute, Compute) else ()):
        yield f"compute.groups[{number}].instance_type", group.instance_type
    for number, preference in enumerate(compute.preferences):
        yield f"compute.preferences[{number}].instance_type", preference.instance_type


def asks_for(spec: JobSpec, names: tuple[str, ...], values: tuple[str, ...]) -> str | None:
    """The first of these hyperparameters that has one of these values, as its place; None when none has."""
    for name in names:
        if str(spec.hyperparameters.get(name)).lower() in values:
            return f"hyperparameters.{name}"
    return None
