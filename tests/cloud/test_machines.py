"""Step Functions on the embedded cloud: machines execute, in their role's name, with the service's own refusals."""

import json
import time
from collections.abc import Iterator
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.cloud.in_process import Account, account, policy, until

__all__ = ["account"]

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
        from yard.cloud.registry import ServiceError

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
    from yard.cloud import registry

    fake = FakeTraining()
    for verb in ("Create", "Describe", "Stop"):
        key = ("sagemaker", f"{verb}TrainingJob")
        monkeypatch.setitem(registry._operations, key, getattr(fake, verb.lower()))
    yield fake


@pytest.fixture(scope="module")
def role(account: Account) -> str:
    return account.role("machine-role", "states", allow=[*RULES, *RUN, "iam:PassRole", "lambda:*", "sns:*", "logs:*"])


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


def test_a_training_job_runs_to_its_description(account: Account, role: str, training: FakeTraining) -> None:
    ended = run(account, create(account, "trains", role, {"Train": train_state()}), request("good"))
    assert ended["status"] == "SUCCEEDED"
    assert json.loads(ended["output"])["TrainingJobStatus"] == "Completed"
    job = training.jobs["good"]
    assert job["principal"].startswith("arn:aws:sts::123456789012:assumed-role/machine-role/")
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
    from yard.cloud.machines.options import options

    monkeypatch.setattr(options, "limit_error", spelling)
    ended = run(account, create(account, f"limit-{spelling}", role, {"Train": train_state()}), request("limit"))
    assert ended["error"] == error
    assert "'ml.p5.48xlarge for training job usage' is 0 Instances" in ended["cause"]
    assert "Error Code: ResourceLimitExceeded" in ended["cause"]


def test_a_retry_runs_again_and_a_catch_goes_on(
    account: Account, role: str, training: FakeTraining, monkeypatch: pytest.MonkeyPatch
) -> None:
    from yard.cloud.machines.options import options

    monkeypatch.setattr(options, "wait_scale", 0.001)
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
    from yard.cloud.machines.options import options

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


def test_functions_choices_waits_maps_and_branches(account: Account, role: str) -> None:
    function_role = account.role("machine-function", "lambda")
    function = account.function("doubles", "def handler(event, context): return event['n'] * 2", function_role)
    double = {
        "Type": "Task",
        "Resource": "arn:aws:states:::lambda:invoke",
        "Parameters": {"FunctionName": function, "Payload": {"n.$": "$"}},
        "OutputPath": "$.Payload",
        "End": True,
    }
    states = {
        "Each": {
            "Type": "Map",
            "ItemsPath": "$.numbers",
            "ItemProcessor": {"StartAt": "Double", "States": {"Double": double}},
            "ResultPath": "$.doubled",
            "Next": "Many?",
        },
        "Many?": {
            "Type": "Choice",
            "Choices": [{"Variable": "$.doubled[1]", "NumericGreaterThan": 3, "Next": "Wait"}],
            "Default": "Few",
        },
        "Few": {"Type": "Fail", "Error": "Few"},
        "Wait": {"Type": "Wait", "Seconds": 1, "Next": "Both"},
        "Both": {
            "Type": "Parallel",
            "Branches": [
                {"StartAt": "A", "States": {"A": {"Type": "Pass", "OutputPath": "$.doubled[0]", "End": True}}},
                {"StartAt": "B", "States": {"B": {"Type": "Pass", "OutputPath": "$.doubled[1]", "End": True}}},
            ],
            "End": True,
        },
    }
    begun = time.monotonic()
    ended = run(account, create(account, "flows", role, states), {"numbers": [1, 2]})
    assert (ended["status"], json.loads(ended["output"])) == ("SUCCEEDED", [2, 4])
    assert time.monotonic() - begun > 1


def test_a_functions_own_error_can_be_caught_by_name(account: Account, role: str) -> None:
    function_role = account.role("machine-raises", "lambda")
    code = "class Refused(Exception): pass\ndef handler(event, context): raise Refused('too dear')"
    function = account.function("refuses", code, function_role)
    call = {
        "Type": "Task",
        "Resource": "arn:aws:states:::lambda:invoke",
        "Parameters": {"FunctionName": function},
        "Catch": [{"ErrorEquals": ["Refused"], "Next": "Caught"}],
        "End": True,
    }
    ended = run(account, create(account, "catches", role, {"Call": call, "Caught": {"Type": "Pass", "End": True}}))
    assert json.loads(json.loads(ended["output"])["Cause"])["errorMessage"] == "too dear"


