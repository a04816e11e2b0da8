"""How an endpoint's variants scale, as Application Auto Scaling's resources: targets, policies, alarms of steps."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from shardyard.spec.endpoints.endpoint import EndpointSpec
from shardyard.spec.endpoints.scaling import Scaling, Steps

NAMESPACE = "AWS/SageMaker"
INSTANCES = "/aws/sagemaker/Endpoints"
"""The namespace of what the instances of endpoints use."""
_PREDEFINED = {
    "invocations": "SageMakerVariantInvocationsPerInstance",
    "concurrency": "SageMakerVariantConcurrentRequestsPerModelHighResolution",
    "utilization": "SageMakerVariantProvisionedConcurrencyUtilization",
}
_STEP_METRICS = {
    # name, namespace, statistic, whether it is the variant's own
    "invocations": ("InvocationsPerInstance", NAMESPACE, "Sum", True),
    "cpu": ("CPUUtilization", INSTANCES, "Average", True),
    "gpu": ("GPUUtilization", INSTANCES, "Average", True),
    "backlog": ("ApproximateBacklogSize", NAMESPACE, "Average", False),
}


@dataclass(frozen=True, kw_only=True, slots=True)
class StepPolicy:
    """A policy that follows an alarm."""

    name: str
    policy: dict[str, Any]
    """The policy's own fields."""
    alarm: dict[str, Any]
    """The alarm's fields, but for its action, which is the policy."""


def target(spec: EndpointSpec, variant: str, endpoint_name: str) -> dict[str, Any]:
    """The scalable target of a variant."""
    scaling = spec.scaled[variant]
    serverless = spec.variants[variant].serverless is not None
    dimension = "DesiredProvisionedConcurrency" if serverless else "DesiredInstanceCount"
    request: dict[str, Any] = {
        "ServiceNamespace": "sagemaker",
        "ResourceId": f"endpoint/{endpoint_name}/variant/{variant}",
        "ScalableDimension": f"sagemaker:variant:{dimension}",
        "MinCapacity": scaling.least,
        "MaxCapacity": scaling.most,
    }
    if scaling.schedules:
        request["ScheduledActions"] = [
            {
                "ScheduledActionName": name,
                "Schedule": one.at,
                "Timezone": one.timezone,
                "ScalableTargetAction": {"MinCapacity": one.least, "MaxCapacity": one.most},
            }
            for name, one in scaling.schedules.items()
        ]
    return request


def target_policy(scaling: Scaling, endpoint_name: str) -> dict[str, Any] | None:
    """What tracks the variant's target; None without one."""
    key = scaling.target
    if key is None:
        return None
    tracking: dict[str, Any] = {
        "TargetValue": getattr(scaling, key),
        "ScaleOutCooldown": scaling.out_cooldown_seconds,
        "ScaleInCooldown": scaling.in_cooldown_seconds,
        "DisableScaleIn": scaling.only_grow,
    }
    if key in _PREDEFINED:
        tracking["PredefinedMetricSpecification"] = {"PredefinedMetricType": _PREDEFINED[key]}
    else:
        tracking["CustomizedMetricSpecification"] = {
            "MetricName": "ApproximateBacklogSizePerInstance",
            "Namespace": NAMESPACE,
            "Statistic": "Average",
            "Dimensions": _dimensions(endpoint_name),
        }
    return {"PolicyType": "TargetTrackingScaling", "TargetTrackingScalingPolicyConfiguration": tracking}


def step_policies(spec: EndpointSpec, variant: str, endpoint_name: str) -> Iterator[StepPolicy]:
    """The steps of a variant's file, and the one that wakes it from zero."""
    scaling = spec.scaled[variant]
    if scaling.steps is not None:
        yield _steps(scaling.steps, scaling, variant, endpoint_name)
    if spec.kind == "asynchronous" and scaling.least == 0:
        yield _wake(scaling, variant, endpoint_name)


def _steps(steps: Steps, scaling: Scaling, variant: str, endpoint_name: str) -> StepPolicy:
    metric, namespace, statistic, own = _STEP_METRICS[steps.metric]
    sign = -1 if steps.below else 1
    bounds = [sign * change.beyond for change in steps.changes]
    adjustments = []
    for number, change in enumerate(steps.changes):
        further = bounds[number + 1] if number + 1 < len(bounds) else None
        lower, upper = (bounds[number], further) if sign == 1 else (further, bounds[number])
        adjustment: dict[str, Any] = {"ScalingAdjustment": change.add}
        if lower is not None:
            adjustment["MetricIntervalLowerBound"] = lower
        if upper is not None:
            adjustment["MetricIntervalUpperBound"] = upper
        adjustments.append(adjustment)
    grows = any(change.add > 0 for change in steps.changes)
    cooldown = scaling.out_cooldown_seconds if grows else scaling.in_cooldown_seconds
    return StepPolicy(
        name="steps",
        policy=_step_policy(adjustments, cooldown),
        alarm={
            "AlarmDescription": f"Follows {steps.metric} of {endpoint_name}, {variant}, for its steps",
            "Namespace": namespace,
            "MetricName": metric,
            "Statistic": statistic,
            "Dimensions": _dimensions(endpoint_name, variant if own else None),
            "Period": steps.period_seconds,
            "EvaluationPeriods": steps.evaluations,
            "Threshold": steps.threshold,
            "ComparisonOperator": "LessThanOrEqualToThreshold" if steps.below else "GreaterThanOrEqualToThreshold",
            "TreatMissingData": "notBreaching",
        },
    )


def _wake(scaling: Scaling, variant: str, endpoint_name: str) -> StepPolicy:
    """The backlog of each instance is not defined without an instance: the first one comes by a step."""
    return StepPolicy(
        name="wake",
        policy=_step_policy([{"MetricIntervalLowerBound": 0, "ScalingAdjustment": 1}], scaling.out_cooldown_seconds),
        alarm={
            "AlarmDescription": f"Requests wait for {endpoint_name}, {variant}, which has no instance",
            "Namespace": NAMESPACE,
            "MetricName": "HasBacklogWithoutCapacity",
            "Statistic": "Average",
            "Dimensions": _dimensions(endpoint_name),
            "Period": 60,
            "EvaluationPeriods": 2,
            "Threshold": 1,
            "ComparisonOperator": "GreaterThanOrEqualToThreshold",
            "TreatMissingData": "missing",
        },
    )


def _step_policy(adjustments: list[dict[str, Any]], cooldown: int) -> dict[str, Any]:
    return {
        "PolicyType": "StepScaling",
        "StepScalingPolicyConfiguration": {
            "AdjustmentType": "ChangeInCapacity",
            "MetricAggregationType": "Average",
            "Cooldown": cooldown,
            "StepAdjustments": adjustments,
        },
    }


def _dimensions(endpoint_name: str, variant: str | None = None) -> list[dict[str, str]]:
    own = [] if variant is None else [{"Name": "VariantName", "Value": variant}]
    return [{"Name": "EndpointName", "Value": endpoint_name}, *own]
