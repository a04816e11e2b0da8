"""Templates through the API: functions, parameters, conditions, change sets."""

import json
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.cloud.conftest import Cloud
from tests.support.cloud.stacks_api import StackUnderTest, bucket, of, parameter


@pytest.fixture
def stack(cloud: Cloud) -> StackUnderTest:
    return StackUnderTest(cloud)


def with_parameter(**declared: Any) -> dict[str, Any]:
    """A template with one parameter, Size, that becomes an output."""
    return {
        "Parameters": {"Size": {"Type": "String", **declared}},
        "Resources": {"A": parameter({"Fn::Join": ["", ["size-", {"Ref": "Size"}]]})},
        "Outputs": {"Size": {"Value": {"Ref": "Size"}}},
    }


def given(value: str) -> list[dict[str, str]]:
    return [{"ParameterKey": "Size", "ParameterValue": value}]


PREVIOUS = [{"ParameterKey": "Size", "UsePreviousValue": True}]


def refused(stack: StackUnderTest, template: dict[str, Any], **options: Any) -> str:
    with pytest.raises(ClientError) as caught:
        stack.create(template, **options)
    assert caught.value.response["Error"]["Code"] == "ValidationError"
    with pytest.raises(ClientError, match="does not exist"):
        stack.describe()
    return str(caught.value.response["Error"]["Message"])


def test_functions_and_pseudo_parameters(stack: StackUnderTest) -> None:
    outputs = {
        "Sub": {"Fn::Sub": ["${AWS::Region} ${Word} ${!Literal} ${A.Value}", {"Word": "word"}]},
        "Join": {"Fn::Join": ["-", ["a", {"Ref": "AWS::StackName"}]]},
        "Select": {"Fn::Select": [1, {"Fn::Split": ["/", "x/y/z"]}]},
        "Map": {"Fn::FindInMap": ["Numbers", {"Ref": "AWS::Region"}, "one"]},
        "Zones": {"Fn::Join": [",", {"Fn::GetAZs": ""}]},
        "Cidr": {"Fn::Select": [2, {"Fn::Cidr": ["10.0.0.0/16", 4, 8]}]},
        "Base64": {"Fn::Base64": "text"},
        "If": {"Fn::If": ["IsHere", "yes", "no"]},
        "Suffix": {"Ref": "AWS::URLSuffix"},
    }
    template = {
        "Mappings": {"Numbers": {"us-east-1": {"one": "1"}}},
        "Conditions": {
            "IsHere": {"Fn::And": [{"Fn::Equals": [{"Ref": "AWS::Region"}, "us-east-1"]}, {"Condition": "IsTrue"}]},
            "IsTrue": {"Fn::Not": [{"Fn::Or": [{"Fn::Equals": ["a", "b"]}, {"Fn::Equals": ["c", "d"]}]}]},
        },
        "Resources": {"A": parameter("value"), "B": {**parameter("b"), "Condition": "IsHere"}},
        "Outputs": {name: {"Value": value} for name, value in outputs.items()},
    }
    assert stack.create(template) == "CREATE_COMPLETE"
    assert stack.outputs() == {
        "Sub": "us-east-1 word ${Literal} value",
        "Join": f"a-{stack.name}",
        "Select": "y",
        "Map": "1",
        "Zones": "us-east-1a,us-east-1b,us-east-1c",
        "Cidr": "10.0.2.0/24",
        "Base64": "dGV4dA==",
        "If": "yes",
        "Suffix": "amazonaws.com",
    }


def test_a_resource_whose_condition_does_not_hold_is_not_there(stack: StackUnderTest) -> None:
    template = {
        "Parameters": {"On": {"Type": "String", "Default": "no"}},
        "Conditions": {"IsOn": {"Fn::Equals": [{"Ref": "On"}, "yes"]}},
        "Resources": {"A": parameter("a"), "B": {**parameter("b"), "Condition": "IsOn"}},
        "Outputs": {"B": {"Condition": "IsOn", "Value": {"Ref": "B"}}},
    }
    stack.create(template)
    assert stack.outputs() == {}
    stack.update(template, Parameters=[{"ParameterKey": "On", "ParameterValue": "yes"}])
    assert stack.outputs()["B"] == stack.physical_id("B")
    stack.update(template, Parameters=[{"ParameterKey": "On", "ParameterValue": "no"}])
    assert [event for event in stack.history() if event[:2] == ("B", "DELETE_COMPLETE")]


