"""Step Functions on the embedded cloud runs processing jobs by `.sync`, to their description or their failure."""

import json
from typing import Any

import pytest

from tests.support.clouds.processing_cloud import ProcessingCloud
from tests.support.clouds.training_cloud import wait_until

RULE = "arn:aws:events:us-east-1:123456789012:rule/StepFunctionsGetEventsForSageMakerProcessingJobsRule"
JOBS = "arn:aws:sagemaker:us-east-1:123456789012:processing-job/*"


@pytest.fixture(scope="module")
def machine(cloud: ProcessingCloud) -> str:
    """A machine with one state, whose role may do just what the integration is documented to need."""
    iam = cloud.client("iam")
    trust = {"Effect": "Allow", "Principal": {"Service": "states.amazonaws.com"}, "Action": "sts:AssumeRole"}
    role = iam.create_role(
        RoleName="machine", AssumeRolePolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [trust]})
    )["Role"]["Arn"]
    verbs = ("CreateProcessingJob", "DescribeProcessingJob", "StopProcessingJob", "AddTags")
    allowed = [
        {"Action": [f"sagemaker:{verb}" for verb in verbs], "Resource": JOBS},
        {"Action": ["events:PutTargets", "events:PutRule", "events:DescribeRule"], "Resource": RULE},
        {
            "Action": "iam:PassRole",
            "Resource": cloud.role,
            "Condition": {"StringEquals": {"iam:PassedToService": "sagemaker.amazonaws.com"}},
        },
    ]
    policy = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", **one} for one in allowed]}
    iam.put_role_policy(RoleName="machine", PolicyName="runs", PolicyDocument=json.dumps(policy))
    names = ("ProcessingJobName", "AppSpecification", "RoleArn", "ProcessingResources", "StoppingCondition")
    state = {
        "Type": "Task",
        "Resource": "arn:aws:states:::sagemaker:createProcessingJob.sync",
        "Parameters": {f"{name}.$": f"$.{name}" for name in names},
        "End": True,
    }
    definition = json.dumps({"StartAt": "Process", "States": {"Process": state}})
    made = cloud.client("stepfunctions").create_state_machine(name="process", definition=definition, roleArn=role)
    return str(made["stateMachineArn"])


def execute(cloud: ProcessingCloud, machine: str, request: dict[str, Any]) -> str:
    started = cloud.client("stepfunctions").start_execution(stateMachineArn=machine, input=json.dumps(request))
    return str(started["executionArn"])


def ended(cloud: ProcessingCloud, execution: str) -> dict[str, Any]:
    client = cloud.client("stepfunctions")
    wait_until(lambda: client.describe_execution(executionArn=execution)["status"] != "RUNNING", 60, "the end")
    described: dict[str, Any] = client.describe_execution(executionArn=execution)
    return described


def test_a_job_runs_to_its_description(cloud: ProcessingCloud, machine: str) -> None:
    program = "open('/opt/ml/output/message', 'w').write('40 of 41 rows kept')"
    execution = execute(cloud, machine, cloud.request("by-machine", cloud.image("message", program)))
    described = ended(cloud, execution)
    assert described["status"] == "SUCCEEDED", described
    output = json.loads(described["output"])
    assert (output["ProcessingJobStatus"], output["ExitMessage"]) == ("Completed", "40 of 41 rows kept")
    assert isinstance(output["ProcessingEndTime"], int), "times are in milliseconds"
    tags = cloud.client("sagemaker").list_tags(ResourceArn=output["ProcessingJobArn"])["Tags"]
    assert tags == [{"Key": "MANAGED_BY_AWS", "Value": "STARTED_BY_STEP_FUNCTIONS"}]
    events = cloud.client("stepfunctions").get_execution_history(executionArn=execution)["events"]
    types = [event["type"] for event in events]
    assert types[2:6] == ["TaskScheduled", "TaskStarted", "TaskSubmitted", "TaskSucceeded"]


def test_a_failed_job_is_task_failed_with_its_description(cloud: ProcessingCloud, machine: str) -> None:
    described = ended(
        cloud, execute(cloud, machine, cloud.request("fails", cloud.image("fails", "raise SystemExit(3)")))
    )
    assert (described["status"], described["error"]) == ("FAILED", "States.TaskFailed")
    assert json.loads(described["cause"])["FailureReason"] == "AlgorithmError: , exit code: 3"


def test_a_refused_request_is_the_services_exception(cloud: ProcessingCloud, machine: str) -> None:
    request = cloud.request("refused", "docker.io/x:1")
    described = ended(cloud, execute(cloud, machine, request))
    assert (described["status"], described["error"]) == ("FAILED", "SageMaker.AmazonSageMakerException")
    assert "is not an image of Amazon ECR" in described["cause"]


def test_a_stopped_execution_stops_its_job(cloud: ProcessingCloud, machine: str) -> None:
    program = "import time; print('ready', flush=True); time.sleep(60)"
    execution = execute(cloud, machine, cloud.request("left", cloud.image("waits", program)))
    cloud.wait_for_line("left", "ready")
    cloud.client("stepfunctions").stop_execution(executionArn=execution)
    # Python ends by SIGINT with a trace and 1, but it was asked to stop
    assert cloud.finished("left")["ProcessingJobStatus"] == "Stopped"
