"""Scales: while an alarm of a policy is in ALARM, after a schedule, and where a target's limits have moved.

CloudWatch tells of a change of an alarm's state once; while the state stays, the policy is asked again every minute, as
on AWS. A change that SageMaker does not take now, because another one goes on, is asked for again then.
"""

import logging
import threading
import time
from datetime import UTC, datetime
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from embedded import clock
from embedded.bus import metrics
from embedded.clients import client
from embedded.kept import parts
from embedded.services.applicationautoscaling import capacity, decisions
from embedded.services.applicationautoscaling.records import Activity, Policy, Target, activities, lock, policies

EVERY_SECONDS = 60.0
"""How often a policy is asked again while its alarm stays in ALARM."""
_LOOK_SECONDS = 0.25
_MOST_ACTIVITIES = 2000
_SETTLE_SECONDS = 0.2

log = logging.getLogger(__name__)


def act(policy: Policy, alarm: dict[str, Any], now: float) -> None:
    """Do what a policy asks for, now that its alarm is in ALARM."""
    target = policy.target
    name = alarm["AlarmName"]
    with lock:
        last = policy.acted.get(name)
        if last is not None and now - last < EVERY_SECONDS:
            return
        policy.acted[name] = now
    value = metrics.newest(target.account, target.region, name)
    found = capacity.read(target)
    if value is None or found is None or not found.is_settled:
        return
    wanted = _wanted(policy, alarm, found.desired, value)
    if wanted is not None:
        cause = f"monitor alarm {name} in state ALARM triggered policy {policy.name}"
        _scale(target, policy, found.desired, wanted, cause, now)


def _wanted(policy: Policy, alarm: dict[str, Any], current: int, value: float) -> int | None:
    if policy.kind == "StepScaling":
        return decisions.stepped(policy.config, current, value, float(alarm["Threshold"]))
    wanted = decisions.tracked(current, value, float(policy.config["TargetValue"]))
    outwards = alarm["ComparisonOperator"].startswith("Greater")
    if outwards:
        return max(wanted, current + 1)
    # scaled in only when every policy that tracks a target agrees
    others = [one for one in policies.values() if one.target is policy.target and one is not policy]
    for other in others:
        if other.kind == "TargetTrackingScaling" and not other.config.get("DisableScaleIn") and not _is_low(other):
            return None
    return min(wanted, current)


def _is_low(policy: Policy) -> bool:
    api = client("cloudwatch", policy.target.account, policy.target.region)
    low = [name for name in policy.alarms if "-AlarmLow-" in name]
    found = api.describe_alarms(AlarmNames=low)["MetricAlarms"] if low else []
    return bool(found) and all(one["StateValue"] == "ALARM" for one in found)


def _scale(target: Target, policy: Policy, current: int, wanted: int, cause: str, now: float) -> None:
    bounded = decisions.clamped(wanted, target.minimum, target.maximum)
    outwards = bounded > current
    if bounded == current:
        reason = decisions.why_not(wanted, current, target.minimum, target.maximum)
        _note(Activity(target=target, description="Not scaled", cause=cause, status="Unfulfilled", not_scaled=[reason]))
        return
    if target.suspended.get("DynamicScalingOutSuspended" if outwards else "DynamicScalingInSuspended"):
        return
    out, inwards = decisions.cooldowns(policy.kind, policy.config)
    if decisions.is_cooling(target.out_at if outwards else target.in_at, out if outwards else inwards, now):
        return
    change(target, bounded, cause, now, outwards=outwards)


def change(target: Target, wanted: int, cause: str, now: float, *, outwards: bool) -> None:
    """Ask SageMaker for another capacity, and keep an activity of it."""
    activity = Activity(target=target, description=f"Setting {capacity.noun(target)} to {wanted}.", cause=cause)
    _note(activity)
    try:
        capacity.write(target, wanted)
    except (ClientError, BotoCoreError) as error:
        _end(activity, "Failed", f"Failed to set {capacity.noun(target)} to {wanted}. Reason: {error}")
        return
    if outwards:
        target.out_at = now
    else:
        target.in_at = now
    threading.Thread(target=_settle, args=(activity, wanted), name="scaling", daemon=True).start()


def _settle(activity: Activity, wanted: int) -> None:
    while True:
        time.sleep(_SETTLE_SECONDS)
        try:
            found = capacity.read(activity.target)
        except BotoCoreError:  # the cloud ends
            return
        if found is None or found.is_settled:
            break
    said = capacity.noun(activity.target)
    if found is not None and found.desired == wanted:
        _end(
            activity, "Successful", f"Successfully set {said} to {wanted}. Change successfully fulfilled by sagemaker."
        )
    else:
        _end(activity, "Failed", f"Failed to set {said} to {wanted}: the endpoint did not reach it.")


def bring_within(target: Target, cause: str) -> None:
    """Where a target's capacity lies outside of its limits, change it."""
    found = capacity.read(target)
    if found is None:
        return
    wanted = decisions.clamped(found.desired, target.minimum, target.maximum)
    if wanted != found.desired:
        change(target, wanted, cause, clock.calendar(), outwards=wanted > found.desired)


def _note(activity: Activity) -> None:
    with lock:
        activities.append(activity)
        del activities[:-_MOST_ACTIVITIES]
        if activity.status != "InProgress":
            activity.ended = datetime.now(UTC)
    parts.touch()


def _end(activity: Activity, status: str, message: str) -> None:
    with lock:
        activity.status, activity.message, activity.ended = status, message, datetime.now(UTC)
    parts.touch()


def look() -> None:
    """Ask every policy whose alarm is in ALARM."""
    places = {(one.target.account, one.target.region) for one in list(policies.values())}
    for account, region in places:
        by_arn = {one.arn: one for one in list(policies.values())}
        pages = client("cloudwatch", account, region).get_paginator("describe_alarms").paginate(StateValue="ALARM")
        for alarm in [one for page in pages for one in page["MetricAlarms"]]:
            for arn in alarm.get("AlarmActions", ()) if alarm.get("ActionsEnabled", True) else ():
                if arn in by_arn:
                    act(by_arn[arn], alarm, clock.calendar())


def _look_again_and_again() -> None:
    while True:
        time.sleep(max(_LOOK_SECONDS, min(1.0, clock.real(EVERY_SECONDS / 4))))
        if policies:
            try:
                look()
            except Exception:
                log.exception("a look at the alarms of policies failed")


threading.Thread(target=_look_again_and_again, name="scaling policies", daemon=True).start()
