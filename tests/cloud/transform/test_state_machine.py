"""Our own machine on the embedded cloud: a Model made, a transform job to its end by `.sync`, the Model deleted."""

import json
from typing import Any

import pytest

from shardyard.jobs.state_machine import TRANSFORM_TASK, definition
from tests.support.clouds.training_cloud import BUCKET, wait_until
from tests.support.clouds.transform_cloud import TransformCloud

pytestmark = pytest.mark.e2e

ARN = "arn:aws:sagemaker:us-east-1:123456789012"
RULE = "arn:aws:events:us-east-1:123456789012:rule/StepFunctionsGetEventsForSageMakerTransformJobsRule"


@pytest.fixture(scope="module")
def role(cloud: TransformCloud) -> str:
    """A role that may do just what the machine does, its functions left out."""
    iam = cloud.client("iam")
    trust = {"Effect": "Allow", "Principal": {"Service": "states.amazonaws.com"}, "Action": "sts:AssumeRole"}
    made = iam.create_role(
        RoleName="machine", AssumeRolePolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [trust]})
    )["Role"]["Arn"]
    jobs = ("CreateTransformJob", "DescribeTransformJob", "StopTransformJob", "AddTags")
    allowed = [
        {"Action": [f"sagemaker:{verb}" for verb in jobs], "Resource": f"{ARN}:transform-job/*"},
        {
            "Action": ["sagemaker:CreateModel", "sagemaker:DeleteModel", "sagemaker:AddTags"],
            "Resource": f"{ARN}:model/*",
        },
        {"Action": ["events:PutTargets", "events:PutRule", "events:DescribeRule"], "Resource": RULE},
        {
            "Action": "iam:PassRole",
            "Resource": cloud.role,
            "Condition": {"StringEquals": {"iam:PassedToService": "sagemaker.amazonaws.com"}},
        },
    ]
    policy = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", **one} for one in allowed]}
    iam.put_role_policy(RoleName="machine", PolicyName="runs", PolicyDocument=json.dumps(policy))
    return str(made)


def machine(cloud: TransformCloud, role: str, request: dict[str, Any], model: dict[str, Any], name: str) -> str:
    """The machine of a job, whose functions are passes that answer what the real ones would."""
    text = definition(
        job="score",
        task=TRANSFORM_TASK,
        request_fields=sorted(request),
        launch={},
        second_path=False,
        register=False,
        tells=False,
        model_fields=sorted(model),
    )
    states = json.loads(text.replace("${Partition}", "aws"))["States"]
    plan = {"max_runtime_seconds": 3 if name == "late" else 60}
    end = {"outcome": "Completed", "error": "", "cause": ""}
    states["Preflight"] = {
        "Type": "Pass",
        "Result": {"launch": {"request": request, "model": model, "plan": plan}},
        "Next": "Accepted?",
    }
    states["Receipt"] = {"Type": "Pass", "Result": end, "ResultPath": "$.end", "Next": "Forget"}
    failed = {"outcome": "Failed", "error.$": "$.failure.Error", "cause.$": "$.failure.Cause"}
    states["Classify"] = {"Type": "Pass", "Parameters": failed, "ResultPath": "$.end", "Next": "Keep"}
    states["Keep"] = {"Type": "Pass", "Next": "Forget"}
    for gone in ("Again?", "Wait", "Broke"):
        del states[gone]
    made = cloud.client("stepfunctions").create_state_machine(
        name=name, definition=json.dumps({"StartAt": "Preflight", "States": states}), roleArn=role
    )
    return str(made["stateMachineArn"])


def model_of(cloud: TransformCloud, name: str, **environment: str) -> dict[str, Any]:
    """The CreateModel request of a launch, with its archive in S3."""
    cloud.model(f"{name}-archive", "yes")
    return {
        "ModelName": name,
        "ExecutionRoleArn": cloud.role,
        "PrimaryContainer": {
            "Image": cloud.uri("server"),
            "ModelDataUrl": f"s3://{BUCKET}/models/{name}-archive.tar.gz",
            "Environment": environment,
        },
        "EnableNetworkIsolation": False,
        "Tags": [{"Key": "run", "Value": "r"}],
    }


def ended(cloud: TransformCloud, arn: str) -> dict[str, Any]:
    client = cloud.client("stepfunctions")
    execution = client.start_execution(stateMachineArn=arn, input="{}")["executionArn"]
    wait_until(lambda: client.describe_execution(executionArn=execution)["status"] != "RUNNING", 60, "the end")
    described: dict[str, Any] = client.describe_execution(executionArn=execution)
    return described


def models(cloud: TransformCloud, name: str) -> list[str]:
    found = cloud.client("sagemaker").list_models(NameContains=name)["Models"]
    return [one["ModelName"] for one in found if one["ModelName"] == name]


def test_a_launch_leaves_results_and_no_model(cloud: TransformCloud, role: str) -> None:
    cloud.put("in/by-machine/x.csv", b"7,1\n8,2\n")
    processing = {"InputFilter": "$[1:]", "JoinSource": "Input", "OutputFilter": "$[0,-1]"}
    request = cloud.job("by-machine", "made", BatchStrategy="SingleRecord", DataProcessing=processing)
    described = ended(cloud, machine(cloud, role, request, model_of(cloud, "made"), "whole"))
    assert described["status"] == "SUCCEEDED", described
    assert cloud.results("by-machine") == {"x.csv.out": b"7,yes:1\n8,yes:2\n"}
    assert models(cloud, "made") == []


def test_a_job_that_takes_too_long_is_stopped_and_its_model_deleted(cloud: TransformCloud, role: str) -> None:
    cloud.put("in/too-long/x.csv", b"1\n" * 200)
    request = cloud.job("too-long", "late-model", BatchStrategy="SingleRecord")
    described = ended(cloud, machine(cloud, role, request, model_of(cloud, "late-model", SLOW="0.5"), "late"))
    assert (described["status"], described["error"]) == ("FAILED", "States.Timeout")
    assert cloud.transformed("too-long")["TransformJobStatus"] == "Stopped"
    assert models(cloud, "late-model") == []