def test_a_message_is_published_in_the_role_of_the_machine(account: Account, role: str) -> None:
    from yard.cloud import outbox

    topic = account.client("sns").create_topic(Name="machine-topic")["TopicArn"]
    account.client("sns").subscribe(TopicArn=topic, Protocol="email", Endpoint="machine@example.com")
    parameters = {"TopicArn": topic, "Subject": "Done", "Message.$": "$.text"}
    states = {
        "Say": {"Type": "Task", "Resource": "arn:aws:states:::sns:publish", "Parameters": parameters, "End": True}
    }
    assert run(account, create(account, "says", role, states), {"text": "it is done"})["status"] == "SUCCEEDED"
    mail = [mail for mail in outbox._messages if mail.to == "machine@example.com"]
    assert [(one.subject, one.text) for one in mail] == [("Done", "it is done")]


def test_sdk_tasks_and_their_errors(account: Account, role: str, training: FakeTraining) -> None:
    training.jobs["known"] = {"until": 0.0}
    look = {
        "Type": "Task",
        "Resource": "arn:aws:states:::aws-sdk:sagemaker:describeTrainingJob",
        "Parameters": {"TrainingJobName": "known"},
        "ResultSelector": {"status.$": "$.TrainingJobStatus"},
        "End": True,
    }
    ended = run(account, create(account, "looks", role, {"Look": look}))
    assert json.loads(ended["output"]) == {"status": "Completed"}
    look["Resource"] = "arn:aws:states:::aws-sdk:sagemaker:createTrainingJob"
    look["Parameters"] = request("limit-sdk")
    ended = run(account, create(account, "sdk-limit", role, {"Look": look}))
    assert ended["error"] == "SageMaker.ResourceLimitExceededException"


def test_names_inputs_and_lists(account: Account, role: str) -> None:
    client = account.client("stepfunctions")
    machine = create(account, "lists", role, {"Wait": {"Type": "Wait", "Seconds": 1, "End": True}})
    first = client.start_execution(stateMachineArn=machine, name="one", input="{}")["executionArn"]
    assert client.start_execution(stateMachineArn=machine, name="one", input="{}")["executionArn"] == first
    with pytest.raises(client.exceptions.ExecutionAlreadyExists):
        client.start_execution(stateMachineArn=machine, name="one", input='{"other": 1}')
    with pytest.raises(client.exceptions.InvalidExecutionInput):
        client.start_execution(stateMachineArn=machine, input="{")
    with pytest.raises(client.exceptions.InvalidName):
        client.start_execution(stateMachineArn=machine, name="a b")
    running = client.list_executions(stateMachineArn=machine, statusFilter="RUNNING")["executions"]
    assert [one["name"] for one in running] == ["one"]
    until(lambda: client.list_executions(stateMachineArn=machine, statusFilter="SUCCEEDED")["executions"])
    events = client.get_execution_history(executionArn=first, maxResults=1, reverseOrder=True)
    assert events["events"][0]["type"] == "ExecutionSucceeded"
    assert events["nextToken"]


def test_a_definition_that_is_none_is_refused(account: Account, role: str) -> None:
    client = account.client("stepfunctions")
    for definition in ("{", json.dumps({"StartAt": "A", "States": {"A": {"Type": "Nothing"}}})):
        with pytest.raises(client.exceptions.InvalidDefinition):
            client.create_state_machine(name="wrong", roleArn=role, definition=definition)


def test_executions_are_logged_where_the_machine_says(account: Account, role: str) -> None:
    account.client("logs").create_log_group(logGroupName="/machines/logged")
    group = "arn:aws:logs:us-east-1:123456789012:log-group:/machines/logged:*"
    logging = {
        "level": "ALL",
        "includeExecutionData": True,
        "destinations": [{"cloudWatchLogsLogGroup": {"logGroupArn": group}}],
    }
    states = {"A": {"Type": "Pass", "End": True}}
    silent = account.role("no-log-delivery", "states", allow=["logs:PutLogEvents"])
    with pytest.raises(ClientError, match=r"not authorized to access the Log Destination.*logs:CreateLogDelivery"):
        create(account, "unlogged", silent, states, loggingConfiguration=logging)
    machine = create(account, "logged", role, states, loggingConfiguration=logging)
    run(account, machine)
    lines = until(lambda: [line for line in account.log("/machines/logged") if "ExecutionSucceeded" in line])
    assert json.loads(lines[0])["execution_arn"].startswith("arn:aws:states:us-east-1:123456789012:execution:logged:")


def test_one_machine_runs_another(account: Account) -> None:
    role = account.role("nests", "states")
    inner = create(account, "inner", role, {"A": {"Type": "Pass", "Parameters": {"n.$": "$.n"}, "End": True}})
    outer = {
        "Type": "Task",
        "Resource": "arn:aws:states:::states:startExecution.sync:2",
        "Parameters": {"StateMachineArn": inner, "Input": {"n": 7}},
        "OutputPath": "$.Output",
        "End": True,
    }
    ended = run(account, create(account, "outer", role, {"Run": outer}))
    assert (ended["status"], json.loads(ended["output"])) == ("SUCCEEDED", {"n": 7})


