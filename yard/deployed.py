"""What is deployed of a job: its definition and the deploy's facts, read back from its state machine."""

import json
from dataclasses import dataclass
from typing import Any

from shardyard.spec.job import JobSpec
from shardyard.spec.overrides import apply_parameters
from shardyard.spec.request import Deployment
from yard import runs
from yard.aws import Aws


@dataclass(frozen=True, kw_only=True, slots=True)
class Deployed:
    """One deployed job."""

    spec: JobSpec
    """The definition as it was deployed, with the stack's parameters laid over it."""
    deployment: Deployment
    """Buckets, role, image, network and keys."""
    sources: dict[str, str]
    """Who had the last word on each value."""


def read(aws: Aws, job: str) -> Deployed:
    """Read a job back from its state machine; an error says how to deploy it where it is not."""
    from botocore.exceptions import ClientError

    try:
        machine = aws.client("stepfunctions").describe_state_machine(stateMachineArn=aws.state_machine_arn(job))
    except ClientError as error:
        raise runs.not_deployed(aws, job, error) from None
    launch: dict[str, Any] = json.loads(machine["definition"])["States"]["Preflight"]["Parameters"]["Payload"]
    spec, sources = apply_parameters(JobSpec.from_dict(launch["definition"]), launch["parameters"])
    return Deployed(spec=spec, deployment=Deployment.from_dict(launch["deployment"]), sources=sources)
