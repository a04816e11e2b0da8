"""Custom resource: starts the jobs that ask for it (`[deploy] launch = true`) when a deploy made or changed them."""

from collections.abc import Mapping, Sequence
from typing import Any

from botocore.exceptions import ClientError

from shardyard.handlers import aws
from shardyard.handlers.cfn_response import Answer, Request, custom_resource


@custom_resource
def handler(request: Request) -> Answer:
    """Start what is new or changed; a removed job is not stopped, its execution is a person's to end."""
    if request.kind != "Delete":
        before = _digests(request.old_properties.get("Machines", []))
        start(aws.clients("stepfunctions"), _digests(request.properties["Machines"]), before)
    return Answer(physical_id="launches")


def _digests(machines: Sequence[Mapping[str, str]]) -> dict[str, str]:
    return {machine["Arn"]: machine["Digest"] for machine in machines}


def start(states: Any, machines: Mapping[str, str], before: Mapping[str, str]) -> list[str]:
    """Start each machine whose digest differs from before; say which."""
    started = []
    for arn, digest in machines.items():
        if before.get(arn) == digest:
            continue
        try:
            # CloudFormation may ask twice: the same name and input are one execution, not two.
            states.start_execution(stateMachineArn=arn, name=f"deploy-{digest[:32]}", input="{}")
        except ClientError as error:
            if aws.error_code(error) != "ExecutionAlreadyExists":
                raise
        started.append(arn)
    return started