@pytest.mark.parametrize(
    ("kind", "parameters"),
    [
        (
            "ProcessingJob",
            {
                "AppSpecification": {"ImageUri": "image"},
                "ProcessingResources": {
                    "ClusterConfig": {"InstanceCount": 1, "InstanceType": "ml.m5.xlarge", "VolumeSizeInGB": 5}
                },
            },
        ),
        (
            "TransformJob",
            {
                "ModelName": "model",
                "TransformInput": {"DataSource": {"S3DataSource": {"S3DataType": "S3Prefix", "S3Uri": "s3://b/x"}}},
                "TransformOutput": {"S3OutputPath": "s3://b/out"},
                "TransformResources": {"InstanceCount": 1, "InstanceType": "ml.m5.xlarge"},
            },
        ),
        (
            "HyperParameterTuningJob",
            {
                "HyperParameterTuningJobConfig": {
                    "Strategy": "Bayesian",
                    "ResourceLimits": {"MaxNumberOfTrainingJobs": 1, "MaxParallelTrainingJobs": 1},
                }
            },
        ),
    ],
)
def test_the_other_jobs_have_their_sync_calls(account: Account, kind: str, parameters: dict[str, Any]) -> None:
    role = account.role(f"runs-{kind}", "states")
    task = {
        "Type": "Task",
        "Resource": f"arn:aws:states:::sagemaker:create{kind}.sync",
        "Parameters": {f"{kind}Name": f"my-{kind}", **parameters},
        "End": True,
    }
    if kind == "ProcessingJob":
        task["Parameters"]["RoleArn"] = TRAINING_ROLE  # type: ignore[index]
    ended = run(account, create(account, f"runs-{kind}", role, {"Run": task}))
    assert ended["status"] == "SUCCEEDED", ended.get("cause")
    assert json.loads(ended["output"])[f"{kind}Status"] == "Completed"


def test_eventbridge_hears_how_executions_end(account: Account, role: str) -> None:
    from yard.cloud import outbox

    topic = account.client("sns").create_topic(Name="endings")["TopicArn"]
    sns, rules = account.client("sns"), account.client("events")
    sns.subscribe(TopicArn=topic, Protocol="email", Endpoint="endings@example.com")
    allow = {"Effect": "Allow", "Principal": {"Service": "events.amazonaws.com"}, "Action": "sns:Publish"}
    document = policy(allow | {"Resource": topic})
    sns.set_topic_attributes(TopicArn=topic, AttributeName="Policy", AttributeValue=document)
    pattern = {"source": ["aws.states"], "detail": {"name": ["heard", "stopped"]}}
    rules.put_rule(Name="endings", EventPattern=json.dumps(pattern))
    rules.put_targets(Rule="endings", Targets=[{"Id": "1", "Arn": topic, "InputPath": "$.detail.status"}])
    client = account.client("stepfunctions")
    short = create(account, "heard", role, {"A": {"Type": "Fail", "Error": "E"}})
    client.start_execution(stateMachineArn=short, name="heard")
    endless = create(account, "endless", role, {"A": {"Type": "Wait", "Seconds": 600, "End": True}})
    arn = client.start_execution(stateMachineArn=endless, name="stopped")["executionArn"]
    client.stop_execution(executionArn=arn)

    def heard() -> bool:
        texts = [mail.text for mail in outbox._messages if mail.to == "endings@example.com"]
        return sorted(texts) == ['"ABORTED"', '"FAILED"', '"RUNNING"', '"RUNNING"']

    until(heard)


def test_cloudwatch_counts_executions_by_how_they_end(account: Account, role: str) -> None:
    from datetime import UTC, datetime, timedelta

    states, cloudwatch = account.client("stepfunctions"), account.client("cloudwatch")
    definition = {"StartAt": "End", "States": {"End": {"Type": "Fail", "Error": "Broken", "Cause": "on purpose"}}}
    machine = states.create_state_machine(name="counted", roleArn=role, definition=json.dumps(definition))
    arn = machine["stateMachineArn"]
    execution = states.start_execution(stateMachineArn=arn)["executionArn"]
    until(lambda: states.describe_execution(executionArn=execution)["status"] == "FAILED")

    def counted(metric: str) -> float:
        now = datetime.now(UTC)
        answer = cloudwatch.get_metric_statistics(
            Namespace="AWS/States",
            MetricName=metric,
            Dimensions=[{"Name": "StateMachineArn", "Value": arn}],
            StartTime=now - timedelta(minutes=5),
            EndTime=now + timedelta(minutes=5),
            Period=600,
            Statistics=["Sum"],
        )
        return float(sum(one["Sum"] for one in answer["Datapoints"]))

    until(lambda: counted("ExecutionsFailed") == 1)
    assert (counted("ExecutionsStarted"), counted("ExecutionsSucceeded")) == (1, 0)
