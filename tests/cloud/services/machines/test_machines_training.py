"""Step Functions on the embedded cloud: training jobs by `.sync`, with the service's own refusals."""

import json

import pytest
from botocore.exceptions import ClientError

from tests.support.cloud.in_process import Account, account, until
from tests.support.cloud.machines import (
    RULES,
    RUN,
    TRAINING_ROLE,
    FakeTraining,
    create,
    history,
    request,
    role,
    run,
    train_state,
    training,
)

__all__ = ["account", "role", "training"]


def test_a_training_job_runs_to_its_description(account: Account, role: str, training: FakeTraining) -> None:
    ended = run(account, create(account, "trains", role, {"Train": train_state()}), request("good"))
    assert ended["status"] == "SUCCEEDED"
    assert json.loads(ended["output"])["TrainingJobStatus"] == "Completed"
    job = training.jobs["good"]
    name = role.rsplit("/", 1)[1]
    assert job["principal"].startswith(f"arn:aws:sts::123456789012:assumed-role/{name}/")
    assert job["RoleArn"] == TRAINING_ROLE, "moto 5.2.5 loses the key RoleArn.$ of a payload"
    assert {"Key": "MANAGED_BY_AWS", "Value": "STARTED_BY_STEP_FUNCTIONS"} in job["Tags"]
    types = history(account, ended)
    assert types[:5] == ["ExecutionStarted", "TaskStateEntered", "TaskScheduled", "TaskStarted", "TaskSubmitted"]
    assert types[-1] == "ExecutionSucceeded"


def test_a_failed_job_arrives_as_task_failed_with_its_description(
    account: Account, role: str, training: FakeTraining
) -> None:
    ended = run(account, create(account, "fails", role, {"Train": train_state()}), request("fails"))
    assert (ended["status"], ended["error"]) == ("FAILED", "States.TaskFailed")
    assert json.loads(ended["cause"])["FailureReason"] == "CapacityError: none left"


@pytest.mark.parametrize(
    ("spelling", "error"),
    [("modelled", "SageMaker.ResourceLimitExceededException"), ("generic", "SageMaker.AmazonSageMakerException")],
)
def test_a_limit_arrives_in_both_spellings(
    account: Account, role: str, training: FakeTraining, monkeypatch: pytest.MonkeyPatch, spelling: str, error: str
) -> None:
    from embedded.services.stepfunctions.options import options

    monkeypatch.setattr(options, "limit_error", spelling)
    ended = run(account, create(account, f"limit-{spelling}", role, {"Train": train_state()}), request("limit"))
    assert ended["error"] == error
    assert "'ml.p5.48xlarge for training job usage' is 0 Instances" in ended["cause"]
    assert "Error Code: ResourceLimitExceeded" in ended["cause"]


def test_a_retry_runs_again_and_a_catch_goes_on(
    account: Account, role: str, training: FakeTraining, monkeypatch: pytest.MonkeyPatch
) -> None:
    from embedded import clock

    monkeypatch.setattr(clock, "_spans", list(clock._spans))
    clock.set_rate(1000)
    retry = [{"ErrorEquals": ["SageMaker.ResourceLimitExceededException"], "IntervalSeconds": 300, "MaxAttempts": 2}]
    catch = [{"ErrorEquals": ["States.ALL"], "ResultPath": "$.error", "Next": "Caught"}]
    train = train_state(Retry=retry, Catch=catch, Next="Caught")
    del train["End"]
    states = {"Train": train, "Caught": {"Type": "Pass", "OutputPath": "$.error", "End": True}}
    ended = run(account, create(account, "retries", role, states), request("limit-again"))
    assert json.loads(ended["output"])["Error"] == "SageMaker.ResourceLimitExceededException"
    assert history(account, ended).count("TaskFailed") == 3


@pytest.mark.parametrize(("reading", "status"), [("succeeds", "SUCCEEDED"), ("fails", "FAILED")])
def test_a_job_that_ran_out_of_time_is_told_as_stopped_in_both_readings(
    account: Account,
    role: str,
    training: FakeTraining,
    monkeypatch: pytest.MonkeyPatch,
    reading: str,
    status: str,
) -> None:
    from embedded.services.stepfunctions.options import options

    monkeypatch.setattr(options, "stopped_job", reading)
    ended = run(account, create(account, f"late-{reading}", role, {"Train": train_state()}), request("late"))
    assert ended["status"] == status
    described = json.loads(ended["output"] if status == "SUCCEEDED" else ended["cause"])
    assert (described["TrainingJobStatus"], described["SecondaryStatus"]) == ("Stopped", "MaxRuntimeExceeded")
    assert ended.get("error") == (None if status == "SUCCEEDED" else "States.TaskFailed")


