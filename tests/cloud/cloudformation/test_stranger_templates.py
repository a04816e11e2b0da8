"""Templates as a stranger writes them, wrong in the ways that strangers are wrong: each is answered in words."""

import json
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.cloud.conftest import Cloud
from tests.support.cloud.stacks_api import StackUnderTest, Template, of, parameter

TOPIC: Template = {"Type": "AWS::SNS::Topic"}
NEVER = {"Conditions": {"Never": {"Fn::Equals": ["a", "b"]}}}


def refused(stack: StackUnderTest, template: Template) -> str:
    """What the call is refused with, as the service refuses: a ValidationError."""
    with pytest.raises(ClientError) as caught:
        stack.create(template)
    assert caught.value.response["Error"]["Code"] == "ValidationError"
    return str(caught.value.response["Error"]["Message"])


@pytest.mark.parametrize(
    ("value", "function"),
    [
        ({"Fn::Select": [0]}, "Fn::Select"),
        ({"Fn::Select": ["first", ["a"]]}, "Fn::Select"),
        ({"Fn::Join": [","]}, "Fn::Join"),
        ({"Fn::FindInMap": ["Map", "key"]}, "Fn::FindInMap"),
        ({"Fn::Split": ["a"]}, "Fn::Split"),
        ({"Fn::Cidr": ["here", 1, 8]}, "Fn::Cidr"),
        ({"Fn::If": ["Never", "a"]}, "Fn::If"),
        ({"Ref": ["a"]}, "Ref"),
        ({"Fn::Base64": {"a": 1}}, "Fn::Base64"),
        ({"Fn::Sub": {"a": 1}}, "Fn::Sub"),
    ],
)
def test_a_function_with_wrong_arguments_is_refused_by_its_name(cloud: Cloud, value: Any, function: str) -> None:
    reason = refused(StackUnderTest(cloud), of(Good=parameter("x"), Bad=parameter(value)) | NEVER)
    assert function in reason
    assert "Internal" not in reason


@pytest.mark.parametrize(
    ("conditions", "words"),
    [
        ({"Main": {"Fn::Equals": ["a"]}}, "Fn::Equals"),
        ({"Main": {"Condition": "Other"}, "Other": {"Condition": "Main"}}, "Circular"),
        ({"Main": {"Condition": "Missing"}}, "Missing"),
        ({"Main": "text"}, "not a condition"),
    ],
)
def test_a_condition_that_is_none_is_said(cloud: Cloud, conditions: Any, words: str) -> None:
    template = {"Conditions": conditions, "Resources": {"One": parameter("x") | {"Condition": "Main"}}}
    assert words in refused(StackUnderTest(cloud), template)


@pytest.mark.parametrize(
    ("template", "words"),
    [
        (of(One=parameter({"Fn::If": ["Missing", "a", "b"]})), "unresolved condition dependency Missing in Fn::If"),
        (of(One=parameter({"Fn::FindInMap": ["Map", "a", "b"]})), "Unable to get mapping for Map::a::b"),
        (of(One=parameter({"Fn::Select": [3, ["a"]]})), "an integer index and a list"),
        (
            of(One=parameter({"Fn::GetAtt": ["Two"]}), Two=parameter("x")),
            "every Fn::GetAtt object requires two non-empty parameters",
        ),
        (of(One=parameter(None)), "[/Resources/One/Properties/Value] 'null' values are not allowed in templates"),
        (of(One=parameter("x")) | {"Mappings": {"M": {"a": "b"}}}, "Every Mappings member a must be a map"),
        (of(One=parameter("x")) | {"Mappings": {"M": {"a": {"b": {}}}}}, "must be a String or a List"),
        (
            of(Off=parameter("x") | {"Condition": "Never"}, One=parameter({"Ref": "Off"})) | NEVER,
            "Unresolved resource dependencies [Off] in the Resources block of the template",
        ),
        (
            of(Off=parameter("x") | {"Condition": "Never"}, One=parameter("x"))
            | NEVER
            | {"Outputs": {"Off": {"Value": {"Fn::GetAtt": ["Off", "Value"]}}}},
            "Unresolved resource dependencies [Off] in the Outputs block of the template",
        ),
    ],
)
def test_what_can_be_known_is_said_before_anything_is_made(cloud: Cloud, template: Template, words: str) -> None:
    assert words in refused(StackUnderTest(cloud), template)


@pytest.mark.parametrize(
    ("template", "words"),
    [
        (of(One=parameter("x") | {"DependsOn": 5}), "DependsOn"),
        (of(One={"Type": "AWS::S3::Bucket", "Properties": ["a"]}), "Properties"),
        (of(One=parameter("x")) | {"Outputs": {"Name": "text"}}, "Outputs/Name"),
        (of(One=parameter("x")) | {"Outputs": {"Name": {}}}, "Value"),
        (of(One=parameter("x")) | {"Parameters": {"Name": "text"}}, "Parameters/Name"),
        (of(One=parameter("x")) | {"Description": "d" * 1025}, "1024"),
        (of(One=parameter("x")) | {"Metadata": {"Long": "m" * 51200}}, "51200"),
        (of(**{f"One{number}": parameter("x") for number in range(501)}), "500"),
    ],
)
def test_a_template_of_the_wrong_form_is_refused(cloud: Cloud, template: Template, words: str) -> None:
    assert words in refused(StackUnderTest(cloud), template)


