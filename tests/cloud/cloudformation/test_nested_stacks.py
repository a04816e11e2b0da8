"""Nested stacks: created, updated, rolled back and deleted with the stack that they are part of."""

import json
from typing import Any

import pytest

from tests.cloud.conftest import Cloud
from tests.support.cloud.stacks_api import StackUnderTest, of, parameter


@pytest.fixture
def stack(cloud: Cloud) -> StackUnderTest:
    return StackUnderTest(cloud)


INNER = {
    "Parameters": {"Word": {"Type": "String"}},
    **of(P=parameter({"Ref": "Word"})),
    "Outputs": {"Name": {"Value": {"Ref": "P"}}, "Word": {"Value": {"Ref": "Word"}}},
}


def stored(stack: StackUnderTest, template: dict[str, Any], key: str = "inner.json") -> str:
    """Put a template into a bucket; the answer is its URL."""
    s3, name = stack.cloud.client("s3"), f"{stack.name}-templates"
    if name not in {item["Name"] for item in s3.list_buckets()["Buckets"]}:
        s3.create_bucket(Bucket=name)
    s3.put_object(Bucket=name, Key=key, Body=json.dumps(template))
    return f"https://{name}.s3.us-east-1.amazonaws.com/{key}"


def outer(url: str, word: Any, **more: Any) -> dict[str, Any]:
    nested = {"Type": "AWS::CloudFormation::Stack", "Properties": {"TemplateURL": url, "Parameters": {"Word": word}}}
    return {
        "Resources": {"Inner": nested, "Uses": parameter({"Fn::GetAtt": ["Inner", "Outputs.Word"]}), **more},
        "Outputs": {"Inner": {"Value": {"Ref": "Inner"}}},
    }


def nested(stack: StackUnderTest) -> StackUnderTest:
    return StackUnderTest(stack.cloud, stack.physical_id("Inner"))


def test_a_nested_stack_lives_with_its_outer_stack(stack: StackUnderTest) -> None:
    url = stored(stack, INNER)
    assert stack.create(outer(url, "one")) == "CREATE_COMPLETE"
    inner = nested(stack)
    described = inner.describe()
    assert described["StackName"].startswith(f"{stack.name}-Inner-")
    assert (described["ParentId"], described["RootId"]) == (stack.describe()["StackId"],) * 2
    assert stack.outputs() == {"Inner": described["StackId"]}
    assert inner.outputs()["Word"] == "one"
    assert stack.update(outer(url, "two")) == "UPDATE_COMPLETE"
    assert inner.outputs()["Word"] == "two"
    ssm = stack.cloud.client("ssm")
    assert ssm.get_parameter(Name=stack.physical_id("Uses"))["Parameter"]["Value"] == "two"
    assert stack.delete() == "DELETE_COMPLETE"
    assert inner.describe()["StackStatus"] == "DELETE_COMPLETE"


def test_stacks_within_nested_stacks_know_the_outermost(stack: StackUnderTest) -> None:
    middle = {**outer(stored(stack, INNER), {"Ref": "Word"}), "Parameters": {"Word": {"Type": "String"}}}
    middle["Outputs"]["Word"] = {"Value": {"Ref": "Word"}}
    assert stack.create(outer(stored(stack, middle, "middle.json"), "w")) == "CREATE_COMPLETE"
    innermost = nested(nested(stack)).describe()
    assert innermost["RootId"] == stack.describe()["StackId"]
    assert innermost["ParentId"] == nested(stack).describe()["StackId"]


def test_a_nested_stack_that_fails_fails_its_outer_stack(stack: StackUnderTest) -> None:
    broken = {**INNER, "Resources": {"B": {"Type": "AWS::No::Such"}}, "Outputs": {}}
    assert stack.create(outer(stored(stack, broken), "w")) == "ROLLBACK_COMPLETE"
    (reason,) = [why for name, status, why in stack.history() if (name, status) == ("Inner", "CREATE_FAILED")]
    assert reason.startswith("Embedded stack arn:aws:cloudformation:")
    assert "was not successfully created: the embedded cloud does not emulate the resource type AWS::No::Such" in reason
    inner = StackUnderTest(stack.cloud, reason.split()[2])
    assert inner.describe()["StackStatus"] == "DELETE_COMPLETE"


def test_an_update_that_fails_elsewhere_brings_the_nested_stack_back(stack: StackUnderTest) -> None:
    url = stored(stack, INNER)
    stack.create(outer(url, "one"))
    worse = outer(url, "two", Bad={"Type": "AWS::No::Such", "DependsOn": "Inner"})
    assert stack.update(worse) == "UPDATE_ROLLBACK_COMPLETE"
    assert nested(stack).outputs()["Word"] == "one"


def test_a_nested_template_that_is_not_there(stack: StackUnderTest) -> None:
    assert stack.create(outer("https://s3.amazonaws.com/no-such-bucket-of-ours/t.json", "w")) == "ROLLBACK_COMPLETE"
    assert any("S3 error: The specified bucket does not exist" in why for _, _, why in stack.history())
