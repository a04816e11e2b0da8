"""TestState: one state, with a role or with a mock in the place of its task."""

import json
from typing import Any

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

from tests.support.cloud.in_process import Account, account
from tests.support.cloud.machines import role

__all__ = ["account", "role"]

TASK = {
    "Type": "Task",
    "Resource": "arn:aws:states:::lambda:invoke",
    "InputPath": "$.call",
    "Parameters": {"FunctionName.$": "$.name", "Payload": {"n": 1}},
    "ResultSelector": {"answer.$": "$.Payload"},
    "ResultPath": "$.result",
    "Next": "After",
}
GIVEN = {"call": {"name": "adds"}, "other": 1}
EACH = {
    "Type": "Map",
    "QueryLanguage": "JSONata",
    "Items": "{% $states.input.items %}",
    "MaxConcurrency": 2,
    "ToleratedFailureCount": 1,
    "ItemProcessor": {
        "ProcessorConfig": {"Mode": "DISTRIBUTED", "ExecutionType": "STANDARD"},
        "StartAt": "One",
        "States": {"One": {"Type": "Pass", "End": True}},
    },
    "Retry": [
        {"ErrorEquals": ["Mine"], "MaxAttempts": 1},
        {"ErrorEquals": ["States.ExceedToleratedFailureThreshold"], "IntervalSeconds": 2, "MaxAttempts": 2},
    ],
    "End": True,
}


def try_state(account: Account, state: dict[str, Any], given: Any = None, **settings: Any) -> dict[str, Any]:
    """The answer, without what every answer has."""
    client = boto3.client("stepfunctions", config=Config(inject_host_prefix=False), **account.credentials())
    if "mock" in settings:
        settings["mock"] = {
            name: json.dumps(value) if name == "result" else value for name, value in settings["mock"].items()
        }
    answer: dict[str, Any] = client.test_state(definition=json.dumps(state), input=json.dumps(given or {}), **settings)
    del answer["ResponseMetadata"]
    for part in (answer, answer.get("inspectionData", {})):
        part |= {key: json.loads(text) for key, text in part.items() if key.startswith(("after", "output", "result"))}
    return answer


def test_a_mocked_task_shows_its_data_at_each_step(account: Account) -> None:
    answer = try_state(
        account, TASK, GIVEN, mock={"result": {"StatusCode": 200, "Payload": "2"}}, inspectionLevel="DEBUG"
    )
    seen = answer.pop("inspectionData")
    assert answer == {"status": "SUCCEEDED", "nextState": "After", "output": GIVEN | {"result": {"answer": "2"}}}
    assert json.loads(seen.pop("input")) == GIVEN
    assert seen == {
        "afterInputPath": {"name": "adds"},
        "afterParameters": {"FunctionName": "adds", "Payload": {"n": 1}},
        "result": {"StatusCode": 200, "Payload": "2"},
        "afterResultSelector": {"answer": "2"},
        "afterResultPath": answer["output"],
    }


def test_a_task_with_a_role_calls_its_service(account: Account, role: str) -> None:
    function_role = account.role("teststate-function", "lambda")
    function = account.function("teststate-adds", "def handler(event, context): return event['n'] + 1", function_role)
    answer = try_state(account, TASK, {"call": {"name": function}}, roleArn=role)
    assert answer["output"]["result"] == {"answer": 2}


@pytest.mark.parametrize(
    ("error", "expected", "details"),
    [
        ("Mine", {"status": "RETRIABLE", "error": "Mine"}, {"retryIndex": 0, "retryBackoffIntervalSeconds": 4}),
        ("Yours", {"status": "CAUGHT_ERROR", "error": "Yours", "nextState": "Mend"}, {"catchIndex": 1}),
        ("Another", {"status": "FAILED", "error": "Another"}, None),
    ],
)
def test_an_error_is_retried_caught_or_final(
    account: Account, error: str, expected: dict[str, Any], details: dict[str, int] | None
) -> None:
    state = TASK | {
        "Retry": [{"ErrorEquals": ["Mine"], "IntervalSeconds": 1, "BackoffRate": 2, "MaxAttempts": 3}],
        "Catch": [{"ErrorEquals": ["None"], "Next": "Never"}, {"ErrorEquals": ["Yours"], "Next": "Mend"}],
    }
    answer = try_state(
        account,
        state,
        GIVEN,
        mock={"errorOutput": {"error": error, "cause": "why"}},
        stateConfiguration={"retrierRetryCount": 2},
        inspectionLevel="TRACE",
    )
    assert {name: answer.get(name) for name in expected} == expected
    assert answer["cause"] == "why"
    assert answer["inspectionData"].get("errorDetails") == details


