"""JSONata and variables in state machines: what is computed, and how a failed evaluation is told."""

import json
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.support.cloud.in_process import Account, account
from tests.support.cloud.machines import create, history, role, run

__all__ = ["account", "role"]


def events(account: Account, execution: dict[str, Any]) -> list[dict[str, Any]]:
    client = account.client("stepfunctions")
    found: list[dict[str, Any]] = client.get_execution_history(executionArn=execution["executionArn"])["events"]
    return found


def jsonata(states: dict[str, Any]) -> dict[str, Any]:
    return {name: {"QueryLanguage": "JSONata"} | state for name, state in states.items()}


def test_arguments_variables_conditions_items_and_outputs(account: Account, role: str) -> None:
    function_role = account.role("jsonata-function", "lambda")
    function = account.function("adds", "def handler(event, context): return event['n'] + 1", function_role)
    states = {
        "Begin": {
            "Type": "Pass",
            "Assign": {"limit": "{% $states.input.limit %}", "numbers": "{% $range(1, 3, 1) %}"},
            "Next": "Each",
        },
        "Each": {
            "Type": "Map",
            "Items": "{% $numbers %}",
            "ItemProcessor": {
                "StartAt": "Add",
                "States": {
                    "Add": {
                        "Type": "Task",
                        "QueryLanguage": "JSONata",
                        "Resource": "arn:aws:states:::lambda:invoke",
                        "Arguments": {"FunctionName": function, "Payload": {"n": "{% $states.input %}"}},
                        "Output": "{% $states.result.Payload %}",
                        "End": True,
                    }
                },
            },
            "Assign": {"added": "{% $states.result %}"},
            "Next": "Enough?",
        },
        "Enough?": {
            "Type": "Choice",
            "Choices": [{"Condition": "{% $sum($added) > $limit %}", "Next": "Done"}],
            "Default": "TooFew",
        },
        "TooFew": {"Type": "Fail", "Error": "TooFew", "Cause": "{% 'only ' & $string($sum($added)) %}"},
        "Done": {"Type": "Succeed", "Output": {"sum": "{% $sum($added) %}", "limit": "{% $limit %}"}},
    }
    machine = create(account, "jsonata-flow", role, jsonata(states))
    ended = run(account, machine, {"limit": 5})
    assert (ended["status"], json.loads(ended["output"])) == ("SUCCEEDED", {"sum": 9, "limit": 5})
    failed = run(account, machine, {"limit": 100})
    assert (failed["status"], failed["error"], failed["cause"]) == ("FAILED", "TooFew", "only 9")
    left = next(event for event in events(account, ended) if event["type"] == "PassStateExited")
    assert left["stateExitedEventDetails"]["assignedVariables"] == {"limit": "5", "numbers": "[1,2,3]"}


def test_an_output_does_not_see_what_the_same_state_assigns(account: Account, role: str) -> None:
    states = {
        "First": {"Type": "Pass", "Assign": {"x": 1}, "Next": "Second"},
        "Second": {"Type": "Pass", "Assign": {"x": 2}, "Output": "{% $x %}", "Next": "Third"},
        "Third": {"Type": "Pass", "Output": "{% [$states.input, $x] %}", "End": True},
    }
    ended = run(account, create(account, "jsonata-at-once", role, jsonata(states)))
    assert json.loads(ended["output"]) == [1, 2]


