"""Custom resources as strangers write them: in the template itself, silent, or with a time-out that is none."""

import pytest

from tests.cloud.conftest import Cloud
from tests.support.cloud.stacks_api import StackUnderTest, Template

LOGS = "arn:aws:iam::aws:policy/service-role/AWSLambdaBasicExecutionRole"
ANSWERS = """
import cfnresponse

def handler(event, context):
    cfnresponse.send(event, context, cfnresponse.SUCCESS, {"Word": event["ResourceProperties"]["Word"]}, "the-thing")
"""
SILENT = """
import json, urllib.request

def handler(event, context):
    if event["RequestType"] == "Create":
        return
    answer = {key: event[key] for key in ("StackId", "RequestId", "LogicalResourceId", "PhysicalResourceId")}
    body = json.dumps({"Status": "FAILED", "Reason": "was asked to delete", **answer}).encode()
    urllib.request.urlopen(urllib.request.Request(event["ResponseURL"], data=body, method="PUT"))
"""


def thing(code: str, **properties: object) -> Template:
    """A function written in the template, and a custom resource that it answers for."""
    trust = {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"Service": "lambda.amazonaws.com"}}
    role = {"AssumeRolePolicyDocument": {"Version": "2012-10-17", "Statement": [trust]}, "ManagedPolicyArns": [LOGS]}
    function = {
        "Runtime": "python3.13",
        "Handler": "index.handler",
        "Timeout": 20,
        "Role": {"Fn::GetAtt": "Role.Arn"},
        "Code": {"ZipFile": code},
    }
    given = {"ServiceToken": {"Fn::GetAtt": "Function.Arn"}, **properties}
    return {
        "Resources": {
            "Role": {"Type": "AWS::IAM::Role", "Properties": role},
            "Function": {"Type": "AWS::Lambda::Function", "Properties": function},
            "Thing": {"Type": "Custom::Thing", "Properties": given},
        },
        "Outputs": {"Word": {"Value": {"Fn::GetAtt": "Thing.Word"}}},
    }


def test_code_in_a_template_finds_the_module_that_answers(cloud: Cloud) -> None:
    stack = StackUnderTest(cloud)
    assert stack.create(thing(ANSWERS, Word="hello", ServiceTimeout=20)) == "CREATE_COMPLETE"
    assert stack.outputs() == {"Word": "hello"}
    assert stack.physical_id("Thing") == "the-thing"


def test_a_creation_without_an_answer_is_taken_back_with_a_deletion(cloud: Cloud) -> None:
    """The function may have made something before it fell silent: only it can take that away."""
    stack = StackUnderTest(cloud)
    assert stack.create(thing(SILENT, ServiceTimeout=3)) == "ROLLBACK_FAILED"
    reasons = [reason for name, status, reason in stack.history() if (name, status) == ("Thing", "DELETE_FAILED")]
    assert len(reasons) == 1 and "was asked to delete" in reasons[0]


@pytest.mark.parametrize("seconds", ["soon", 0, 3601])
def test_a_time_out_is_a_number_of_seconds_up_to_an_hour(cloud: Cloud, seconds: object) -> None:
    stack = StackUnderTest(cloud)
    assert stack.create(thing(ANSWERS, Word="hello", ServiceTimeout=seconds)) == "ROLLBACK_COMPLETE"
    reasons = [reason for name, status, reason in stack.history() if (name, status) == ("Thing", "CREATE_FAILED")]
    assert "ServiceTimeout" in reasons[0] and f"{seconds}" in reasons[0]
