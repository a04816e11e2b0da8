"""The sweeper: looks for leftovers on a schedule or when asked, tells people, and stops what the settings allow."""

import os
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from shardyard.handlers import aws
from shardyard.handlers.sweep.finders import Limits, find_all


def handler(event: Mapping[str, Any], context: object) -> dict[str, Any]:
    """Lambda's entry. Asked by a person, it stops only with `stop: true`; by the schedule, as the settings say."""
    settings = os.environ
    limits = Limits(
        project=settings["PROJECT"],
        stage=settings["STAGE"],
        notebook_hours=int(settings["NOTEBOOK_HOURS"]),
        endpoint_idle_hours=int(settings["ENDPOINT_IDLE_HOURS"]),
        job_hours=int(settings["JOB_HOURS"]),
    )
    may_stop = settings["MAY_STOP"] == "true"
    wants_stop = event.get("stop", True) is True
    return sweep(aws.clients, limits, datetime.now(UTC), stop=may_stop and wants_stop, topic_arn=settings["TOPIC_ARN"])


def sweep(clients: aws.Clients, limits: Limits, now: datetime, *, stop: bool, topic_arn: str) -> dict[str, Any]:
    """Find, stop where that is allowed, and tell people where there is something to tell."""
    rows = []
    for finding in find_all(clients, limits, now):
        action = "reported"
        if stop and finding.stop is not None:
            finding.stop()
            action = "deleted" if finding.kind == "endpoint" else "stopped"
        rows.append({"kind": finding.kind, "name": finding.name, "why": finding.why, "action": action})
    if rows:
        subject = f"{limits.project} ({limits.stage}): {len(rows)} leftover{'' if len(rows) == 1 else 's'}"
        clients("sns").publish(TopicArn=topic_arn, Subject=subject[:99], Message=_text(rows))
    return {"findings": rows, "stops": stop}


def _text(rows: list[dict[str, str]]) -> str:
    lines = [f"- {row['kind']} {row['name']}: {row['why']} ({row['action']})" for row in rows]
    return "\n".join(["These bill, or are left over:", *lines, "", "Look again, or stop them: yard sweep --stop"])
