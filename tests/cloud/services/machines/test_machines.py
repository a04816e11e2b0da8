"""Step Functions on the embedded cloud: machines execute, in their role's name, and say how they end."""

import json
import time

import pytest
from botocore.exceptions import ClientError

from tests.support.cloud.in_process import Account, account, policy, until
from tests.support.cloud.machines import FakeTraining, create, request, role, run, training

__all__ = ["account", "role", "training"]


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
    from embedded.bus import outbox

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
    first = json.loads(lines[0])
    assert first["execution_arn"].startswith("arn:aws:states:us-east-1:123456789012:execution:logged:")
    assert first["redrive_count"] == "0"


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


def test_eventbridge_hears_how_executions_end(account: Account, role: str) -> None:
    from embedded.bus import outbox

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


def test_the_languages_own_errors_pass_through_iterations_and_branches(account: Account, role: str) -> None:
    rethrow = {"Type": "Fail", "ErrorPath": "$.error", "CausePath": "$.cause"}
    inner = {"StartAt": "Rethrow", "States": {"Rethrow": rethrow}}
    caught = {"Catch": [{"ErrorEquals": ["States.TaskFailed"], "Next": "Caught"}], "End": True}
    given = {"items": [{"error": "States.TaskFailed", "cause": "why"}], "error": "States.TaskFailed", "cause": "why"}
    for name, outer in (
        ("Each", {"Type": "Map", "ItemsPath": "$.items", "ItemProcessor": inner}),
        ("Both", {"Type": "Parallel", "Branches": [inner]}),
    ):
        machine = create(account, f"own-errors-{name}", role, {name: outer | caught, "Caught": {"Type": "Succeed"}})
        ended = run(account, machine, given)
        assert (ended["status"], json.loads(ended["output"])) == (
            "SUCCEEDED",
            {"Error": "States.TaskFailed", "Cause": "why"},
        )
