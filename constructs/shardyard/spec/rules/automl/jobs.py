"""Rules about AutoML jobs: what SageMaker chooses itself, and how long candidates take."""

from collections.abc import Iterator

from shardyard.spec.catalogue.instances import INSTANCES
from shardyard.spec.errors import Problem, nearest
from shardyard.spec.jobs.automl.automl import AutoMLSpec
from shardyard.spec.jobs.compute import Capacity
from shardyard.spec.rules.base import Facts, named_types, rule

API = "CreateAutoMLJobV2, service model of botocore 1.44.8"
_VOLUME_GB = Capacity.__dataclass_fields__["volume_gb"].default


@rule(
    "automl-counts-by-a-known-type",
    of=AutoMLSpec,
    reason="Without its price the launch could not be held against the cap.",
    source="Shardyard's own rule: the worst case of every launch is counted before it",
    by_type=True,
)
def automl_counts_by_a_known_type(spec: AutoMLSpec, facts: Facts) -> Iterator[Problem]:
    """The type that an AutoML job's costs are counted by is one that trains."""
    for where, kind in named_types(spec):
        if kind not in INSTANCES:
            yield Problem(where, f"{kind!r} is no training instance type; {nearest(kind, tuple(INSTANCES))}")


@rule(
    "automl-instances-are-the-services",
    of=AutoMLSpec,
    reason="The request has no field for it.",
    source=f"{API}: no field names an instance, and AutoMLComputeConfig is for EMR Serverless",
)
def automl_instances_are_the_services(spec: AutoMLSpec, facts: Facts) -> Iterator[Problem]:
    """An AutoML job names one type to count costs by, and nothing else about instances: SageMaker chooses them."""
    compute = spec.compute
    chosen = {
        "count": compute.count != 1,
        "volume": compute.volume_gb != _VOLUME_GB,
        "preferences": bool(compute.preferences),
        "fallback": bool(compute.fallback),
    }
    for name, given in chosen.items():
        if given:
            yield Problem(f"compute.{name}", "SageMaker chooses the instances of an AutoML job (remove it)")


@rule(
    "automl-has-no-program",
    of=AutoMLSpec,
    reason="The request has no field for it, and nothing would read it.",
    source=f"{API}: no field holds code or variables",
)
def automl_has_no_program(spec: AutoMLSpec, facts: Facts) -> Iterator[Problem]:
    """An AutoML job has no code, variables or secrets of its own."""
    for name in ("source", "environment", "secrets"):
        if getattr(spec, name):
            yield Problem(name, "the containers of an AutoML job are SageMaker's own (remove it)")


@rule(
    "automl-is-not-isolated",
    of=AutoMLSpec,
    reason="The request has no field for it, and the value would mean nothing.",
    source=f"{API}: SecurityConfig has no EnableNetworkIsolation",
)
def automl_is_not_isolated(spec: AutoMLSpec, facts: Facts) -> Iterator[Problem]:
    """An AutoML job cannot be cut off from the network."""
    if spec.network.isolation:
        yield Problem("network.isolation", "an AutoML job has no such field (remove it; its VPC decides)")


@rule(
    "automl-candidates",
    of=AutoMLSpec,
    reason="SageMaker refuses the request.",
    source=f"{API}: MaxCandidates, `For text and image classification, time-series forecasting [...] the supported "
    "value is 1`",
)
def automl_candidates(spec: AutoMLSpec, facts: Facts) -> Iterator[Problem]:
    """Only a table has more than one candidate."""
    if spec.problem != "tabular" and spec.most_candidates != 1:
        yield Problem("candidates.count", f"{spec.most_candidates} are not allowed for {spec.problem} (remove it)")


@rule(
    "automl-candidates-in-time",
    of=AutoMLSpec,
    reason="The job would end before a candidate could.",
    source=f"{API}: MaxAutoMLJobRuntimeInSeconds, `If an AutoML job exceeds the maximum runtime, the job is stopped`",
)
def automl_candidates_in_time(spec: AutoMLSpec, facts: Facts) -> Iterator[Problem]:
    """A candidate may take no longer than its job."""
    longest, whole = spec.candidates.max_runtime_seconds, spec.limits.max_runtime_seconds
    if longest > whole:
        message = f"{longest} s are longer than the job may take ({whole} s, limits.max_runtime)"
        yield Problem("candidates.max_runtime", message)
