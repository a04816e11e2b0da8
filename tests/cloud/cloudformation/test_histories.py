"""What a stack's history tells, against what was recorded from AWS.

Recorded in localstack/localstack, tests/aws/services/cloudformation/**/*.snapshot.json, April 2025 to February 2026,
read 1 December 2026; a rollback's own operation is in the user guide's "View stack events by operation".
"""

import json
import re
import uuid
from typing import Any

import pytest

from tests.cloud.conftest import Cloud
from tests.support.cloud.stacks_api import StackUnderTest, bucket, of, parameter

WITHOUT_A_VALUE = {"Type": "AWS::SSM::Parameter", "Properties": {"Type": "String"}}


@pytest.fixture
def stack(cloud: Cloud) -> StackUnderTest:
    return StackUnderTest(cloud)


def events(stack: StackUnderTest, logical_id: str) -> list[dict[str, Any]]:
    """The events of one resource, oldest first."""
    found = stack.api.describe_stack_events(StackName=stack.name)["StackEvents"]
    return [event for event in reversed(found) if event["LogicalResourceId"] == logical_id]


def operations(stack: StackUnderTest) -> list[str]:
    return [item["OperationType"] for item in stack.describe().get("LastOperations", ())]


def test_a_cleanup_after_an_update_is_told_in_short(stack: StackUnderTest) -> None:
    stack.create(of(A=parameter("a"), B=parameter("b")))
    assert stack.update(of(A=parameter("a"))) == "UPDATE_COMPLETE"
    made, gone = events(stack, "B")[:3], events(stack, "B")[3:]
    assert {event["ResourceStatus"] for event in made} == {"CREATE_IN_PROGRESS", "CREATE_COMPLETE"}
    assert all(re.match(r"B-CREATE_[A-Z_]+-\d{4}-", event["EventId"]) for event in made)
    assert [event["ResourceStatus"] for event in gone] == ["DELETE_IN_PROGRESS", "DELETE_COMPLETE"]
    for event in gone:
        uuid.UUID(event["EventId"].removeprefix("B-"))
        assert "ResourceProperties" not in event


def test_a_deletion_tells_the_properties_of_what_it_deletes_and_of_what_it_leaves(stack: StackUnderTest) -> None:
    stack.create(of(A=parameter("a"), Kept=bucket() | {"DeletionPolicy": "Retain"}))
    assert stack.delete() == "DELETE_COMPLETE"
    assert events(stack, "Kept")[-1]["ResourceStatus"] == "DELETE_SKIPPED"
    for event in (events(stack, "A")[-1], events(stack, "Kept")[-1]):
        assert event["EventId"].startswith(f"{event['LogicalResourceId']}-{event['ResourceStatus']}-")
        assert "ResourceProperties" in event


def test_a_stack_names_its_last_operation(stack: StackUnderTest) -> None:
    stack.create(of(A=parameter("a")))
    assert operations(stack) == ["CREATE_STACK"]
    stack.update(of(A=parameter("b")))
    assert operations(stack) == ["UPDATE_STACK"]
    stack.delete()
    assert operations(stack) == ["DELETE_STACK"]
    (summary,) = (
        item
        for page in stack.api.get_paginator("list_stacks").paginate()
        for item in page["StackSummaries"]
        if item["StackId"] == stack.name
    )
    assert summary["LastOperations"] == stack.describe()["LastOperations"]


def test_a_rollback_is_an_operation_of_its_own(stack: StackUnderTest) -> None:
    stack.create(of(A=parameter("a")))
    assert stack.update(of(A=parameter("b"), B=WITHOUT_A_VALUE)) == "UPDATE_ROLLBACK_COMPLETE"
    rollback, update = stack.describe()["LastOperations"]
    assert (rollback["OperationType"], update["OperationType"]) == ("ROLLBACK", "UPDATE_STACK")

    def statuses(operation: dict[str, str]) -> list[str]:
        found = stack.api.describe_events(StackName=stack.name, OperationId=operation["OperationId"])
        told = [event for event in found["OperationEvents"] if event["LogicalResourceId"] == stack.name]
        return [event["ResourceStatus"] for event in reversed(told)]

    assert statuses(update) == ["UPDATE_IN_PROGRESS"]
    assert statuses(rollback)[0] == "UPDATE_ROLLBACK_IN_PROGRESS"
    assert statuses(rollback)[-1] == "UPDATE_ROLLBACK_COMPLETE"


