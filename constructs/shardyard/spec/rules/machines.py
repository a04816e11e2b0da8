"""Rules about machines: types, groups, preferences, placement, disks."""

from collections.abc import Iterator

from shardyard.spec.catalogue.instances import CATALOGUE_DATE, INSTANCES
from shardyard.spec.errors import Problem, nearest
from shardyard.spec.jobs.compute import Fallback
from shardyard.spec.jobs.job import JobSpec
from shardyard.spec.jobs.launched import LaunchedSpec
from shardyard.spec.rules.base import API, Facts, known_types, named_types, rule

_ULTRA_SERVERS = ("p6e-gb200", "trn2")
MOST_INSTANCES = 9999
"""As many as the stack's parameter takes, and more than any account gets."""


@rule(
    "instance-type-exists",
    reason="SageMaker refuses a type that it does not train on.",
    source=f"{API}: TrainingInstanceType",
    by_type=True,
)
def instance_type_exists(spec: JobSpec, facts: Facts) -> Iterator[Problem]:
    """Every instance type is one that SageMaker trains on."""
    for where, kind in named_types(spec):
        if kind not in INSTANCES:
            close = nearest(kind, tuple(INSTANCES))
            hint = close if close.startswith("did you mean") else "`yard advise` lists the types"
            message = f"{kind!r} is no training instance type of the catalogue of {CATALOGUE_DATE}; {hint}"
            yield Problem(where, message)


@rule(
    "priced-type-exists",
    reason="The price would be for nothing, and the launch refused for want of one.",
    source=f"{API}: TrainingInstanceType",
)
def priced_type_exists(spec: JobSpec, facts: Facts) -> Iterator[Problem]:
    """A price in the job's file is for an instance type that SageMaker trains on."""
    for kind in spec.cost.hourly_usd:
        if kind not in INSTANCES:
            yield Problem(f"cost.hourly_usd.{kind}", f"unknown instance type; {nearest(kind, tuple(INSTANCES))}")


@rule(
    "instance-count",
    reason="Such a number is a slip, and the deploy would fail later and in other words.",
    source="the stack's parameter for the number of instances takes four digits",
)
def instance_count(spec: JobSpec, facts: Facts) -> Iterator[Problem]:
    """A job has at most 9999 instances."""
    if spec.compute.most_instances > MOST_INSTANCES:
        yield Problem("compute", f"{spec.compute.most_instances} instances are not allowed (9999 or fewer)")


@rule("group-count", reason="SageMaker refuses the request.", source=f"{API}: InstanceGroups has at most 5 items")
def group_count(spec: JobSpec, facts: Facts) -> Iterator[Problem]:
    """A cluster has at most 5 instance groups."""
    if len(spec.compute.groups) > 5:
        yield Problem("compute.groups", f"{len(spec.compute.groups)} are not allowed (5 or fewer)")


@rule(
    "preference-list",
    reason="SageMaker refuses the request.",
    source=f"{API}: InstancePreferences has at most 5 items, each type once, and excludes InstancePlacementConfig",
)
def preference_list(spec: JobSpec, facts: Facts) -> Iterator[Problem]:
    """Instance preferences name at most 5 types, each once, and no placement."""
    kinds = [preference.instance_type for preference in spec.compute.preferences]
    if len(kinds) > 5:
        yield Problem("compute.preferences", f"{len(kinds)} are not allowed (5 or fewer)")
    for kind in sorted({kind for kind in kinds if kinds.count(kind) > 1}):
        yield Problem("compute.preferences", f"{kind} is named twice (each type once)")
    if kinds and spec.compute.placement is not None:
        yield Problem("compute.placement", "instance preferences exclude a placement (remove one of the two)")


