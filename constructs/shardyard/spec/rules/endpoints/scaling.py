"""Rules about scaling: which target a kind has, how far down it goes, and on which machines."""

from collections.abc import Iterator

from shardyard.spec.catalogue.instances import INSTANCES
from shardyard.spec.endpoints.endpoint import EndpointSpec
from shardyard.spec.errors import Problem
from shardyard.spec.rules.base import GUIDE, Facts, rule

_SCALING = f"{GUIDE}, automatic scaling"
_ASYNC = f"{GUIDE}, asynchronous inference, autoscale an asynchronous endpoint"
_TARGETS = {
    "realtime": ("invocations", "concurrency"),
    "multi-model": ("invocations", "concurrency"),
    "asynchronous": ("backlog",),
    "serverless": ("utilization",),
}


@rule(
    "target-of-the-kind",
    reason="The metric is not published for such an endpoint, so nothing would ever scale.",
    source=f"{_SCALING}: predefined metrics; {_ASYNC}",
    of=EndpointSpec,
)
def target_of_the_kind(spec: EndpointSpec, facts: Facts) -> Iterator[Problem]:
    """A variant tracks a target that its kind of endpoint publishes."""
    allowed = _TARGETS[spec.kind]
    for name, scaling in spec.scaled.items():
        if scaling.target is not None and scaling.target not in allowed:
            said = f"no such metric is published for kind {spec.kind!r} (one of {', '.join(allowed)})"
            yield Problem(f"variants.{name}.scaling.{scaling.target}", said)


@rule(
    "zero-only-asynchronous",
    reason="SageMaker keeps one instance of any other endpoint; to zero a real-time one goes with inference components "
    "alone, which this project does not make.",
    source=f"{_ASYNC}; {GUIDE}, scale an endpoint to zero instances",
    of=EndpointSpec,
)
def zero_only_asynchronous(spec: EndpointSpec, facts: Facts) -> Iterator[Problem]:
    """Only an asynchronous endpoint scales to zero."""
    if spec.kind == "asynchronous":
        return
    for name, scaling in spec.scaled.items():
        named = {
            "least": scaling.least,
            **{f"schedules.{key}.least": one.least for key, one in scaling.schedules.items()},
        }
        for key, least in named.items():
            if least == 0:
                yield Problem(
                    f"variants.{name}.scaling.{key}", f"a {spec.kind} endpoint keeps one at least (1 or more)"
                )


@rule(
    "wakes-from-zero",
    reason="The backlog of each instance is not defined while there is none; the step that wakes the endpoint stands "
    "beside the target.",
    source=f"{_ASYNC}: HasBacklogWithoutCapacity",
    of=EndpointSpec,
)
def wakes_from_zero(spec: EndpointSpec, facts: Facts) -> Iterator[Problem]:
    """A variant that scales to zero tracks its backlog."""
    for name, scaling in spec.scaled.items():
        if spec.kind == "asynchronous" and scaling.least == 0 and scaling.backlog is None:
            yield Problem(
                f"variants.{name}.scaling.backlog", "missing; what scales to zero tracks its backlog, such as 5"
            )


@rule(
    "count-within-scaling",
    reason="Application Auto Scaling would change the number at once.",
    source=f"{_SCALING}: MinCapacity and MaxCapacity",
    of=EndpointSpec,
)
def count_within_scaling(spec: EndpointSpec, facts: Facts) -> Iterator[Problem]:
    """A variant begins with a number of instances between its limits."""
    for name, scaling in spec.scaled.items():
        one = spec.variants[name]
        if one.serverless is not None:
            begins, key = one.serverless.provisioned, "serverless.provisioned"
        else:
            begins, key = one.count, "count"
        if begins is None:
            yield Problem(f"variants.{name}.{key}", "missing; what scales is the provisioned concurrency")
        elif not max(scaling.least, 1) <= begins <= scaling.most:
            between = f"{max(scaling.least, 1)} to {scaling.most}, as [variants.{name}.scaling] says"
            yield Problem(f"variants.{name}.{key}", f"{begins} is not allowed ({between})")


@rule(
    "burstable-does-not-scale",
    reason="The processor's credits, and not the requests, decide how long an answer takes.",
    source=f"{_SCALING}, prerequisites: burstable instances are not recommended",
    of=EndpointSpec,
)
def burstable_does_not_scale(spec: EndpointSpec, facts: Facts) -> Iterator[Problem]:
    """What scales is not burstable."""
    for name in spec.scaled:
        kind = spec.variants[name].instance_type
        if kind is not None and kind.startswith(("ml.t2.", "ml.t3.")):
            said = f"{kind!r} is burstable and cannot be scaled well (take another, such as ml.m5.large)"
            yield Problem(f"variants.{name}.instance_type", said)


@rule(
    "steps-of-the-kind",
    reason="The metric is not published, so the alarm would never go off.",
    source=f"{GUIDE}, monitor with CloudWatch: metrics of endpoints and of their instances",
    of=EndpointSpec,
)
def steps_of_the_kind(spec: EndpointSpec, facts: Facts) -> Iterator[Problem]:
    """Steps follow a metric that the variant has."""
    for name, scaling in spec.scaled.items():
        if scaling.steps is None:
            continue
        metric, where = scaling.steps.metric, f"variants.{name}.scaling.steps.metric"
        kind = str(spec.variants[name].instance_type)
        if metric == "backlog" and spec.kind != "asynchronous":
            yield Problem(where, f"a {spec.kind} endpoint has no queue (one of invocations, cpu, gpu)")
        elif metric == "invocations" and spec.kind == "asynchronous":
            yield Problem(where, "an asynchronous endpoint does not publish it (one of backlog, cpu, gpu)")
        elif spec.kind == "serverless":
            yield Problem(where, "a serverless endpoint has no instances to count (use utilization)")
        elif metric == "gpu" and kind in INSTANCES and INSTANCES[kind].gpus == 0:
            yield Problem(where, f"{kind} has no GPU (one of invocations, cpu)")
