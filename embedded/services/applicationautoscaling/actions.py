"""Scheduled actions: their operations, and what happens when one is due."""

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from embedded.kept import parts
from embedded.operations import Call, Params, ServiceError, operation
from embedded.schedules.expressions import ScheduleError, read
from embedded.schedules.watch import Scheduled, Watch
from embedded.services.applicationautoscaling import engine
from embedded.services.applicationautoscaling.records import NAMESPACE, Action, actions, lock, target_of
from embedded.services.applicationautoscaling.targets import about, page

_SERVICE = "application-autoscaling"


@operation(_SERVICE, "PutScheduledAction")
def put_scheduled_action(call: Call, params: Params) -> Mapping[str, Any]:
    """Make a scheduled action, or change what is given of one."""
    target = target_of(call, params)
    with lock:
        known = actions.get((target.key, params["ScheduledActionName"]))
        made = Action(
            name=params["ScheduledActionName"],
            target=target,
            schedule=params.get("Schedule", "" if known is None else known.schedule),
            zone=params.get("Timezone", "UTC" if known is None else known.zone),
            bounds=dict(params.get("ScalableTargetAction", {} if known is None else known.bounds)),
            start=params.get("StartTime", None if known is None else known.start),
            end=params.get("EndTime", None if known is None else known.end),
        )
        for message in _problems(made):
            raise ServiceError("ValidationException", message)
        if known is not None:
            made.id, made.created = known.id, known.created
        actions[target.key, made.name] = made
    return {}


def _problems(action: Action) -> Iterator[str]:
    try:
        read(action.schedule, ZoneInfo(action.zone))
    except ScheduleError as error:
        yield f"Schedule: {error}"
    except (ZoneInfoNotFoundError, ValueError):
        yield f"Timezone {action.zone!r} is no time zone of the IANA database."
    if not action.bounds:
        yield "ScalableTargetAction must have MinCapacity, MaxCapacity or both."
    low, high = action.bounds.get("MinCapacity"), action.bounds.get("MaxCapacity")
    if low is not None and high is not None and high < low:
        yield "Maximum capacity cannot be less than minimum capacity"


@operation(_SERVICE, "DeleteScheduledAction")
def delete_scheduled_action(call: Call, params: Params) -> Mapping[str, Any]:
    target = target_of(call, params)
    with lock:
        if actions.pop((target.key, params["ScheduledActionName"]), None) is None:
            name = params["ScheduledActionName"]
            raise ServiceError("ObjectNotFoundException", f"No scheduled action found: {name}")
    return {}


@operation(_SERVICE, "DescribeScheduledActions")
def describe_scheduled_actions(call: Call, params: Params) -> Mapping[str, Any]:
    names = params.get("ScheduledActionNames")
    found = [one for one in about(call, params, list(actions.values())) if names is None or one.name in names]
    shown, more = page(found, params)
    return {"ScheduledActions": [_described(one) for one in shown], **more}


def _described(one: Action) -> dict[str, Any]:
    answer = {
        "ScheduledActionName": one.name,
        "ScheduledActionARN": one.arn,
        "ServiceNamespace": NAMESPACE,
        "Schedule": one.schedule,
        "Timezone": one.zone,
        "ResourceId": one.target.resource,
        "ScalableDimension": one.target.dimension,
        "StartTime": one.start,
        "EndTime": one.end,
        "ScalableTargetAction": one.bounds,
        "CreationTime": one.created,
    }
    return {key: value for key, value in answer.items() if value is not None}


def due(action: Action) -> None:
    """Move the target's limits, and its capacity where it lies outside of them now."""
    target = action.target
    if target.suspended.get("ScheduledScalingSuspended"):
        return
    parts.touch()
    said = []
    if "MinCapacity" in action.bounds:
        target.minimum = action.bounds["MinCapacity"]
        said.append(f"minimum capacity was set to {target.minimum}")
    if "MaxCapacity" in action.bounds:
        target.maximum = action.bounds["MaxCapacity"]
        said.append(f"maximum capacity was set to {target.maximum}")
    engine.bring_within(target, f"scheduled action name {action.name}: {' and '.join(said)}")


def scheduled() -> Iterator[Scheduled]:
    """Every scheduled action."""
    for one in list(actions.values()):
        yield Scheduled(
            key=one.arn,
            text=f"{one.schedule} {one.zone} {one.start} {one.end}",
            expression=read(one.schedule, ZoneInfo(one.zone)),
            start=_stamp(one.start),
            end=_stamp(one.end),
            call=lambda moment, one=one: due(one),  # type: ignore[misc]
        )


def _stamp(moment: datetime | None) -> float | None:
    return None if moment is None else moment.timestamp()


Watch("scheduled scaling", scheduled).start()