def test_a_retrier_that_is_used_up_lets_the_error_through(account: Account) -> None:
    state = TASK | {"Retry": [{"ErrorEquals": ["Mine"], "MaxAttempts": 2}]}
    answer = try_state(
        account,
        state,
        GIVEN,
        mock={"errorOutput": {"error": "Mine", "cause": "why"}},
        stateConfiguration={"retrierRetryCount": 2},
        inspectionLevel="DEBUG",
    )
    assert (answer["status"], answer["inspectionData"]["errorDetails"]) == ("FAILED", {"retryIndex": 0})


@pytest.mark.parametrize(("failed", "status"), [(1, "SUCCEEDED"), (2, "RETRIABLE")])
def test_iterations_that_fail_count_against_what_a_map_tolerates(account: Account, failed: int, status: str) -> None:
    answer = try_state(
        account,
        EACH,
        {"items": [1, 2, 3]},
        mock={"result": [1, 2, 3]},
        stateConfiguration={"mapIterationFailureCount": failed},
        inspectionLevel="DEBUG",
    )
    seen = answer["inspectionData"]
    assert (answer["status"], seen["maxConcurrency"], seen["toleratedFailureCount"]) == (status, 2, 1)
    if status == "RETRIABLE":
        assert answer["error"] == "States.ExceedToleratedFailureThreshold"
        assert seen["errorDetails"] == {"retryIndex": 1, "retryBackoffIntervalSeconds": 2}


def test_variables_and_a_context_object_of_ones_own(account: Account) -> None:
    state = {
        "Type": "Task",
        "QueryLanguage": "JSONata",
        "Resource": "arn:aws:states:::lambda:invoke",
        "Arguments": {"FunctionName": "{% $name %}", "Payload": "{% $states.context.Execution.Name %}"},
        "Output": "{% $states.context %}",
        "End": True,
    }
    context = {"Execution": {"Name": "mine"}}
    answer = try_state(
        account,
        state,
        mock={"result": {"StatusCode": 200}},
        variables=json.dumps({"name": "adds"}),
        context=json.dumps(context),
        inspectionLevel="DEBUG",
    )
    assert answer["output"] == context
    assert answer["inspectionData"]["afterArguments"] == {"FunctionName": "adds", "Payload": "mine"}
    assert json.loads(answer["inspectionData"]["variables"]) == {"name": "adds"}


def test_a_state_is_found_by_its_name_in_a_machine(account: Account) -> None:
    inner = {"StartAt": "Deep", "States": {"Deep": {"Type": "Pass", "Result": 7, "End": True}}}
    machine = {"StartAt": "Both", "States": {"Both": {"Type": "Parallel", "Branches": [inner], "End": True}}}
    assert try_state(account, machine, stateName="Deep") == {"status": "SUCCEEDED", "output": 7}
    with pytest.raises(ClientError, match="State not found in definition"):
        try_state(account, machine, stateName="Nowhere")


@pytest.mark.parametrize(
    ("state", "settings", "text"),
    [
        (TASK, {}, "RoleArn must be specified when testing a Task state"),
        (EACH, {}, "TestState API does not support Map or Parallel states"),
        ({"Type": "Pass", "End": True}, {"mock": {"result": 1}}, "State type 'Pass' is not supported when a mock is"),
        (EACH, {"mock": {"result": {}}}, "Mocked result must be an array."),
        (
            TASK,
            {"mock": {"result": {"StatusCode": "200"}}},
            "Mock result schema validation error: Field 'StatusCode' must be a number",
        ),
        (
            TASK,
            {"mock": {"result": 1, "errorOutput": {"error": "E", "cause": "C"}}},
            "A test mock should have only one of the following fields",
        ),
        (
            TASK,
            {"mock": {"result": {}}, "context": json.dumps({"Execution": {"Id": 1}})},
            "Invalid Context object provided: Execution.Id must be a string",
        ),
        (
            TASK,
            {"mock": {"result": {}}, "context": json.dumps({"Map": {}})},
            "'Map' field is not supported when mocking a Context object",
        ),
    ],
)
def test_what_cannot_be_tested_is_said(
    account: Account, state: dict[str, Any], settings: dict[str, Any], text: str
) -> None:
    with pytest.raises(ClientError, match=text):
        try_state(account, state, GIVEN, **settings)


def test_a_mock_need_not_fit_where_the_test_says_so(account: Account) -> None:
    start = TASK | {"Resource": "arn:aws:states:::aws-sdk:sfn:startExecution", "Parameters": {}, "InputPath": "$"}
    del start["ResultSelector"]
    with pytest.raises(ClientError, match="Required field 'ExecutionArn' is missing"):
        try_state(account, start, GIVEN, mock={"result": {}})
    for mode in ("PRESENT", "NONE"):
        answer = try_state(account, start, GIVEN, mock={"result": {}, "fieldValidationMode": mode})
        assert answer["status"] == "SUCCEEDED"
