"""Custom resource: starts jobs with `[deploy] launch = true` when a deploy creates or changes them."""

import time
from collections.abc import Mapping, Sequence
from typing import Any

from botocore.exceptions import ClientError

from shardyard.handlers import aws
from shardyard.handlers.cfn_response import Answer, Request, custom_resource


@custom_resource
def handler(request: Request) -> Answer:
    """Start new and changed jobs; a removed job's execution is left running."""
    if request.kind != "Delete":
        before = _digests(request.old_properties.get("Machines", []))
        start(aws.clients("stepfunctions"), _digests(request.properties["Machines"]), before, time.time())
    return Answer(physical_id="launches")


def _digests(machines: Sequence[Mapping[str, str]]) -> dict[str, str]:
    return {machine["Arn"]: machine["Digest"] for machine in machines}


def start(states: Any, machines: Mapping[str, str], before: Mapping[str, str], now: float) -> list[str]:
    """Start each state machine whose digest has changed; return their names."""
    started = []
    for arn, digest in machines.items():
        if before.get(arn) == digest:
            continue
        try:
            # CloudFormation may ask twice: the same name and input are one execution, not two. The hour is in the
            # name because a definition may return to an earlier one, which must then be launched again.
            name = f"deploy-{digest[:32]}-{now // 3600:.0f}"
            states.start_execution(stateMachineArn=arn, name=name, input="{}")
        except ClientError as error:
            if aws.error_code(error) != "ExecutionAlreadyExists":
                raise
        started.append(arn)
    return started
