"""The state of a search whose task is Step Functions' own: it waits in one branch and is looked at in another."""

import json
from typing import Any

import pytest

from shardyard.jobs.tuning.states import TUNE, search_definition
from tests.support.clouds.training_cloud import TRUST, TrainingCloud, wait_until
from tests.support.clouds.tuning_cloud import config, definition

pytestmark = pytest.mark.slow

FIELDS = ("HyperParameterTuningJobConfig", "HyperParameterTuningJobName", "TrainingJobDefinition")
ALLOW = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}


def searching() -> dict[str, Any]:
    """Our state, with the service's own description in place of the function that looks."""
    given = {"register": False, "retrain": False, "tells": False, "launch": {}}
    text = search_definition(job="tiny", task=TUNE, request_fields=FIELDS, second_path=False, **given)
    state: dict[str, Any] = json.loads(text.replace("${Partition}", "aws"))["States"]["Search"]
    look = state["Branches"][1]["States"]["Look"]
    look |= {
        "Resource": "arn:aws:states:::aws-sdk:sagemaker:describeHyperParameterTuningJob",
        "Parameters": {"HyperParameterTuningJobName.$": "$.launch.request.HyperParameterTuningJobName"},
        "ResultSelector": dict(TUNE.answer),
    }
    return state


def execute(cloud: TrainingCloud, request: dict[str, Any]) -> Any:
    """Run a machine of that state alone; what it hands on."""
    iam, machines = cloud.client("iam"), cloud.client("stepfunctions")
    name = f"search-{request['HyperParameterTuningJobName']}"
    trust = json.dumps(TRUST).replace("sagemaker.", "states.")
    role = iam.create_role(RoleName=name, AssumeRolePolicyDocument=trust)["Role"]["Arn"]
    iam.put_role_policy(RoleName=name, PolicyName="all", PolicyDocument=json.dumps(ALLOW))
    states = {"Search": searching(), "Classify": {"Type": "Succeed"}}
    text = json.dumps({"StartAt": "Search", "States": states})
    machine = machines.create_state_machine(name=name, roleArn=role, definition=text)["stateMachineArn"]
    given = {"launch": {"request": request, "plan": {"poll_seconds": 1}}}
    arn = machines.start_execution(stateMachineArn=machine, input=json.dumps(given))["executionArn"]
    wait_until(lambda: machines.describe_execution(executionArn=arn)["status"] != "RUNNING", 300, "the execution's end")
    said = machines.describe_execution(executionArn=arn)
    assert said["status"] == "SUCCEEDED", said
    return json.loads(said["output"])


def test_both_branches_end_with_the_search(cloud: TrainingCloud, image: str) -> None:
    request = {
        "HyperParameterTuningJobName": "watched",
        "HyperParameterTuningJobConfig": config(),
        "TrainingJobDefinition": definition(cloud, image),
    }
    job = execute(cloud, request)["job"]
    # moto gives a list for `$[0].Field` (its #7825), where a definite path gives the value
    said = {field: value[0] if isinstance(value, list) else value for field, value in job.items()}
    assert said == {"HyperParameterTuningJobName": "watched", "HyperParameterTuningJobStatus": "Completed"}


def test_a_search_that_is_refused_ends_the_look_too(cloud: TrainingCloud, image: str) -> None:
    request = {
        "HyperParameterTuningJobName": "refused",
        "HyperParameterTuningJobConfig": {**config(), "Strategy": "Hyperband"},
        "TrainingJobDefinition": definition(cloud, image, StaticHyperParameters={}),
    }
    failure = execute(cloud, request)["failure"]
    assert "SageMaker" in failure["Error"] and failure["Cause"]