def test_yaml_with_short_forms(stack: StackUnderTest) -> None:
    body = """
Parameters:
  When: {Type: String, Default: 2012-10-17}
Resources:
  A:
    Type: AWS::SSM::Parameter
    Properties: {Type: String, Value: !Sub "${When} in ${AWS::Region}"}
Outputs:
  Value: {Value: !GetAtt A.Value}
  Chosen: {Value: !Select [0, !Split [",", "x,y"]]}
"""
    stack.api.create_stack(StackName=stack.name, TemplateBody=body)
    assert stack.status() == "CREATE_COMPLETE"
    assert stack.outputs() == {"Value": "2012-10-17 in us-east-1", "Chosen": "x"}
    assert stack.api.get_template(StackName=stack.name)["TemplateBody"] == body


@pytest.mark.parametrize(
    ("declared", "value", "message"),
    [
        ({"AllowedValues": ["a", "b"]}, "c", "must be one of"),
        ({"AllowedPattern": "[a-z]+"}, "C3", "must match pattern [a-z]+"),
        (
            {"AllowedPattern": "[a-z]+", "ConstraintDescription": "small letters"},
            "C3",
            "failed to satisfy constraint: small letters",
        ),
        ({"MinLength": 3}, "ab", "at least 3 characters"),
        ({"MaxLength": "1"}, "ab", "at most 1 characters"),
        ({"Type": "Number"}, "many", "must be a number"),
        ({"Type": "Number", "MinValue": 3}, "2", "not less than 3"),
        ({"Type": "Number", "MaxValue": 3}, "4", "not greater than 3"),
        ({"Type": "AWS::SSM::Parameter::Value<String>"}, "/not/there", "Unable to fetch parameters [/not/there]"),
    ],
)
def test_a_bad_parameter_is_refused_before_anything_happens(
    stack: StackUnderTest, declared: dict[str, Any], value: str, message: str
) -> None:
    assert message in refused(stack, with_parameter(**declared), Parameters=given(value))


def test_parameters_that_are_missing_or_unknown(stack: StackUnderTest) -> None:
    assert refused(stack, with_parameter()) == "Parameters: [Size] must have values"
    extra = [*given("1"), {"ParameterKey": "Colour", "ParameterValue": "red"}]
    assert "[Colour] do not exist" in refused(stack, with_parameter(), Parameters=extra)


def test_previous_values_stay_and_defaults_do_not_win_over_them(stack: StackUnderTest) -> None:
    stack.create(with_parameter(Default="small"))
    assert stack.outputs() == {"Size": "small"}
    stack.update(with_parameter(Default="small"), Parameters=given("large"))
    changed = with_parameter(Default="tiny")
    changed["Resources"]["B"] = parameter("b")
    stack.update(changed, Parameters=PREVIOUS)
    assert stack.outputs() == {"Size": "large"}


def test_no_echo_hides_the_value(stack: StackUnderTest) -> None:
    stack.create(with_parameter(NoEcho=True), Parameters=given("secret"))
    assert stack.describe()["Parameters"] == [{"ParameterKey": "Size", "ParameterValue": "****"}]


def test_a_value_from_the_systems_manager_is_read_at_each_deploy(stack: StackUnderTest) -> None:
    ssm = stack.cloud.client("ssm")
    ssm.put_parameter(Name=f"/{stack.name}/size", Value="first", Type="String")
    template = with_parameter(Type="AWS::SSM::Parameter::Value<String>", Default=f"/{stack.name}/size")
    stack.create(template)
    assert stack.outputs() == {"Size": "first"}
    ssm.put_parameter(Name=f"/{stack.name}/size", Value="second", Type="String", Overwrite=True)
    stack.update(template)
    assert stack.outputs() == {"Size": "second"}
    assert stack.describe()["Parameters"][0]["ResolvedValue"] == "second"


@pytest.mark.parametrize(
    ("template", "message"),
    [
        ({}, "At least one Resources member must be defined"),
        ({"Resources": {"A": {"Properties": {}}}}, "must contain a Type"),
        ({"Resources": {"A-1": {"Type": "AWS::S3::Bucket"}}}, "non alphanumeric"),
        ({"Resources": {"A": parameter({"Ref": "Nowhere"})}}, "Unresolved resource dependencies [Nowhere]"),
        ({"Resources": {"A": parameter({"Ref": "B"}), "B": parameter({"Ref": "A"})}}, "Circular dependency"),
        ({"Resources": {"A": parameter("a")}, "Extra": 1}, "Invalid template property or properties [Extra]"),
        ({"Resources": {"A": {**parameter("a"), "Condition": "Nothing"}}}, "Condition Nothing of A is not defined"),
    ],
)
def test_a_template_that_is_wrong_is_refused(stack: StackUnderTest, template: dict[str, Any], message: str) -> None:
    with pytest.raises(ClientError) as caught:
        stack.api.validate_template(TemplateBody=json.dumps(template))
    assert message in caught.value.response["Error"]["Message"]


