"""The sweeper: finds leftovers on a schedule or on request, notifies people, and stops what the settings allow."""

import os
from collections.abc import Collection, Mapping
from datetime import UTC, datetime
from typing import Any

from botocore.exceptions import ClientError

from shardyard.handlers import aws
from shardyard.handlers.watching.sweep.finders import find_all
from shardyard.handlers.watching.sweep.leftover import Leftover, Limits

_DONE = {"endpoint": "deleted", "warm pool": "ended"}
"""The verb for stopping each kind; by default "stopped"."""


def handler(event: Mapping[str, Any], context: object) -> dict[str, Any]:
    """Lambda's entry. On request it stops only with `stop: true`; on schedule, as the settings say."""
    settings = os.environ
    limits = Limits(
        project=settings["PROJECT"],
        stage=settings["STAGE"],
        notebook_hours=int(settings["NOTEBOOK_HOURS"]),
        endpoint_idle_hours=int(settings["ENDPOINT_IDLE_HOURS"]),
        job_hours=int(settings["JOB_HOURS"]),
        warm_pool_minutes=int(settings["WARM_POOL_MINUTES"]),
    )
    allowed = [kind for kind in settings["MAY_STOP"].split(",") if kind]
    stops = allowed if event.get("stop", True) is True else []
    return sweep(aws.clients, limits, datetime.now(UTC), stops=stops, topic_arn=settings["TOPIC_ARN"])


def sweep(
    clients: aws.Clients, limits: Limits, now: datetime, *, stops: Collection[str], topic_arn: str
) -> dict[str, Any]:
    """Find leftovers, stop the kinds in `stops`, and notify people if there are any."""
    rows = []
    for leftover in find_all(clients, limits, now):
        action = _stop(leftover) if leftover.kind in stops else "reported"
        rows.append({"kind": leftover.kind, "name": leftover.name, "why": leftover.why, "action": action})
    if rows:
        subject = f"{limits.project} ({limits.stage}): {len(rows)} leftover{'' if len(rows) == 1 else 's'}"
        clients("sns").publish(TopicArn=topic_arn, Subject=subject[:99], Message=_text(rows))
    return {"findings": rows, "stops": bool(stops)}


def _stop(leftover: Leftover) -> str:
    """Stop one leftover; a failure becomes its action, so that the others and the message still follow."""
    assert leftover.stop is not None, leftover.kind
    try:
        leftover.stop()
    except ClientError as error:
        return f"not stopped: {error.response['Error'].get('Message', error)}"
    return _DONE.get(leftover.kind, "stopped")


def _text(rows: list[dict[str, str]]) -> str:
    lines = [f"- {row['kind']} {row['name']}: {row['why']} ({row['action']})" for row in rows]
    return "\n".join(
        ["These resources bill or are left over:", *lines, "", "Look again, or stop them: yard sweep --stop"]
    )
