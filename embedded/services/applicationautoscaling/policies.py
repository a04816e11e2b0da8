"""The operations of scaling policies."""

from collections.abc import Iterator, Mapping
from typing import Any

from botocore.exceptions import ClientError

from embedded.clients import client
from embedded.operations import Call, Params, ServiceError, operation
from embedded.services.applicationautoscaling import alarms
from embedded.services.applicationautoscaling.records import NAMESPACE, Policy, Target, lock, policies, target_of
from embedded.services.applicationautoscaling.targets import about, page

_SERVICE = "application-autoscaling"
_CONFIGS = {
    "StepScaling": "StepScalingPolicyConfiguration",
    "TargetTrackingScaling": "TargetTrackingScalingPolicyConfiguration",
}


@operation(_SERVICE, "PutScalingPolicy")
def put_scaling_policy(call: Call, params: Params) -> Mapping[str, Any]:
    """Make a policy or change one; for a target that is tracked, the service keeps the alarms."""
    target = target_of(call, params)
    with lock:
        known = policies.get((target.key, params["PolicyName"]))
        kind = params.get("PolicyType", "StepScaling" if known is None else known.kind)
        for message in (*_problems(params, kind), *_changed(known, kind)):
            raise ServiceError("ValidationException", message)
        config = dict(params[_CONFIGS[kind]])
        policy = known if known is not None else Policy(name=params["PolicyName"], target=target, kind=kind, config={})
        policy.config = config
        if kind == "TargetTrackingScaling":
            try:
                alarms.put(policy)
            except ClientError as error:
                raise ServiceError("FailedResourceAccessException", f"The alarms cannot be made: {error}") from error
        policies[target.key, policy.name] = policy
    return {"PolicyARN": policy.arn, "Alarms": _alarms(policy)}


def _changed(known: Policy | None, kind: str) -> Iterator[str]:
    if known is not None and known.kind != kind:
        yield f"The policy {known.name} is of type {known.kind}, which cannot be changed to {kind}: delete it first."


def _problems(params: Params, kind: str) -> Iterator[str]:
    if kind not in _CONFIGS:
        yield f"The policy type {kind} is not emulated: known are {', '.join(_CONFIGS)}."
        return
    config = params.get(_CONFIGS[kind])
    others = [name for of, name in _CONFIGS.items() if of != kind and name in params]
    if config is None or others:
        yield f"A policy of type {kind} must have {_CONFIGS[kind]}, and no other configuration."
    elif kind == "StepScaling":
        yield from _of_steps(config)
    else:
        yield from _of_target(config)


def _of_steps(config: Mapping[str, Any]) -> Iterator[str]:
    steps = config.get("StepAdjustments", [])
    if not steps or "AdjustmentType" not in config:
        yield "A step scaling policy must have an AdjustmentType and at least one StepAdjustment."
    for step in steps:
        lower, upper = step.get("MetricIntervalLowerBound"), step.get("MetricIntervalUpperBound")
        if lower is None and upper is None:
            yield "A step adjustment must have at least one of MetricIntervalLowerBound and MetricIntervalUpperBound."
        elif lower is not None and upper is not None and lower >= upper:
            yield f"The MetricIntervalUpperBound {upper:g} of a step must be greater than its lower bound {lower:g}."


def _of_target(config: Mapping[str, Any]) -> Iterator[str]:
    predefined, own = config.get("PredefinedMetricSpecification"), config.get("CustomizedMetricSpecification")
    if (predefined is None) == (own is None):
        yield "Exactly one of PredefinedMetricSpecification and CustomizedMetricSpecification must be specified."
        return
    if config["TargetValue"] <= 0:
        yield f"TargetValue {config['TargetValue']:g} must be greater than 0."
    if predefined is not None and predefined["PredefinedMetricType"] not in alarms.PREDEFINED:
        known = ", ".join(alarms.PREDEFINED)
        yield f"The predefined metric {predefined['PredefinedMetricType']} is not emulated: known are {known}."
    needed = ("MetricName", "Namespace", "Statistic")
    if own is not None and "Metrics" not in own and not all(name in own for name in needed):
        yield "A customized metric must have MetricName, Namespace and Statistic, or Metrics."


@operation(_SERVICE, "DeleteScalingPolicy")
def delete_scaling_policy(call: Call, params: Params) -> Mapping[str, Any]:
    target = target_of(call, params)
    with lock:
        found = policies.pop((target.key, params["PolicyName"]), None)
        if found is None:
            raise ServiceError("ObjectNotFoundException", f"No scaling policy found: {params['PolicyName']}")
        alarms.delete(found)
    return {}


@operation(_SERVICE, "DescribeScalingPolicies")
def describe_scaling_policies(call: Call, params: Params) -> Mapping[str, Any]:
    names = params.get("PolicyNames")
    found = [one for one in about(call, params, list(policies.values())) if names is None or one.name in names]
    shown, more = page(found, params)
    return {"ScalingPolicies": [_described(one, one.target) for one in shown], **more}


def _described(one: Policy, target: Target) -> dict[str, Any]:
    return {
        "PolicyARN": one.arn,
        "PolicyName": one.name,
        "ServiceNamespace": NAMESPACE,
        "ResourceId": target.resource,
        "ScalableDimension": target.dimension,
        "PolicyType": one.kind,
        _CONFIGS[one.kind]: one.config,
        "Alarms": _alarms(one),
        "CreationTime": one.created,
    }


def _alarms(policy: Policy) -> list[dict[str, str]]:
    """Its own alarms, or those that name it."""
    api = client("cloudwatch", policy.target.account, policy.target.region)
    if policy.alarms:
        found = api.describe_alarms(AlarmNames=policy.alarms)["MetricAlarms"]
    else:
        pages = api.get_paginator("describe_alarms").paginate()
        listed = [one for shown in pages for one in shown["MetricAlarms"]]
        found = [one for one in listed if policy.arn in one.get("AlarmActions", ())]
    return [{"AlarmName": one["AlarmName"], "AlarmARN": one["AlarmArn"]} for one in found]
