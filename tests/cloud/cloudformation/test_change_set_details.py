"""The details of a change set: why each property changes, against what was recorded from AWS.

Recorded in localstack/localstack, tests/aws/services/cloudformation/**/*.snapshot.json, April 2025 to February 2026,
read 1 December 2026. AWS gives the details of one property in no fixed order.
"""

import json
from typing import Any

import pytest

from tests.cloud.conftest import Cloud
from tests.support.cloud.stacks_api import StackUnderTest, of, parameter

STATIC = ("Static", "DirectModification", None)
DYNAMIC = ("Dynamic", "DirectModification", None)


@pytest.fixture
def stack(cloud: Cloud) -> StackUnderTest:
    return StackUnderTest(cloud)


def reasons(
    stack: StackUnderTest, template: dict[str, Any], logical_id: str, *, values: bool, **options: Any
) -> dict[tuple[str, str | None], set[tuple[str, str, str | None]]]:
    """Why a resource changes, by attribute and property."""
    name = f"set-{values}"
    stack.api.create_change_set(StackName=stack.name, ChangeSetName=name, TemplateBody=json.dumps(template), **options)
    found = stack.api.describe_change_set(StackName=stack.name, ChangeSetName=name, IncludePropertyValues=values)
    (change,) = [
        item["ResourceChange"] for item in found["Changes"] if item["ResourceChange"]["LogicalResourceId"] == logical_id
    ]
    told: dict[tuple[str, str | None], set[tuple[str, str, str | None]]] = {}
    for detail in change["Details"]:
        where = detail["Target"]["Attribute"], detail["Target"].get("Name")
        told.setdefault(where, set()).add((detail["Evaluation"], detail["ChangeSource"], detail.get("CausingEntity")))
    return told


@pytest.mark.parametrize("values", [False, True])
def test_what_changes_with_a_replaced_resource_is_no_direct_modification_without_values(
    stack: StackUnderTest, values: bool
) -> None:
    def template(name: str) -> dict[str, Any]:
        topic = {"Type": "AWS::SNS::Topic", "Properties": {"TopicName": f"{stack.name}-{name}"}}
        return of(T=topic, P=parameter({"Fn::GetAtt": ["T", "TopicName"]}))

    stack.create(template("one"))
    told = reasons(stack, template("two"), "P", values=values)
    cause = ("Static", "ResourceAttribute", "T.TopicName")
    assert told == {("Properties", "Value"): {cause, DYNAMIC} if values else {cause}}


@pytest.mark.parametrize("values", [False, True])
def test_a_new_parameter_is_a_cause(stack: StackUnderTest, values: bool) -> None:
    stack.create(of(P=parameter("one")))
    template = of(P=parameter({"Ref": "Word"})) | {"Parameters": {"Word": {"Type": "String", "Default": "two"}}}
    cause = ("Static", "ParameterReference", "Word")
    assert reasons(stack, template, "P", values=values) == {("Properties", "Value"): {cause, DYNAMIC}}


@pytest.mark.parametrize("before", ["AWS::SSM::Parameter::Value<String>", "String"])
def test_what_changes_in_the_systems_manager_is_no_cause(stack: StackUnderTest, before: str) -> None:
    ssm = stack.cloud.client("ssm")
    name = f"{stack.name}-source"
    ssm.put_parameter(Name=name, Value="one", Type="String")

    def template(kind: str) -> dict[str, Any]:
        return of(P=parameter({"Ref": "Word"})) | {"Parameters": {"Word": {"Type": kind}}}

    given = [{"ParameterKey": "Word", "ParameterValue": name}]
    stack.create(template(before), Parameters=given)
    ssm.put_parameter(Name=name, Value="two", Type="String", Overwrite=True)
    template_after = template("AWS::SSM::Parameter::Value<String>")
    told = reasons(stack, template_after, "P", values=True, Parameters=given)
    assert told == {("Properties", "Value"): {STATIC}}


def test_a_parameter_in_the_metadata_is_a_cause_too(stack: StackUnderTest) -> None:
    template = of(P=parameter({"Ref": "Word"}) | {"Metadata": {"Word": {"Ref": "Word"}}}) | {
        "Parameters": {"Word": {"Type": "String", "NoEcho": True}}
    }
    stack.create(template, Parameters=[{"ParameterKey": "Word", "ParameterValue": "one"}])
    found = stack.api.describe_stack_resource(StackName=stack.name, LogicalResourceId="P")["StackResourceDetail"]
    assert json.loads(found["Metadata"]) == {"Word": "one"}
    given = [{"ParameterKey": "Word", "ParameterValue": "two"}]
    both = {("Static", "ParameterReference", "Word"), DYNAMIC}
    assert reasons(stack, template, "P", values=False, Parameters=given) == {
        ("Metadata", None): both,
        ("Properties", "Value"): both,
    }


@pytest.mark.parametrize("policy", ["DeletionPolicy", "UpdateReplacePolicy"])
def test_a_policy_that_is_written_is_a_change_though_it_is_the_default(stack: StackUnderTest, policy: str) -> None:
    stack.create(of(P=parameter("one")))
    written = of(P=parameter("one") | {policy: "Delete"})
    assert reasons(stack, written, "P", values=False) == {(policy, None): {STATIC}}
    assert stack.update(written) == "UPDATE_COMPLETE"


def test_pieces_of_what_is_not_known_yet_cannot_be_joined(stack: StackUnderTest) -> None:
    pieces = {"Fn::Split": ["-", {"Fn::GetAtt": ["A", "Value"]}]}
    template = of(A=parameter("a-b"), B=parameter({"Fn::Join": ["_", pieces]}))
    stack.api.create_change_set(
        StackName=stack.name, ChangeSetName="new", ChangeSetType="CREATE", TemplateBody=json.dumps(template)
    )
    found = stack.api.describe_change_set(StackName=stack.name, ChangeSetName="new", IncludePropertyValues=True)
    assert found["Status"] == "CREATE_COMPLETE"
    assert found["StatusReason"].startswith("[WARN] --include-property-values option can return incomplete")
    assert "failed for resource [B] because: Template error: every Fn::Join object requires" in found["StatusReason"]
    stack.api.execute_change_set(StackName=stack.name, ChangeSetName="new")
    assert stack.status() == "CREATE_COMPLETE"


def test_of_two_names_that_begin_alike_the_longer_one_comes_first(stack: StackUnderTest) -> None:
    """As in the change set of `cdk bootstrap`, recorded in August 2025: test_cdk.snapshot.json."""
    names = ("Role", "RoleDefaultPolicy", "Bucket", "BucketPolicy")
    template = of(**{name: parameter(name) for name in names})
    stack.api.create_change_set(
        StackName=stack.name, ChangeSetName="new", ChangeSetType="CREATE", TemplateBody=json.dumps(template)
    )
    found = stack.api.describe_change_set(StackName=stack.name, ChangeSetName="new")["Changes"]
    told = [item["ResourceChange"]["LogicalResourceId"] for item in found]
    assert told == ["BucketPolicy", "Bucket", "RoleDefaultPolicy", "Role"]