def test_stopping_an_execution_stops_its_job(account: Account, role: str, training: FakeTraining) -> None:
    machine = create(account, "stops", role, {"Train": train_state()})
    client = account.client("stepfunctions")
    arn = client.start_execution(stateMachineArn=machine, input=json.dumps(request("long")))["executionArn"]
    until(lambda: "long" in training.jobs)
    client.stop_execution(executionArn=arn, error="Enough", cause="said so")
    described = client.describe_execution(executionArn=arn)
    assert (described["status"], described["error"]) == ("ABORTED", "Enough")
    until(lambda: "long" in training.stopped)
    until(lambda: "ExecutionAborted" in history(account, described))
    assert "TaskSucceeded" not in history(account, described)


def test_a_task_that_takes_too_long_times_out_and_its_job_is_stopped(
    account: Account, role: str, training: FakeTraining
) -> None:
    ended = run(
        account, create(account, "times-out", role, {"Train": train_state(TimeoutSeconds=1)}), request("long-2")
    )
    assert (ended["status"], ended["error"]) == ("FAILED", "States.Timeout")
    until(lambda: "long-2" in training.stopped)


def test_a_field_that_the_integration_does_not_know_is_refused_at_creation(account: Account, role: str) -> None:
    with pytest.raises(ClientError, match='The field "RetryStrategy" is not supported by Step Functions'):
        create(account, "unknown-field", role, {"Train": train_state("RetryStrategy")})


def test_a_field_that_only_the_input_brings_fails_the_execution(
    account: Account, role: str, training: FakeTraining
) -> None:
    given = request("nested", ResourceConfig={"InstanceType": "ml.g5.xlarge", "InstanceCount": "2", "Colour": "red"})
    catch = [{"ErrorEquals": ["States.ALL"], "Next": "Caught"}]
    states = {"Train": train_state(Catch=catch), "Caught": {"Type": "Pass", "End": True}}
    ended = run(account, create(account, "nested-field", role, states), given)
    assert (ended["status"], ended["error"]) == ("FAILED", "States.Runtime"), "nothing catches States.Runtime"
    assert 'The field "Colour" is not supported by Step Functions' in ended["cause"]
    assert "The value for the field 'InstanceCount' must be an INTEGER" in ended["cause"]


def test_a_missing_field_is_said(account: Account, role: str, training: FakeTraining) -> None:
    train = train_state()
    del train["Parameters"]["OutputDataConfig.$"]
    ended = run(account, create(account, "missing-field", role, {"Train": train}), request("missing"))
    assert 'The field "OutputDataConfig" is required but was missing' in ended["cause"]


def test_a_role_without_the_managed_rule_is_refused(account: Account) -> None:
    role = account.role("no-rule", "states", allow=[*RUN, "iam:PassRole"])
    with pytest.raises(ClientError, match=r"is not authorized to create managed-rule.*events:PutTargets"):
        create(account, "no-rule", role, {"Train": train_state()})


def test_a_role_that_step_functions_may_not_assume_is_refused(account: Account) -> None:
    role = account.role("no-states", "lambda")
    with pytest.raises(ClientError, match="Neither the global service principal"):
        create(account, "no-states", role, {"Train": train_state()})


@pytest.mark.parametrize("lacking", ["sagemaker:StopTrainingJob", "sagemaker:AddTags", "iam:PassRole"])
def test_every_documented_action_is_needed(account: Account, training: FakeTraining, lacking: str) -> None:
    name = f"lacks-{lacking.split(':')[1]}"
    actions = [action for action in (*RULES, *RUN, "iam:PassRole") if action != lacking]
    role = account.role(name, "states", allow=actions)
    ended = run(account, create(account, name, role, {"Train": train_state()}), request(name))
    assert ended["error"] == "SageMaker.AmazonSageMakerException"
    assert f"{lacking} on" in ended["cause"]
    assert name not in training.jobs
