"""Custom resources: Create, Update and Delete with what belongs to them; failures and silence."""

import io
import json
import uuid
import zipfile
from typing import Any

import pytest

from tests.cloud.conftest import Cloud
from tests.support.cloud.stacks_api import StackUnderTest, of

# answers as its properties say, and writes each event down in the Systems Manager
HANDLER = """
import json, urllib.request, boto3

def handler(event, context):
    props = event["ResourceProperties"]
    ssm = boto3.client("ssm")
    ssm.put_parameter(Name=f"/{props['Log']}/{event['RequestId']}", Value=json.dumps(event), Type="String")
    if props.get("Silent") == event["RequestType"]:
        return
    bad = props.get("Fail") == event["RequestType"]
    answer = {
        "Status": "FAILED" if bad else "SUCCESS",
        "Reason": "as it was told" if bad else "",
        "PhysicalResourceId": props.get("Id", "the-thing"),
        "StackId": event["StackId"],
        "RequestId": event["RequestId"],
        "LogicalResourceId": event["LogicalResourceId"],
        "Data": {"Answer": props.get("Value", "none")},
    }
    body = json.dumps(answer).encode()
    request = urllib.request.Request(event["ResponseURL"], data=body, method="PUT", headers={"Content-Type": ""})
    urllib.request.urlopen(request)
"""


@pytest.fixture(scope="module")
def function(cloud: Cloud) -> str:
    """The ARN of the function that answers."""
    name = f"custom-{uuid.uuid4().hex[:8]}"
    iam = cloud.client("iam")
    trust = {
        "Statement": [{"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"Service": "lambda.amazonaws.com"}}]
    }
    role = iam.create_role(RoleName=name, AssumeRolePolicyDocument=json.dumps(trust))["Role"]["Arn"]
    allowed = {
        "Version": "2012-10-17",
        "Statement": [{"Effect": "Allow", "Action": ["ssm:PutParameter", "logs:*"], "Resource": "*"}],
    }
    iam.put_role_policy(RoleName=name, PolicyName="p", PolicyDocument=json.dumps(allowed))
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("index.py", HANDLER)
    answer = cloud.client("lambda").create_function(
        FunctionName=name,
        Runtime="python3.13",
        Role=role,
        Handler="index.handler",
        Code={"ZipFile": packed.getvalue()},
        Timeout=30,
    )
    return str(answer["FunctionArn"])


@pytest.fixture
def stack(cloud: Cloud) -> StackUnderTest:
    return StackUnderTest(cloud)


def thing(function: str, stack: StackUnderTest, **properties: Any) -> dict[str, Any]:
    resource = {"Type": "Custom::Thing", "Properties": {"ServiceToken": function, "Log": stack.name, **properties}}
    return {**of(Thing=resource), "Outputs": {"Answer": {"Value": {"Fn::GetAtt": ["Thing", "Answer"]}}}}


def events(stack: StackUnderTest, log: str) -> list[dict[str, Any]]:
    """The events that the function was sent, by kind."""
    pages = stack.cloud.client("ssm").get_paginator("get_parameters_by_path").paginate(Path=f"/{log}")
    items = [item for page in pages for item in page["Parameters"]]
    return [json.loads(item["Value"]) for item in sorted(items, key=lambda item: item["LastModifiedDate"])]


def test_create_update_and_delete_get_what_belongs_to_them(function: str, stack: StackUnderTest) -> None:
    log = stack.name
    assert stack.create(thing(function, stack, Value="one", Flag=True)) == "CREATE_COMPLETE"
    assert stack.outputs() == {"Answer": "one"}
    assert stack.physical_id("Thing") == "the-thing"
    assert stack.update(thing(function, stack, Value="two", Flag=True)) == "UPDATE_COMPLETE"
    assert stack.outputs() == {"Answer": "two"}
    stack.delete()
    sent = {event["RequestType"]: event for event in events(stack, log)}
    assert set(sent) == {"Create", "Update", "Delete"}
    assert sent["Create"]["ResourceProperties"]["Flag"] == "true"
    assert "PhysicalResourceId" not in sent["Create"]
    assert sent["Update"]["OldResourceProperties"]["Value"] == "one"
    assert sent["Update"]["PhysicalResourceId"] == sent["Delete"]["PhysicalResourceId"] == "the-thing"
    assert sent["Delete"]["ResourceProperties"]["Value"] == "two"
    assert sent["Create"]["ResourceType"] == "Custom::Thing"


def test_another_physical_id_is_a_replacement_and_the_old_one_is_deleted(function: str, stack: StackUnderTest) -> None:
    stack.create(thing(function, stack, Id="old"))
    assert stack.update(thing(function, stack, Id="new")) == "UPDATE_COMPLETE"
    assert stack.physical_id("Thing") == "new"
    deleted = [event for event in events(stack, stack.name) if event["RequestType"] == "Delete"]
    assert [event["PhysicalResourceId"] for event in deleted] == ["old"]
    assert deleted[0]["ResourceProperties"]["Id"] == "old"


def test_a_failed_create_rolls_back_with_the_functions_reason(function: str, stack: StackUnderTest) -> None:
    assert stack.create(thing(function, stack, Fail="Create")) == "ROLLBACK_COMPLETE"
    reasons = [reason for _, status, reason in stack.history() if status == "CREATE_FAILED"]
    assert "as it was told" in reasons[0]
    assert [event["RequestType"] for event in events(stack, stack.name)] == ["Create", "Delete"]


def test_a_failed_update_is_answered_by_an_update_back(function: str, stack: StackUnderTest) -> None:
    stack.create(thing(function, stack, Value="good"))
    assert stack.update(thing(function, stack, Value="bad", Fail="Update")) == "UPDATE_ROLLBACK_COMPLETE"
    last = events(stack, stack.name)[-1]
    assert last["RequestType"] == "Update"
    assert last["ResourceProperties"]["Value"] == "good"
    assert last["OldResourceProperties"]["Value"] == "bad"
    assert stack.outputs() == {"Answer": "good"}


def test_a_failed_delete_fails_the_deletion(function: str, stack: StackUnderTest) -> None:
    stack.create(thing(function, stack, Fail="Delete"))
    assert stack.delete() == "DELETE_FAILED"


def test_a_function_that_never_answers_fails_after_the_time_out(function: str, stack: StackUnderTest) -> None:
    template = thing(function, stack, Silent="Create", ServiceTimeout=2)
    assert stack.create(template) == "ROLLBACK_COMPLETE"
    reasons = [reason for _, status, reason in stack.history() if status == "CREATE_FAILED"]
    assert "did not receive a response from your Custom Resource within 2 s" in reasons[0]


def test_an_answer_that_nobody_waits_for_is_refused(cloud: Cloud) -> None:
    from embedded.lifecycle import CloudError

    with pytest.raises(CloudError, match="no custom resource waits"):
        cloud.admin("cfn-response", token="x", Status="SUCCESS")
