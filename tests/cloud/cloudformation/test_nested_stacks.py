"""Nested stacks: created, updated, rolled back and deleted with the stack that they are part of."""

import pytest

from tests.cloud.conftest import Cloud
from tests.support.cloud.nested_stacks import INNER, nested, outer, stored
from tests.support.cloud.stacks_api import StackUnderTest, parameter


@pytest.fixture
def stack(cloud: Cloud) -> StackUnderTest:
    return StackUnderTest(cloud)


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


def test_an_update_looks_into_a_nested_stack_whose_own_properties_stay(stack: StackUnderTest) -> None:
    url = stored(stack, INNER)
    stack.create(outer(url, "one"))
    stored(stack, {**INNER, "Resources": {**INNER["Resources"], "Q": parameter("more")}})
    assert stack.update(outer(url, "one")) == "UPDATE_COMPLETE"
    assert nested(stack).physical_id("Q")
