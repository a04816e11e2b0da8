"""Scheduler: a schedule's target is called, again where that fails, and at last its dead-letter queue hears of it."""

import json
import logging
import threading
import time
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError
from moto.scheduler.models import Schedule

from embedded import clock
from embedded.access import roles
from embedded.bus import sdk_names
from embedded.bus.deliveries import deliver
from embedded.operations import ServiceError

SERVICE = "scheduler.amazonaws.com"
SDK = "arn:aws:scheduler:::aws-sdk:"
"""What a target's ARN begins with that is an operation of any service."""
_FIRST_WAIT_SECONDS, _LONGEST_WAIT_SECONDS = 60.0, 3600.0
"""Between two tries; the service says that its waits grow, and no figure."""

log = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True, slots=True)
class Invocation:
    """One call that a schedule asks for, however often it is tried."""

    schedule: Schedule
    account: str
    region: str
    due: str
    """When, as the service writes it."""
    execution_id: str


def invoke(schedule: Schedule, account: str, region: str) -> None:
    """Call the target, in the background."""
    due = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
    one = Invocation(schedule=schedule, account=account, region=region, due=due, execution_id=str(uuid.uuid4()))
    threading.Thread(target=_tries, args=(one,), name=f"schedule {schedule.name}", daemon=True).start()


def _tries(one: Invocation) -> None:
    policy = one.schedule.target.get("RetryPolicy", {})
    most, age = int(policy.get("MaximumRetryAttempts", 185)), float(policy.get("MaximumEventAgeInSeconds", 86400))
    began, wait, attempt = clock.seconds(), _FIRST_WAIT_SECONDS, 1
    while (problem := _try(one, attempt)) is not None:
        log.warning("schedule %s: %s", one.schedule.name, problem)
        if attempt > most or clock.seconds() + wait - began > age:
            _give_up(one, problem, attempt)
            return
        clock.sleep(wait)
        wait, attempt = min(2 * wait, _LONGEST_WAIT_SECONDS), attempt + 1


def _try(one: Invocation, attempt: int) -> str | None:
    """Call the target once; says what went wrong."""
    target = one.schedule.target
    text = _input(one, attempt)
    if target["Arn"].startswith(SDK):
        return _call(one, text)
    body: Any = text
    if ":events:" in target["Arn"] and "EventBridgeParameters" in target:
        given = target["EventBridgeParameters"]
        body = {**_event(one), "source": given["Source"], "detail-type": given["DetailType"], "detail": _json(text)}
    return deliver(
        target["Arn"],
        body,
        source=SERVICE,
        source_arn=one.schedule.arn,
        role_arn=target["RoleArn"],
        options=target,
    )


def _call(one: Invocation, text: str) -> str | None:
    target = one.schedule.target
    service, _, operation = target["Arn"].removeprefix(SDK).partition(":")
    try:
        client = roles.client_as(
            target["RoleArn"],
            service=SERVICE,
            session=one.execution_id,
            api=sdk_names.client_name(service),
            region=one.region,
        )
        method = client.meta.method_to_api_mapping
        name = next((python for python, api in method.items() if api.lower() == operation.lower()), None)
        if name is None:
            return f"{service} has no operation {operation}"
        getattr(client, name)(**(_json(text) if "Input" in target else {}))
    except (ClientError, BotoCoreError, ServiceError, TypeError) as error:
        return str(error)
    return None


def _input(one: Invocation, attempt: int) -> str:
    text = one.schedule.target.get("Input")
    if text is None:
        return json.dumps(_event(one))
    words = {
        "<aws.scheduler.schedule-arn>": one.schedule.arn,
        "<aws.scheduler.scheduled-time>": one.due,
        "<aws.scheduler.execution-id>": one.execution_id,
        "<aws.scheduler.attempt-number>": str(attempt),
    }
    for word, value in words.items():
        text = text.replace(word, value)
    return str(text)


def _event(one: Invocation) -> dict[str, Any]:
    return {
        "version": "0",
        "id": one.execution_id,
        "detail-type": "Scheduled Event",
        "source": "aws.scheduler",
        "account": one.account,
        "time": one.due,
        "region": one.region,
        "resources": [one.schedule.arn],
        "detail": "{}",
    }


def _json(text: str) -> Mapping[str, Any]:
    try:
        found: Mapping[str, Any] = json.loads(text)
    except ValueError as error:
        raise TypeError(f"the target's input is no JSON: {text[:200]}") from error
    return found


def _give_up(one: Invocation, problem: str, attempts: int) -> None:
    target = one.schedule.target
    queue = (target.get("DeadLetterConfig") or {}).get("Arn")
    if queue is not None:
        log.info("schedule %s gave up after %d tries: %s", one.schedule.name, attempts, problem)
        text = _input(one, attempts)
        deliver(queue, text, source=SERVICE, source_arn=one.schedule.arn, role_arn=target["RoleArn"])