@rule(
    "fallback-list",
    reason="The same capacity again would be asked for twice in a row, in vain.",
    source="Shardyard's own queue",
    of=LaunchedSpec,
)
def fallback_list(spec: LaunchedSpec, facts: Facts) -> Iterator[Problem]:
    """A job has at most 10 fallbacks, each other capacity than those before it."""
    fallbacks = spec.compute.fallback
    if len(fallbacks) > 10:
        yield Problem("compute.fallback", f"{len(fallbacks)} are not allowed (10 or fewer)")
    tried = [(cluster, False) for cluster in spec.compute.alternatives]
    for number, fallback in enumerate(fallbacks):
        count = spec.compute.most_instances if fallback.count is None else fallback.count
        cluster = ((fallback.instance_type, count),)
        # A launch without spot leaves out what differs in that alone.
        taken = (cluster, isinstance(fallback, Fallback) and fallback.on_demand)
        if taken in tried:
            message = f"{count} x {fallback.instance_type} is tried before it already (remove it)"
            yield Problem(f"compute.fallback[{number}]", message)
        tried.append(taken)


@rule(
    "one-training-plan",
    reason="SageMaker refuses the request.",
    source=f"{API}: TrainingPlanArns of a preference is `mutually exclusive with the job-level TrainingPlanArn`",
)
def one_training_plan(spec: JobSpec, facts: Facts) -> Iterator[Problem]:
    """Either the job or its preferences name a training plan."""
    if spec.compute.training_plan is not None and any(p.training_plan for p in spec.compute.preferences):
        message = "the preferences name training plans of their own (remove this one, or theirs)"
        yield Problem("compute.training_plan", message)


@rule(
    "placement-on-ultra-servers",
    reason="A placement means nothing on other machines, and SageMaker refuses it.",
    source=f"{API}: InstancePlacementConfig is `only applicable for UltraServer capacity`, at most 10 items",
    by_type=True,
)
def placement_on_ultra_servers(spec: JobSpec, facts: Facts) -> Iterator[Problem]:
    """A placement is for UltraServers, and places exactly the job's instances."""
    placement = spec.compute.placement
    if placement is None:
        return
    for where, instance in known_types(spec):
        if instance.family not in _ULTRA_SERVERS:
            yield Problem(where, f"{instance.name} does not come in UltraServers, so compute.placement is not allowed")
    if len(placement.ultra_servers) > 10:
        message = f"{len(placement.ultra_servers)} are not allowed (10 or fewer)"
        yield Problem("compute.placement.ultra_servers", message)
    placed = sum(server.count for server in placement.ultra_servers)
    if placement.ultra_servers and placed != spec.compute.most_instances:
        message = f"they place {placed} instances and the job has {spec.compute.most_instances}"
        yield Problem("compute.placement.ultra_servers", message)


@rule(
    "volume-fits-local-disk",
    reason="Types with NVMe disks get no other volume, so the job would have less disk than it asked for.",
    source=f"{API}: with NVMe `available storage is fixed to the NVMe-type instance's storage capacity`",
    by_type=True,
    of=LaunchedSpec,
)
def volume_fits_local_disk(spec: LaunchedSpec, facts: Facts) -> Iterator[Problem]:
    """The volume asked for is no larger than the disk of a type that brings its own."""
    for _, instance in known_types(spec):
        if 0 < instance.local_disk_gb < spec.compute.volume_gb:
            message = (
                f"{spec.compute.volume_gb}GB is more than the {instance.local_disk_gb}GB of {instance.name}, "
                "whose disk is fixed (ask for less, or take a larger type)"
            )
            yield Problem("compute.volume", message)


@rule(
    "no-volume-key-on-local-disk",
    reason="Such disks are encrypted by their own hardware, and SageMaker refuses a key.",
    source=f"{API}: `You can't request a VolumeKmsKeyId when using an instance type with local storage`",
    by_type=True,
    of=LaunchedSpec,
)
def no_volume_key_on_local_disk(spec: LaunchedSpec, facts: Facts) -> Iterator[Problem]:
    """A job names a key for the volume only on types without disks of their own."""
    for _, instance in known_types(spec):
        if spec.compute.volume_kms_key is not None and instance.local_disk_gb:
            message = f"{instance.name} encrypts its own disks, so no key may be named (remove it)"
            yield Problem("compute.volume_kms_key", message)
