"""The operations of scalable targets, of their tags, and of what was done with them."""

import base64
from collections.abc import Mapping, Sequence
from typing import Any

from moto.utilities.utils import get_partition

from embedded.operations import Call, Params, ServiceError, operation
from embedded.services.applicationautoscaling import alarms, capacity, engine
from embedded.services.applicationautoscaling.records import (
    NAMESPACE,
    Target,
    actions,
    activities,
    check_namespace,
    key_of,
    lock,
    policies,
    target_of,
    targets,
)

_SERVICE = "application-autoscaling"
_LINKED_ROLE = (
    "aws-service-role/sagemaker.application-autoscaling.amazonaws.com/"
    "AWSServiceRoleForApplicationAutoScaling_SageMakerEndpoint"
)


@operation(_SERVICE, "RegisterScalableTarget")
def register_scalable_target(call: Call, params: Params) -> Mapping[str, Any]:
    """Register a target, or change one; a capacity outside of its limits is brought within them."""
    key = key_of(call, params)
    with lock:
        known = targets.get(key)
        made = Target(
            account=call.account,
            region=call.region,
            resource=key[2],
            dimension=key[3],
            minimum=_bound(params, "MinCapacity", None if known is None else known.minimum),
            maximum=_bound(params, "MaxCapacity", None if known is None else known.maximum),
            role_arn=_role(call),
        )
        if made.maximum < made.minimum:
            raise ServiceError("ValidationException", "Maximum capacity cannot be less than minimum capacity")
        if known is None:
            capacity.check_exists(made)
            made.tags = dict(params.get("Tags", {}))
            targets[key] = known = made
        known.minimum, known.maximum = made.minimum, made.maximum
        known.suspended = {**known.suspended, **params.get("SuspendedState", {})}
    engine.bring_within(known, _moved(known))
    return {"ScalableTargetARN": known.arn}


def _moved(target: Target) -> str:
    return f"minimum capacity was set to {target.minimum} and maximum capacity was set to {target.maximum}"


def _bound(params: Params, name: str, before: int | None) -> int:
    found = params.get(name, before)
    if found is None:
        message = f"{name} is required to register a new scalable target"
        raise ServiceError("ValidationException", message)
    if found < 0:
        raise ServiceError("ValidationException", f"{name} {found} must not be negative")
    return int(found)


def _role(call: Call) -> str:
    return f"arn:{get_partition(call.region)}:iam::{call.account}:role/{_LINKED_ROLE}"


@operation(_SERVICE, "DeregisterScalableTarget")
def deregister_scalable_target(call: Call, params: Params) -> Mapping[str, Any]:
    """Forget a target, with its policies, their alarms and its scheduled actions."""
    target = target_of(call, params)
    with lock:
        for key in [key for key, one in policies.items() if one.target is target]:
            alarms.delete(policies.pop(key))
        for key in [key for key, one in actions.items() if one.target is target]:
            del actions[key]
        del targets[target.key]
    return {}


@operation(_SERVICE, "DescribeScalableTargets")
def describe_scalable_targets(call: Call, params: Params) -> Mapping[str, Any]:
    wanted = params.get("ResourceIds")
    found = [one for one in about(call, params, list(targets.values())) if wanted is None or one.resource in wanted]
    shown, more = page(found, params)
    return {"ScalableTargets": [_described(one) for one in shown], **more}


def _described(one: Target) -> dict[str, Any]:
    suspended = ("DynamicScalingInSuspended", "DynamicScalingOutSuspended", "ScheduledScalingSuspended")
    return {
        "ServiceNamespace": NAMESPACE,
        "ResourceId": one.resource,
        "ScalableDimension": one.dimension,
        "MinCapacity": one.minimum,
        "MaxCapacity": one.maximum,
        "RoleARN": one.role_arn,
        "CreationTime": one.created,
        "SuspendedState": {name: bool(one.suspended.get(name)) for name in suspended},
        "ScalableTargetARN": one.arn,
    }


@operation(_SERVICE, "DescribeScalingActivities")
def describe_scaling_activities(call: Call, params: Params) -> Mapping[str, Any]:
    """The newest first; what was not scaled is told where the request asks for it."""
    check_namespace(params["ServiceNamespace"])
    every = params.get("IncludeNotScaledActivities", False)
    asked = (params.get("ResourceId"), params.get("ScalableDimension"))
    found = [
        one
        for one in reversed(activities)
        if (one.target.account, one.target.region) == (call.account, call.region)
        and asked[0] in (None, one.target.resource)
        and asked[1] in (None, one.target.dimension)
        and (every or not one.not_scaled)
    ]
    shown, more = page(found, params)
    listed = []
    for one in shown:
        entry = {
            "ActivityId": one.id,
            "ServiceNamespace": NAMESPACE,
            "ResourceId": one.target.resource,
            "ScalableDimension": one.target.dimension,
            "Description": one.description,
            "Cause": one.cause,
            "StartTime": one.started,
            "EndTime": one.ended,
            "StatusCode": one.status,
            "StatusMessage": one.message or None,
            "NotScaledReasons": one.not_scaled or None,
        }
        listed.append({key: value for key, value in entry.items() if value is not None})
    return {"ScalingActivities": listed, **more}


@operation(_SERVICE, "TagResource")
def tag_resource(call: Call, params: Params) -> Mapping[str, Any]:
    _by_arn(call, params).tags.update(params["Tags"])
    return {}


@operation(_SERVICE, "UntagResource")
def untag_resource(call: Call, params: Params) -> Mapping[str, Any]:
    for key in params["TagKeys"]:
        _by_arn(call, params).tags.pop(key, None)
    return {}


@operation(_SERVICE, "ListTagsForResource")
def list_tags_for_resource(call: Call, params: Params) -> Mapping[str, Any]:
    return {"Tags": dict(_by_arn(call, params).tags)}


def _by_arn(call: Call, params: Params) -> Target:
    for one in targets.values():
        if one.arn == params["ResourceARN"] and one.account == call.account:
            return one
    message = f"The resource {params['ResourceARN']} does not exist."
    raise ServiceError("ResourceNotFoundException", message)


def about(call: Call, params: Params, found: Sequence[Any]) -> list[Any]:
    """What a Describe operation asks about: of targets, or of what belongs to one."""
    check_namespace(params["ServiceNamespace"])
    resource, dimension = params.get("ResourceId"), params.get("ScalableDimension")
    chosen = []
    for one in found:
        target = one if isinstance(one, Target) else one.target
        if (
            (target.account, target.region) == (call.account, call.region)
            and resource in (None, target.resource)
            and dimension in (None, target.dimension)
        ):
            chosen.append(one)
    return chosen


def page(found: Sequence[Any], params: Params) -> tuple[Sequence[Any], dict[str, str]]:
    """One page, with the token of the next."""
    token = params.get("NextToken")
    try:
        start = 0 if token is None else int(base64.b64decode(token, validate=True))
    except ValueError:
        raise ServiceError("InvalidNextTokenException", "The next token is not valid.") from None
    end = start + params.get("MaxResults", 50)
    more = {"NextToken": base64.b64encode(str(end).encode()).decode()} if end < len(found) else {}
    return found[start:end], more
