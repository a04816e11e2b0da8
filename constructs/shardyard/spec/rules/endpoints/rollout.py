"""Rules about deployments and alarms: what a guarded deployment needs so that it can go back."""

from collections.abc import Iterator
from math import ceil

from shardyard.spec.catalogue.instances import INSTANCES
from shardyard.spec.endpoints.endpoint import EndpointSpec
from shardyard.spec.errors import Problem
from shardyard.spec.rules.base import GUIDE, Facts, rule
from shardyard.spec.units import format_duration

_GUARDRAILS = f"{GUIDE}, deployment guardrails"
_ENDPOINT = "UpdateEndpoint, service model of botocore 1.44.8"
MOST_ALARMS = 10


@rule(
    "deployment-watches-alarms",
    reason="Nothing would ever take a bad model back: the waiting would only cost time.",
    source=f"{_GUARDRAILS}: AutoRollbackConfiguration",
    of=EndpointSpec,
)
def deployment_watches_alarms(spec: EndpointSpec, facts: Facts) -> Iterator[Problem]:
    """A deployment in steps is watched by an alarm that can roll it back."""
    strategy = spec.deployment.strategy
    if strategy != "all-at-once" and spec.kind != "serverless" and not _rolling_back(spec):
        said = f"a {strategy} deployment needs one that rolls back (latency_p99_ms, errors_5xx_percent or names)"
        yield Problem("alarms", said)


@rule(
    "alarms-fit-the-bake",
    reason="An alarm that needs longer than the bake goes off after the traffic has moved on.",
    source=f"{_GUARDRAILS}, auto-rollback: the baking period",
    of=EndpointSpec,
)
def alarms_fit_the_bake(spec: EndpointSpec, facts: Facts) -> Iterator[Problem]:
    """An alarm that rolls back goes off within the bake: period times evaluations is no longer."""
    needs, bake = spec.alarms.period_seconds * spec.alarms.evaluations, spec.deployment.bake_seconds
    if spec.alarms.roll_back and needs > bake:
        said = f"{spec.alarms.evaluations} x {format_duration(spec.alarms.period_seconds)} = {format_duration(needs)}"
        yield Problem("alarms.evaluations", f"{said} is more than deployment.bake ({format_duration(bake)} or less)")


@rule(
    "at-most-ten-alarms",
    reason="SageMaker refuses the request.",
    source=f"{_ENDPOINT}: AutoRollbackConfig.Alarms",
    of=EndpointSpec,
)
def at_most_ten_alarms(spec: EndpointSpec, facts: Facts) -> Iterator[Problem]:
    """At most 10 alarms roll a deployment back."""
    count = _rolling_back(spec)
    if count > MOST_ALARMS:
        yield Problem("alarms", f"{count} roll back, of all variants ({MOST_ALARMS} or fewer)")


@rule(
    "alarms-of-the-kind",
    reason="The metric is not published, so the alarm would never go off.",
    source=f"{GUIDE}, monitor with CloudWatch: metrics of endpoints and of their instances",
    of=EndpointSpec,
)
def alarms_of_the_kind(spec: EndpointSpec, facts: Facts) -> Iterator[Problem]:
    """Alarms look at metrics that the endpoint has."""
    if spec.alarms.backlog_seconds is not None and spec.kind != "asynchronous":
        yield Problem("alarms.backlog", f"a {spec.kind} endpoint has no queue (remove it)")
    if spec.kind == "serverless" and (spec.alarms.cpu_percent or spec.alarms.gpu_memory_percent):
        yield Problem("alarms", "a serverless endpoint publishes no use of processors or GPUs (remove these)")
    kinds = [str(one.instance_type) for one in spec.variants.values()]
    known = [INSTANCES[kind] for kind in kinds if kind in INSTANCES]
    if spec.alarms.gpu_memory_percent is not None and len(known) == len(kinds) and not any(one.gpus for one in known):
        yield Problem("alarms.gpu_memory_percent", "none of the instances has a GPU (remove it)")


@rule(
    "step-of-the-strategy",
    reason="SageMaker refuses the request.",
    source=f"{_GUARDRAILS}, linear traffic shifting: 10 to 50 percent",
    of=EndpointSpec,
)
def step_of_the_strategy(spec: EndpointSpec, facts: Facts) -> Iterator[Problem]:
    """A linear deployment moves 10 percent or more in each step."""
    step = spec.deployment.step_percent
    if spec.deployment.strategy == "linear" and step < 10:
        yield Problem("deployment.step_percent", f"{step} is not allowed for linear (10 to 50)")


@rule(
    "bakes-fit-the-timeout",
    reason="SageMaker gives the deployment up in the middle and goes back.",
    source=f"{_ENDPOINT}: MaximumExecutionTimeoutInSeconds",
    of=EndpointSpec,
)
def bakes_fit_the_timeout(spec: EndpointSpec, facts: Facts) -> Iterator[Problem]:
    """All bakes of a deployment together, and the wait for the old fleet, are shorter than its time-out."""
    deployment = spec.deployment
    steps = {"all-at-once": 1, "canary": 2}.get(deployment.strategy, ceil(100 / deployment.step_percent))
    keep = 0 if deployment.strategy == "rolling" else deployment.keep_old_seconds
    needs = steps * deployment.bake_seconds + keep
    if spec.kind != "serverless" and needs > deployment.timeout_seconds:
        said = f"{steps} x {format_duration(deployment.bake_seconds)}, and the old fleet {format_duration(keep)} more"
        yield Problem("deployment.timeout", f"{said}, take {format_duration(needs)} (give that, or more)")


@rule(
    "no-guardrails-on-inferentia-one",
    reason="SageMaker refuses the request.",
    source=f"{_GUARDRAILS}, exclusions (public copy of 2023)",
    of=EndpointSpec,
)
def no_guardrails_on_inferentia_one(spec: EndpointSpec, facts: Facts) -> Iterator[Problem]:
    """Instances of Inf1 are deployed all at once, and not rolled back."""
    guarded = spec.deployment.strategy != "all-at-once" or _rolling_back(spec)
    for name, one in spec.variants.items():
        if guarded and one.instance_type is not None and one.instance_type.startswith("ml.inf1."):
            said = f"{one.instance_type} has no guarded deployments (take another type, or leave out what rolls back)"
            yield Problem(f"variants.{name}.instance_type", said)


def _rolling_back(spec: EndpointSpec) -> int:
    return len(spec.alarms.roll_back) * len(spec.production) + len(spec.alarms.names)