@pytest.mark.parametrize(
    ("state", "location", "text"),
    [
        (
            {"Type": "Pass", "Output": {"list": ["a", "{% $nowhere %}"]}, "End": True},
            "Output/list[1]",
            "The JSONata expression '$nowhere' specified for the field 'Output/list[1]' returned nothing (undefined).",
        ),
        (
            {"Type": "Pass", "Assign": {"x": "{% 'a' + 1 %}"}, "End": True},
            "Assign/x",
            "The JSONata expression ''a' + 1' specified for the field 'Assign/x' threw an error during evaluation. "
            "T2001: The left side of the + operator must evaluate to a number",
        ),
        (
            {"Type": "Wait", "Seconds": "{% 'long' %}", "End": True},
            "Seconds",
            "The JSONata expression ''long'' specified for the field 'Seconds' returned an unexpected result type. "
            "Expected 'number', but was 'string' for value: \"long\"",
        ),
        (
            {"Type": "Wait", "Timestamp": "{% 'tomorrow' %}", "End": True},
            "Timestamp",
            "The Timestamp field cannot be parsed as an ISO-8601 extended offset date-time format string: tomorrow",
        ),
    ],
)
def test_a_failed_evaluation_names_state_event_field_and_reason(
    account: Account, role: str, state: dict[str, Any], location: str, text: str
) -> None:
    machine = create(account, f"jsonata-{location[:3]}-fails", role, jsonata({"Look": state}))
    ended = run(account, machine)
    cause = f"An error occurred while executing the state 'Look' (entered at the event id #2). {text}"
    assert (ended["status"], ended["error"], ended["cause"]) == ("FAILED", "States.QueryEvaluationError", cause)
    assert history(account, ended)[2:] == ["EvaluationFailed", "ExecutionFailed"]
    told = events(account, ended)[2]["evaluationFailedEventDetails"]
    assert told == {"error": "States.QueryEvaluationError", "cause": cause, "location": location, "state": "Look"}


def test_a_catch_sees_the_error_and_no_result(account: Account, role: str) -> None:
    states = {
        "Call": {
            "Type": "Task",
            "Resource": "arn:aws:states:::lambda:invoke",
            "Arguments": {"FunctionName": "{% $states.input.nothing %}"},
            "Catch": [
                {
                    "ErrorEquals": ["States.QueryEvaluationError"],
                    "Assign": {"why": "{% $states.errorOutput.Error %}"},
                    "Output": "{% $exists($states.result) %}",
                    "Next": "After",
                }
            ],
            "End": True,
        },
        "After": {"Type": "Pass", "Output": "{% [$why, $states.input] %}", "End": True},
    }
    ended = run(account, create(account, "jsonata-catch", role, jsonata(states)))
    assert json.loads(ended["output"]) == ["States.QueryEvaluationError", False]


def test_both_languages_share_variables(account: Account, role: str) -> None:
    states = {
        "Path": {"Type": "Pass", "Assign": {"name.$": "$.who", "all.$": "$"}, "Next": "Query"},
        "Query": {
            "Type": "Pass",
            "QueryLanguage": "JSONata",
            "Output": {"hello": "{% 'hello ' & $name %}"},
            "Next": "Read",
        },
        "Read": {"Type": "Pass", "Parameters": {"who.$": "$all.who", "said.$": "$.hello"}, "End": True},
    }
    ended = run(account, create(account, "both-languages", role, states), {"who": 'a "b"'})
    assert json.loads(ended["output"]) == {"who": 'a "b"', "said": 'hello a "b"'}


def test_a_state_inside_another_has_the_machines_language(account: Account, role: str) -> None:
    inner = {"StartAt": "In", "States": {"In": {"Type": "Pass", "Parameters": {"n.$": "$"}, "End": True}}}
    each = {"Type": "Map", "Items": "{% [1, 2] %}", "ItemProcessor": inner, "End": True}
    ended = run(account, create(account, "inner-language", role, jsonata({"Each": each})))
    assert json.loads(ended["output"]) == [{"n": 1}, {"n": 2}]


def test_a_machine_of_jsonata_takes_no_state_of_jsonpath(account: Account, role: str) -> None:
    definition = {
        "QueryLanguage": "JSONata",
        "StartAt": "Old",
        "States": {"Old": {"Type": "Pass", "QueryLanguage": "JSONPath", "End": True}},
    }
    with pytest.raises(ClientError, match="can not be 'JSONPath' if set to 'JSONata' for whole state machine"):
        account.client("stepfunctions").create_state_machine(
            name="downgrade", roleArn=role, definition=json.dumps(definition)
        )
