"""What CloudTrail's event history tells: who started an execution, who made a job. It reaches back 90 days."""

import json
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

from shardyard.spec.catalogue.service_jobs import AUTOML, PROCESSING, TRAINING, TRANSFORM, ServiceJob
from yard.aws import Aws


class Trail:
    """The event history since a moment, where it may be read; `missing` says why it is not, in words."""

    def __init__(self, aws: Aws, since: datetime) -> None:
        from botocore.exceptions import BotoCoreError, ClientError

        self._executions: dict[str, str] = {}
        self._jobs: dict[tuple[str, str], str] = {}
        self.missing = ""
        client = aws.client("cloudtrail")
        try:
            for event in _events(client, "StartExecution", since):
                arn = _of(event, "responseElements").get("executionArn")
                if isinstance(arn, str):
                    self._executions[arn] = _actor(event)
            for of in (TRAINING, PROCESSING, TRANSFORM, AUTOML):
                for event in _events(client, of.actions("Create")[0].partition(":")[2], since):
                    name = _of(event, "requestParameters").get(of.name_field[0].lower() + of.name_field[1:])
                    if isinstance(name, str):
                        self._jobs[of.kind, name] = _actor(event)
        except (BotoCoreError, ClientError) as error:
            self.missing = f"CloudTrail could not be read ({error})"

    def who_started(self, execution_arn: str) -> str | None:
        """The ARN of whoever started an execution."""
        return self._executions.get(execution_arn)

    def who_made(self, name: str, of: ServiceJob) -> str | None:
        """The ARN of whoever made a job."""
        return self._jobs.get((of.kind, name))


def _events(client: Any, name: str, since: datetime) -> Iterator[Mapping[str, Any]]:
    wanted = [{"AttributeKey": "EventName", "AttributeValue": name}]
    for page in client.get_paginator("lookup_events").paginate(LookupAttributes=wanted, StartTime=since):
        for event in page["Events"]:
            found = json.loads(event["CloudTrailEvent"])
            if "errorCode" not in found:  # a call that was refused started nothing
                yield found


def _of(event: Mapping[str, Any], part: str) -> Mapping[str, Any]:
    found = event.get(part)
    return found if isinstance(found, Mapping) else {}


def _actor(event: Mapping[str, Any]) -> str:
    """The caller's ARN; a service of AWS has none."""
    identity = _of(event, "userIdentity")
    return str(identity.get("arn", identity.get("invokedBy", identity.get("type", "unknown"))))
