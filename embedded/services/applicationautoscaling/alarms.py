"""The two alarms that the service keeps for a policy that tracks a target."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from embedded.clients import client
from embedded.services.applicationautoscaling.records import Policy

_PERIOD_SECONDS = 60


@dataclass(frozen=True, slots=True)
class Predefined:
    """A metric that a policy may name without saying where it is."""

    metric: str
    statistic: str
    out_seconds: int = _PERIOD_SECONDS
    """The period of the alarm that adds capacity; the one that takes it away has a minute's for every metric."""


PREDEFINED: Mapping[str, Predefined] = {
    "SageMakerVariantInvocationsPerInstance": Predefined("InvocationsPerInstance", "Sum"),
    "SageMakerVariantConcurrentRequestsPerModelHighResolution": Predefined("ConcurrentRequestsPerModel", "Average", 10),
    "SageMakerVariantProvisionedConcurrencyUtilization": Predefined(
        "ServerlessProvisionedConcurrencyUtilization", "Maximum"
    ),
}
"""The predefined metrics of variants. AWS documents that the one of high resolution comes every ten seconds and that
capacity goes as slowly as by the others; the periods of ten seconds and the average over instances follow from that."""
_HIGH_PERIODS = 3
_LOW_PERIODS = 15
_LOW_PART = 0.9
"""Below this part of the target there is too much capacity."""


def specs(policy: Policy) -> list[dict[str, Any]]:
    """The alarms as PutMetricAlarm takes them, the high one first."""
    config, target = policy.config, policy.target
    value = float(config["TargetValue"])
    prefix = f"TargetTracking-{target.resource}"
    shared = {**_metric(policy), "AlarmActions": [policy.arn], "AlarmDescription": _described(policy)}
    high = {
        "AlarmName": f"{prefix}-AlarmHigh-{policy.id}",
        "EvaluationPeriods": _HIGH_PERIODS,
        "Threshold": value,
        "ComparisonOperator": "GreaterThanThreshold",
    }
    low = {
        "AlarmName": f"{prefix}-AlarmLow-{policy.id}",
        "EvaluationPeriods": _LOW_PERIODS,
        "Threshold": value * _LOW_PART,
        "ComparisonOperator": "LessThanThreshold",
    }
    if "PredefinedMetricSpecification" in config:
        high["Period"] = PREDEFINED[config["PredefinedMetricSpecification"]["PredefinedMetricType"]].out_seconds
    wanted = [high] if config.get("DisableScaleIn") else [high, low]
    return [{**shared, **one} for one in wanted]


def _described(policy: Policy) -> str:
    return f"DO NOT EDIT OR DELETE. For TargetTrackingScaling policy {policy.arn}."


def _metric(policy: Policy) -> dict[str, Any]:
    config, target = policy.config, policy.target
    if "PredefinedMetricSpecification" in config:
        found = PREDEFINED[config["PredefinedMetricSpecification"]["PredefinedMetricType"]]
        place = {"EndpointName": target.endpoint, "VariantName": target.variant}
        return {
            "Namespace": "AWS/SageMaker",
            "MetricName": found.metric,
            "Dimensions": [{"Name": key, "Value": value} for key, value in place.items()],
            "Statistic": found.statistic,
            "Period": _PERIOD_SECONDS,
        }
    own = config["CustomizedMetricSpecification"]
    if "Metrics" in own:
        queries = [
            {**one, **({"MetricStat": {**one["MetricStat"], "Period": _PERIOD_SECONDS}} if "MetricStat" in one else {})}
            for one in own["Metrics"]
        ]
        return {"Metrics": queries}
    unit = {"Unit": own["Unit"]} if "Unit" in own else {}
    return {
        "Namespace": own["Namespace"],
        "MetricName": own["MetricName"],
        "Dimensions": own.get("Dimensions", []),
        "Statistic": own["Statistic"],
        "Period": _PERIOD_SECONDS,
        **unit,
    }


def put(policy: Policy) -> None:
    """Make the alarms, or change them; what is no longer wanted goes."""
    api = client("cloudwatch", policy.target.account, policy.target.region)
    wanted = specs(policy)
    for one in wanted:
        api.put_metric_alarm(**one)
    gone = [name for name in policy.alarms if name not in [one["AlarmName"] for one in wanted]]
    if gone:
        api.delete_alarms(AlarmNames=gone)
    policy.alarms = [one["AlarmName"] for one in wanted]


def delete(policy: Policy) -> None:
    """Take them away."""
    if policy.alarms:
        client("cloudwatch", policy.target.account, policy.target.region).delete_alarms(AlarmNames=policy.alarms)