def test_a_missing_property_fails_the_resource_in_cloudformations_words(stack: StackUnderTest) -> None:
    assert stack.create(of(A=WITHOUT_A_VALUE)) == "ROLLBACK_COMPLETE"
    (reason,) = [item[2] for item in stack.history() if item[:2] == ("A", "CREATE_FAILED")]
    assert reason == "Property validation failure: [The property {/Value} is required]"


@pytest.mark.parametrize(
    ("where", "value"),
    [
        ("/Outputs/O/Value/Fn::GetAtt", {"Fn::GetAtt": ["A", "Invalid"]}),
        ("/Outputs/O/Value/Fn::Join/1/0/Fn::Sub", {"Fn::Join": ["", [{"Fn::Sub": "${A.Invalid}"}]]}),
    ],
    ids=["GetAtt", "Sub"],
)
def test_an_attribute_that_a_type_does_not_have_is_told_before_anything_is_made(
    stack: StackUnderTest, where: str, value: Any
) -> None:
    template = of(A=parameter("a")) | {"Outputs": {"O": {"Value": value}}}
    assert stack.create(template) == "ROLLBACK_COMPLETE"
    told = f"[Error] {where}: Resource type AWS::SSM::Parameter does not support attribute {{Invalid}}"
    assert stack.history() == [
        (stack.name, "CREATE_IN_PROGRESS", "User Initiated"),
        (stack.name, "ROLLBACK_IN_PROGRESS", f"{told}. Rollback requested by user."),
        (stack.name, "ROLLBACK_COMPLETE", ""),
    ]


def test_a_direct_update_keeps_the_capabilities_and_forgets_the_change_set(stack: StackUnderTest) -> None:
    first, second = (json.dumps(of(A=parameter(value))) for value in ("a", "b"))
    stack.api.create_change_set(
        StackName=stack.name,
        ChangeSetName="first",
        ChangeSetType="CREATE",
        TemplateBody=first,
        Capabilities=["CAPABILITY_IAM"],
    )
    stack.api.execute_change_set(StackName=stack.name, ChangeSetName="first")
    stack.status()
    assert "ChangeSetId" in stack.describe()
    stack.api.update_stack(StackName=stack.name, TemplateBody=second)
    stack.status()
    found = stack.describe()
    assert found["Capabilities"] == ["CAPABILITY_IAM"]
    assert "ChangeSetId" not in found


def test_resources_are_listed_by_name_and_have_metadata_at_least_empty(stack: StackUnderTest) -> None:
    """Recorded in 14 lists, 2022 to 2025, and in seven answers of DescribeStackResource, 2023 to 2025."""
    stack.create(of(C=parameter("c"), A=parameter({"Ref": "C"}), B=parameter("b")))
    described = stack.api.describe_stack_resources(StackName=stack.name)["StackResources"]
    listed = stack.api.list_stack_resources(StackName=stack.name)["StackResourceSummaries"]
    for found in (described, listed):
        assert [item["LogicalResourceId"] for item in found] == ["A", "B", "C"]
    detail = stack.api.describe_stack_resource(StackName=stack.name, LogicalResourceId="A")["StackResourceDetail"]
    assert detail["Metadata"] == "{}"


def test_a_policy_of_nobody_blocks_its_stack_until_it_is_retained(stack: StackUnderTest) -> None:
    """Recorded in September 2023: test_stacks.snapshot.json; the physical id is told before the failure."""
    document = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}
    policy = {"Type": "AWS::IAM::Policy", "Properties": {"PolicyName": stack.name, "PolicyDocument": document}}
    assert stack.create(of(Broken=policy)) == "ROLLBACK_FAILED"
    told = [
        (event["ResourceStatus"], event.get("ResourceStatusReason"), event["PhysicalResourceId"])
        for event in events(stack, "Broken")
    ]
    physical_id = told[1][2]
    assert re.fullmatch(rf"{stack.name[:5]}-Brok-[A-Z0-9]+", physical_id)
    why = "At least one of [Groups,Roles,Users] must be non-empty."
    assert told == [
        ("CREATE_IN_PROGRESS", None, ""),
        ("CREATE_IN_PROGRESS", "Resource creation Initiated", physical_id),
        ("CREATE_FAILED", why, physical_id),
        ("DELETE_IN_PROGRESS", None, physical_id),
        ("DELETE_FAILED", why, physical_id),
    ]
    assert stack.delete() == "DELETE_FAILED"
    stack.api.delete_stack(StackName=stack.name, RetainResources=["Broken"])
    assert stack.status() == "DELETE_COMPLETE"