def test_a_parameter_in_a_stack_with_aws_in_front_has_a_name_that_may_be(cloud: Cloud) -> None:
    stack = StackUnderTest(cloud, "aws-first")
    assert stack.create(of(P=parameter("a"))) == "CREATE_COMPLETE"
    assert stack.physical_id("P").startswith("CFN-P-")
    stack.delete()


def test_an_output_is_text(cloud: Cloud) -> None:
    stack = StackUnderTest(cloud)
    template = of(One=parameter("x")) | {"Outputs": {"Many": {"Value": {"Fn::Split": [",", "a,b"]}}}}
    assert stack.create(template) == "ROLLBACK_COMPLETE"
    assert any("must evaluate to a String" in reason for _, _, reason in stack.history())


def test_a_plan_takes_apart_what_is_not_known_yet(cloud: Cloud) -> None:
    """What CDK writes for the parts of an ARN: a change set must not look into a value that does not exist."""
    stack = StackUnderTest(cloud)
    last = {"Fn::Select": [5, {"Fn::Split": [":", {"Ref": "Topic"}]}]}
    network = {
        "Net": {"Type": "AWS::EC2::VPC", "Properties": {"CidrBlock": "10.7.0.0/16"}},
        "Block": parameter({"Fn::Select": [1, {"Fn::Cidr": [{"Fn::GetAtt": ["Net", "CidrBlock"]}, 2, 8]}]}),
    }
    template = of(Topic=TOPIC, Name=parameter(last), **network) | {"Outputs": {"Name": {"Value": last}}}
    made = {"StackName": stack.name, "ChangeSetName": "first", "ChangeSetType": "CREATE"}
    stack.api.create_change_set(**made, TemplateBody=json.dumps(template))
    planned = stack.api.describe_change_set(StackName=stack.name, ChangeSetName="first")
    assert planned["Status"] == "CREATE_COMPLETE", planned.get("StatusReason")
    stack.api.execute_change_set(StackName=stack.name, ChangeSetName="first")
    assert stack.status() == "CREATE_COMPLETE"
    assert stack.outputs()["Name"].startswith(stack.name)


def test_dynamic_references_are_resolved(cloud: Cloud) -> None:
    cloud.client("ssm").put_parameter(Name="/stranger/size", Value="large", Type="String", Overwrite=True)
    secret = json.dumps({"user": "me"})
    cloud.client("secretsmanager").create_secret(Name="stranger", SecretString=secret)
    stack = StackUnderTest(cloud)
    text = "{{resolve:ssm:/stranger/size}}-{{resolve:secretsmanager:stranger:SecretString:user}}"
    template = of(One=parameter(text, Name="/stranger/copy"))
    assert stack.create(template) == "CREATE_COMPLETE"
    assert cloud.client("ssm").get_parameter(Name="/stranger/copy")["Parameter"]["Value"] == "large-me"
    # the value is the service's, not the template's: the same template is no change
    with pytest.raises(ClientError, match="No updates"):
        stack.update(template)
    assert cloud.admin("verify", stack=stack.name)["right"]


def test_a_dynamic_reference_to_nothing_fails_the_resource(cloud: Cloud) -> None:
    stack = StackUnderTest(cloud)
    assert stack.create(of(One=parameter("{{resolve:ssm:/stranger/nowhere}}"))) == "ROLLBACK_COMPLETE"
    assert any("/stranger/nowhere" in reason for name, _, reason in stack.history() if name == "One")


PASSED_OVER: dict[str, Template] = {
    "RotationPeriodInDays": {"Type": "AWS::KMS::Key", "Properties": {"KeyPolicy": {}, "RotationPeriodInDays": 100}},
    "DataProtectionPolicy": {"Type": "AWS::Logs::LogGroup", "Properties": {"DataProtectionPolicy": {"Name": "x"}}},
    "NotificationConfiguration.EventBridgeConfiguration": {
        "Type": "AWS::S3::Bucket",
        "Properties": {"NotificationConfiguration": {"EventBridgeConfiguration": {"EventBridgeEnabled": True}}},
    },
}


@pytest.mark.parametrize("name", PASSED_OVER)
def test_a_property_that_nobody_takes_fails_the_deployment(cloud: Cloud, name: str) -> None:
    """Green must mean something: what the template wants is there, or the stack says that it is not."""
    stack = StackUnderTest(cloud)
    assert stack.create(of(Thing=PASSED_OVER[name])) == "ROLLBACK_COMPLETE"
    reasons = [
        reason for logical_id, status, reason in stack.history() if (logical_id, status) == ("Thing", "CREATE_FAILED")
    ]
    assert f"does not emulate {name} of {PASSED_OVER[name]['Type']}" in reasons[0]
    # what was begun is taken away again
    assert ("Thing", "DELETE_COMPLETE") in [(logical_id, status) for logical_id, status, _ in stack.history()]
