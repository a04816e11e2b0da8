"""Three validators look at every definition, and each of them can refuse one."""

from typing import Any

import pytest

from checks.asl import validators
from checks.asl.definitions import definitions

GOOD: dict[str, Any] = {
    "StartAt": "Call",
    "States": {
        "Call": {
            "Type": "Task",
            "Resource": "arn:aws:states:::lambda:invoke",
            "Parameters": {"FunctionName": "reads", "Payload.$": "$"},
            "Retry": [{"ErrorEquals": ["States.ALL"], "BackoffRate": 2, "MaxAttempts": 3}],
            "Next": "Done",
        },
        "Done": {"Type": "Succeed"},
    },
}


def with_call(**settings: Any) -> dict[str, Any]:
    return GOOD | {"States": GOOD["States"] | {"Call": GOOD["States"]["Call"] | settings}}


def test_a_sound_definition_is_accepted_by_all() -> None:
    assert validators.problems({"good": GOOD}) == []


@pytest.mark.parametrize("who", ["language service", "asl-validator", "statelint"])
def test_each_refuses_a_field_that_the_language_does_not_have(who: str) -> None:
    said = validators.problems({"good": GOOD, "bad": with_call(Nxt="Done")})
    mine = [line for line in said if line.startswith(f"{who}: ")]
    assert mine, said
    assert not [line for line in mine if "good" in line]


def test_a_state_that_is_nowhere_is_refused() -> None:
    said = validators.problems({"bad": with_call(Next="Nowhere")})
    assert any("Nowhere" in line for line in said), said


def test_the_definitions_of_a_template_are_filled_in() -> None:
    text = {"Fn::Join": ["", ['{"StartAt": "', {"Ref": "First"}, '", "Region": "', {"Ref": "AWS::Region"}, '"}']]}
    machine = {"Type": "AWS::StepFunctions::StateMachine", "Properties": {"DefinitionString": text}}
    template = {"Resources": {"Machine": machine, "Role": {"Type": "AWS::IAM::Role"}}}
    assert definitions(template) == {"Machine": {"StartAt": "reference", "Region": "us-east-1"}}
