"""What tests of state machines share: training jobs that end as their names say, machines, executions."""

import json
import time
from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import pytest

from tests.support.cloud.in_process import Account, until

FIELDS = ("TrainingJobName", "RoleArn", "AlgorithmSpecification", "OutputDataConfig", "ResourceConfig")
RULES = ("events:PutTargets", "events:PutRule", "events:DescribeRule")
RUN = ("sagemaker:CreateTrainingJob", "sagemaker:DescribeTrainingJob", "sagemaker:StopTrainingJob", "sagemaker:AddTags")
TRAINING_ROLE = "arn:aws:iam::123456789012:role/machine-training"


class FakeTraining:
    """Training jobs that end as their names say, after a moment."""

    def __init__(self) -> None:
        self.jobs: dict[str, dict[str, Any]] = {}
        self.stopped: list[str] = []

    def create(self, call: Any, params: dict[str, Any]) -> dict[str, Any]:
        from embedded.operations import ServiceError

        name = params["TrainingJobName"]
        if "limit" in name:
            text = "The account-level service limit 'ml.p5.48xlarge for training job usage' is 0 Instances"
            raise ServiceError("ResourceLimitExceeded", text)
        self.jobs[name] = params | {"until": time.monotonic() + 0.3, "principal": call.principal}
        return {"TrainingJobArn": f"arn:aws:sagemaker:us-east-1:{call.account}:training-job/{name}"}

    def describe(self, call: Any, params: dict[str, Any]) -> dict[str, Any]:
        name = params["TrainingJobName"]
        ended = time.monotonic() > self.jobs[name]["until"] and "long" not in name
        status = "Stopped" if name in self.stopped else "InProgress"
        if ended:
            status = "Failed" if "fail" in name else "Stopped" if "late" in name else "Completed"
        described = {"TrainingJobName": name, "TrainingJobStatus": status, "FailureReason": "CapacityError: none left"}
        return described | ({"SecondaryStatus": "MaxRuntimeExceeded"} if "late" in name else {})

    def stop(self, call: Any, params: dict[str, Any]) -> dict[str, Any]:
        self.stopped.append(params["TrainingJobName"])
        return {}


@pytest.fixture
def training(monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeTraining]:
    from embedded import operations

    fake = FakeTraining()
    for verb in ("Create", "Describe", "Stop"):
        key = ("sagemaker", f"{verb}TrainingJob")
        monkeypatch.setitem(operations._operations, key, getattr(fake, verb.lower()))
    yield fake


@pytest.fixture(scope="module")
def role(account: Account) -> str:
    """With a name of its own in each module: moto keeps roles for the whole process."""
    return account.role(
        f"machine-role-{uuid4().hex[:8]}", "states", allow=[*RULES, *RUN, "iam:PassRole", "lambda:*", "sns:*", "logs:*"]
    )


def train_state(*more: str, **settings: Any) -> dict[str, Any]:
    parameters = {f"{field}.$": f"$.{field}" for field in (*FIELDS, "StoppingCondition", *more)}
    return {
        "Type": "Task",
        "Resource": "arn:aws:states:::sagemaker:createTrainingJob.sync",
        "Parameters": parameters,
        "End": True,
    } | settings


def request(name: str, **fields: Any) -> dict[str, Any]:
    return {
        "TrainingJobName": name,
        "RoleArn": TRAINING_ROLE,
        "AlgorithmSpecification": {"TrainingImage": "image", "TrainingInputMode": "File"},
        "OutputDataConfig": {"S3OutputPath": "s3://bucket/runs"},
        "ResourceConfig": {"InstanceType": "ml.g5.xlarge", "InstanceCount": 2, "VolumeSizeInGB": 50},
        "StoppingCondition": {"MaxRuntimeInSeconds": 3600},
    } | fields


def create(account: Account, name: str, role: str, states: dict[str, Any], **settings: Any) -> str:
    definition = json.dumps({"StartAt": next(iter(states)), "States": states})
    arn: str = account.client("stepfunctions").create_state_machine(
        name=name, roleArn=role, definition=definition, **settings
    )["stateMachineArn"]
    return arn


def run(account: Account, machine: str, given: Any = None, seconds: float = 15) -> dict[str, Any]:
    client = account.client("stepfunctions")
    arn = client.start_execution(stateMachineArn=machine, input=json.dumps(given or {}))["executionArn"]

    def ended() -> dict[str, Any] | None:
        found: dict[str, Any] = client.describe_execution(executionArn=arn)
        return None if found["status"] == "RUNNING" else found

    found: dict[str, Any] = until(ended, seconds)
    return found


def history(account: Account, execution: dict[str, Any]) -> list[str]:
    client = account.client("stepfunctions")
    events = client.get_execution_history(executionArn=execution["executionArn"])["events"]
    return [event["type"] for event in events]