def test_an_unknown_property_is_found_by_validation(stack: StackUnderTest) -> None:
    with pytest.raises(ClientError, match="unsupported property Colour"):
        stack.api.validate_template(TemplateBody=json.dumps(of(A=bucket(Colour="red"))))


def test_a_rule_that_does_not_hold_refuses_the_deploy(stack: StackUnderTest) -> None:
    template = with_parameter(Default="6")
    contains = {"Fn::Contains": [["1", "2"], {"Ref": "Size"}]}
    template["Rules"] = {"R": {"Assertions": [{"Assert": contains, "AssertDescription": "one or two"}]}}
    assert "one or two" in refused(stack, template)
    assert stack.create(template, Parameters=given("2")) == "CREATE_COMPLETE"


def test_a_template_from_s3(stack: StackUnderTest) -> None:
    s3, name = stack.cloud.client("s3"), f"{stack.name}-templates"
    s3.create_bucket(Bucket=name)
    s3.put_object(Bucket=name, Key="a/template.json", Body=json.dumps(with_parameter(Default="1")))
    for host in (stack.cloud.endpoint, "https://s3.us-east-1.amazonaws.com"):
        summary = stack.api.get_template_summary(TemplateURL=f"{host}/{name}/a/template.json")
        assert [item["ParameterKey"] for item in summary["Parameters"]] == ["Size"]
    with pytest.raises(ClientError, match="S3 error"):
        stack.api.get_template_summary(TemplateURL=f"{stack.cloud.endpoint}/{name}/none.json")


@pytest.mark.parametrize(
    ("operation", "params"),
    [
        ("DetectStackDrift", {"StackName": "none"}),
        ("DescribeStackResourceDrifts", {"StackName": "none"}),
        ("CreateStackSet", {"StackSetName": "none"}),
        ("CancelUpdateStack", {"StackName": "none"}),
        ("CreateGeneratedTemplate", {"GeneratedTemplateName": "none"}),
    ],
)
def test_an_operation_that_is_absent_says_so(stack: StackUnderTest, operation: str, params: dict[str, str]) -> None:
    with pytest.raises(ClientError) as caught:
        stack.api._make_api_call(operation, params)
    assert caught.value.response["Error"]["Code"] == "NotImplemented"
    assert (
        caught.value.response["Error"]["Message"] == f"the embedded cloud does not emulate cloudformation:{operation}"
    )


def test_a_summary_tells_parameters_and_identifiers_in_the_order_of_aws(stack: StackUnderTest) -> None:
    """Recorded in May 2023 and October 2025: localstack/localstack, test_kinesis and test_templates.snapshot.json."""
    topics: dict[str, Any] = {f"Topic{number}Name": {"Type": "String"} for number in (1, 2, 3)}
    topics["Topic1Name"]["AllowedValues"] = ["a"]
    trust = {"Fn::Sub": "${Topic1Name}"}
    role = {"Type": "AWS::IAM::Role", "Properties": {"AssumeRolePolicyDocument": trust}}
    template = of(P=parameter("p"), R=role, B=bucket(), C=bucket()) | {"Parameters": topics}
    summary = stack.api.get_template_summary(TemplateBody=json.dumps(template))
    assert [(item["ParameterKey"], item["ParameterConstraints"]) for item in summary["Parameters"]] == [
        ("Topic2Name", {}),
        ("Topic1Name", {"AllowedValues": ["a"]}),
        ("Topic3Name", {}),
    ]
    assert summary["ResourceIdentifierSummaries"] == [
        {"ResourceType": "AWS::S3::Bucket", "LogicalResourceIds": ["B", "C"], "ResourceIdentifiers": ["BucketName"]},
        {"ResourceType": "AWS::SSM::Parameter", "LogicalResourceIds": ["P"], "ResourceIdentifiers": ["Name"]},
        {"ResourceType": "AWS::IAM::Role", "LogicalResourceIds": ["R"], "ResourceIdentifiers": ["RoleName"]},
    ]
    assert summary["CapabilitiesReason"] == "The following resource(s) require capabilities: [AWS::IAM::Role]"


def test_a_parameter_from_the_systems_manager_cannot_be_empty(stack: StackUnderTest) -> None:
    """As AWS told it in 2020: buildkite/elastic-ci-stack-for-aws#691."""
    for options in ({"Default": ""}, {}):
        declared = with_parameter(Type="AWS::SSM::Parameter::Value<String>", **options)
        assert refused(stack, declared) == "Parameter Size should either have input value or default value"
