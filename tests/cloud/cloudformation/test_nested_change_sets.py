"""Change sets that look into nested stacks, as the CDK command asks for them."""

import json
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.cloud.conftest import Cloud
from tests.support.cloud.nested_stacks import INNER, nested, outer, stored
from tests.support.cloud.stacks_api import StackUnderTest, parameter

NAME = "changes"


@pytest.fixture
def stack(cloud: Cloud) -> StackUnderTest:
    return StackUnderTest(cloud)


def ask(stack: StackUnderTest, template: dict[str, Any], kind: str, *, inside: bool = True) -> dict[str, Any]:
    """Make a change set; the answer is its description."""
    stack.api.create_change_set(
        StackName=stack.name,
        ChangeSetName=NAME,
        ChangeSetType=kind,
        TemplateBody=json.dumps(template),
        IncludeNestedStacks=inside,
    )
    return described(stack, NAME)


def described(stack: StackUnderTest, name: str) -> dict[str, Any]:
    found: dict[str, Any] = stack.api.describe_change_set(StackName=stack.name, ChangeSetName=name)
    return found


def changes_of(found: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {item["ResourceChange"]["LogicalResourceId"]: item["ResourceChange"] for item in found["Changes"]}


def below(stack: StackUnderTest, found: dict[str, Any], name: str = "Inner") -> dict[str, Any]:
    """The change set of a nested stack, as its outer one names it."""
    change = changes_of(found)[name]
    return described(StackUnderTest(stack.cloud, change["PhysicalResourceId"]), change["ChangeSetId"])


def carry_out(stack: StackUnderTest) -> str:
    stack.api.execute_change_set(StackName=stack.name, ChangeSetName=NAME)
    return stack.status()


def test_a_new_stack_is_reviewed_with_the_stacks_in_it(stack: StackUnderTest) -> None:
    found = ask(stack, outer(stored(stack, INNER), "one"), "CREATE")
    assert (found["IncludeNestedStacks"], found["ExecutionStatus"]) == (True, "AVAILABLE")
    assert "ParentChangeSetId" not in found and "RootChangeSetId" not in found
    inner = below(stack, found)
    assert [change["Action"] for change in changes_of(inner).values()] == ["Add"]
    assert (inner["Status"], inner["ExecutionStatus"]) == ("CREATE_COMPLETE", "UNAVAILABLE")
    assert inner["StatusReason"] == "Only executable from the root change set."
    assert inner["ParentChangeSetId"] == inner["RootChangeSetId"] == found["ChangeSetId"]
    assert StackUnderTest(stack.cloud, inner["StackId"]).describe()["StackStatus"] == "REVIEW_IN_PROGRESS"
    assert carry_out(stack) == "CREATE_COMPLETE"
    assert nested(stack).describe()["StackId"] == inner["StackId"]
    assert described(nested(stack), inner["ChangeSetId"])["ExecutionStatus"] == "EXECUTE_COMPLETE"


def test_a_change_inside_is_told_where_nothing_of_the_outer_stack_changes(stack: StackUnderTest) -> None:
    url = stored(stack, INNER)
    stack.create(outer(url, "one"))
    stored(stack, {**INNER, "Resources": {"P": parameter("other words")}})
    found = ask(stack, outer(url, "one"), "UPDATE")
    change = changes_of(found)["Inner"]
    assert [(item["Evaluation"], item["ChangeSource"]) for item in change["Details"]] == [("Dynamic", "Automatic")]
    assert changes_of(below(stack, found))["P"]["Action"] == "Modify"
    assert carry_out(stack) == "UPDATE_COMPLETE"
    ssm = stack.cloud.client("ssm")
    assert ssm.get_parameter(Name=nested(stack).physical_id("P"))["Parameter"]["Value"] == "other words"


def test_who_does_not_ask_is_told_that_a_nested_stack_may_change(stack: StackUnderTest) -> None:
    url = stored(stack, INNER)
    stack.create(outer(url, "one"))
    found = ask(stack, outer(url, "one"), "UPDATE", inside=False)
    change = changes_of(found)["Inner"]
    assert (found["Status"], found["IncludeNestedStacks"]) == ("CREATE_COMPLETE", False)
    assert [item["ChangeSource"] for item in change["Details"]] == ["Automatic"]
    assert "ChangeSetId" not in change


def test_a_hierarchy_without_changes_has_none(stack: StackUnderTest) -> None:
    url = stored(stack, INNER)
    stack.create(outer(url, "one"))
    found = ask(stack, outer(url, "one"), "UPDATE")
    assert (found["Status"], found["Changes"]) == ("FAILED", [])
    assert found["StatusReason"].startswith("The submitted information didn't contain changes.")


def test_what_only_the_outer_stack_will_know_is_no_error_inside(stack: StackUnderTest) -> None:
    strict = {**INNER, "Parameters": {"Word": {"Type": "String", "AllowedPattern": "t-.*"}}}
    template = outer(stored(stack, strict), {"Ref": "Late"}, Late=parameter("x", Name=f"{stack.name}-late"))
    found = ask(stack, template, "CREATE")
    assert found["Status"] == "CREATE_COMPLETE"
    assert below(stack, found)["Status"] == "CREATE_COMPLETE"
    assert carry_out(stack) == "CREATE_COMPLETE"
    assert nested(stack).outputs()["Word"] == f"{stack.name}-late"


def test_a_failure_inside_fails_the_root_and_names_the_nested_change_set(stack: StackUnderTest) -> None:
    role = {"Type": "AWS::IAM::Role", "Properties": {"AssumeRolePolicyDocument": {}}}
    found = ask(stack, outer(stored(stack, {**INNER, "Resources": {"R": role}, "Outputs": {}}), "w"), "CREATE")
    inner = below(stack, found)
    assert found["Status"] == "FAILED"
    assert found["StatusReason"] == (
        f"Nested change set {inner['ChangeSetId']} was not successfully created: Currently in FAILED."
    )
    assert inner["StatusReason"] == "Requires capabilities : [CAPABILITY_IAM]"


def test_a_nested_change_set_lives_and_dies_with_the_root(stack: StackUnderTest) -> None:
    found = ask(stack, outer(stored(stack, INNER), "one"), "CREATE")
    inner = below(stack, found)
    api = stack.api
    for verb in (api.execute_change_set, api.delete_change_set):
        with pytest.raises(ClientError) as caught:
            verb(ChangeSetName=inner["ChangeSetId"])
        assert caught.value.response["Error"]["Code"] == "InvalidChangeSetStatus"
        assert found["ChangeSetId"] in str(caught.value)
    api.delete_change_set(StackName=stack.name, ChangeSetName=NAME)
    assert StackUnderTest(stack.cloud, inner["StackId"]).describe()["StackStatus"] == "DELETE_COMPLETE"
    with pytest.raises(ClientError, match="does not exist"):
        api.describe_change_set(ChangeSetName=inner["ChangeSetId"])


def test_a_creation_that_fails_early_leaves_no_stack_under_review(stack: StackUnderTest) -> None:
    template = outer(stored(stack, INNER), "one", Bad={"Type": "AWS::No::Such"})
    template["Resources"]["Inner"]["DependsOn"] = "Bad"
    inner = below(stack, ask(stack, template, "CREATE"))
    assert carry_out(stack) == "ROLLBACK_COMPLETE"
    assert StackUnderTest(stack.cloud, inner["StackId"]).status() == "DELETE_COMPLETE"


def test_stacks_within_nested_stacks_name_parent_and_root(stack: StackUnderTest) -> None:
    middle = {**outer(stored(stack, INNER), {"Ref": "Word"}), "Parameters": {"Word": {"Type": "String"}}}
    middle["Outputs"]["Word"] = {"Value": {"Ref": "Word"}}
    found = ask(stack, outer(stored(stack, middle, "middle.json"), "w"), "CREATE")
    between = below(stack, found)
    innermost = below(stack, between)
    assert innermost["ParentChangeSetId"] == between["ChangeSetId"]
    assert innermost["RootChangeSetId"] == between["RootChangeSetId"] == found["ChangeSetId"]
    assert carry_out(stack) == "CREATE_COMPLETE"
    assert nested(nested(stack)).describe()["StackId"] == innermost["StackId"]
