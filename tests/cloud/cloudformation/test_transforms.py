"""Transforms: AWS::Include, AWS::LanguageExtensions and macros of a user's own."""

import json
import uuid
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.cloud.conftest import Cloud
from tests.support.cloud.in_process import policy, zipped
from tests.support.cloud.stacks_api import StackUnderTest, of, parameter

EXPAND = ["CAPABILITY_AUTO_EXPAND", "CAPABILITY_NAMED_IAM"]
LANGUAGE = "AWS::LanguageExtensions"
MACRO = """
def handler(event, context):
    answer = {"requestId": event["requestId"], "status": "success"}
    kind = event["params"].get("Kind")
    if kind == "fails":
        return {**answer, "status": "failure", "errorMessage": "no such kind"}
    if kind == "breaks":
        raise ValueError("broken")
    fragment = event["fragment"]
    if kind == "text":
        return {**answer, "fragment": "made of " + event["templateParameterValues"]["Word"]}
    if "Resources" in fragment:
        for resource in fragment["Resources"].values():
            resource["Properties"]["Description"] = f"by {event['transformId'].split('::')[1]}"
    else:
        fragment["Description"] = event["params"]["Text"]
    return {**answer, "fragment": fragment}
"""


@pytest.fixture
def stack(cloud: Cloud) -> StackUnderTest:
    return StackUnderTest(cloud)


def create(stack: StackUnderTest, template: dict[str, Any], capabilities: list[str] = EXPAND, **values: str) -> str:
    parameters = [{"ParameterKey": key, "ParameterValue": value} for key, value in values.items()]
    stack.api.create_stack(
        StackName=stack.name, TemplateBody=json.dumps(template), Capabilities=capabilities, Parameters=parameters
    )
    return stack.status()


def processed(stack: StackUnderTest) -> Any:
    return stack.api.get_template(StackName=stack.name, TemplateStage="Processed")["TemplateBody"]


@pytest.fixture(scope="module")
def macro(cloud: Cloud) -> str:
    """The name of a registered macro."""
    name = f"macro{uuid.uuid4().hex[:8]}"
    trust = policy({"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"Service": "lambda.amazonaws.com"}})
    role = cloud.client("iam").create_role(RoleName=name, AssumeRolePolicyDocument=trust)["Role"]["Arn"]
    cloud.client("lambda").create_function(
        FunctionName=name,
        Runtime="python3.13",
        Role=role,
        Handler="m.handler",
        Code={"ZipFile": zipped({"m.py": MACRO})},
        Timeout=30,
    )
    registered = {"Type": "AWS::CloudFormation::Macro", "Properties": {"Name": name, "FunctionName": name}}
    assert StackUnderTest(cloud).create(of(M=registered)) == "CREATE_COMPLETE"
    return name


def test_a_loop_makes_resources_and_functions_are_worked_out(stack: StackUnderTest) -> None:
    names = {"Type": "CommaDelimitedList"}
    template = {
        "Transform": LANGUAGE,
        "Parameters": {"Names": names},
        "Mappings": {"Sizes": {"big": {"size": "9"}}},
        "Resources": {
            "Fn::ForEach::Names": [
                "Name",
                {"Ref": "Names"},
                {"P&{Name}": parameter({"Fn::Sub": "${Name} of ${AWS::StackName}"})},
            ],
            "Count": parameter({"Fn::Length": {"Ref": "Names"}}),
            "Json": parameter({"Fn::ToJsonString": {"a": ["b", {"Ref": "AWS::Region"}]}}),
            "Size": parameter({"Fn::FindInMap": ["Sizes", "small", "size", {"DefaultValue": "1"}]}),
            "Later": parameter({"Fn::ToJsonString": {"count": {"Fn::GetAtt": ["Count", "Value"]}}}),
        },
        "Outputs": {
            "Fn::ForEach::Out": ["Name", ["a-1", "b2"], {"Out&{Name}": {"Value": {"Ref": "P&{Name}"}}}],
            "Later": {"Value": {"Fn::GetAtt": ["Later", "Value"]}},
        },
    }
    assert create(stack, template, Names="a-1,b2") == "CREATE_COMPLETE"
    made = processed(stack)
    values = {name: item["Properties"]["Value"] for name, item in made["Resources"].items()}
    assert values == {
        "Pa1": f"a-1 of {stack.name}",
        "Pb2": f"b2 of {stack.name}",
        "Count": 2,
        "Json": '{"a":["b","us-east-1"]}',
        "Size": "1",
        "Later": {"Fn::ToJsonString": {"count": {"Fn::GetAtt": ["Count", "Value"]}}},
    }
    assert "Transform" not in made
    outputs = stack.outputs()
    assert outputs["Outa1"] == stack.physical_id("Pa1")
    assert outputs["Later"] == '{"count":"2"}'


def test_loops_within_loops(stack: StackUnderTest) -> None:
    inner = ["Inner", ["X", "Y"], {"P${Outer}${Inner}": parameter({"Ref": "Inner"})}]
    loop = {"Fn::ForEach::Outer": ["Outer", ["A", "B"], {"Fn::ForEach::Inner": inner}]}
    assert create(stack, {"Transform": [LANGUAGE], "Resources": loop}) == "CREATE_COMPLETE"
    assert {name for name, item in processed(stack)["Resources"].items()} == {"PAX", "PAY", "PBX", "PBY"}


@pytest.mark.parametrize(
    "resources",
    [
        {"Fn::ForEach::Each": ["X", ["a"], {"P${X}": parameter("a")}]},
        {"P": parameter({"Fn::Length": ["a"]})},
        {"P": parameter({"Fn::ToJsonString": {"a": "b"}})},
    ],
    ids=["ForEach", "Length", "ToJsonString"],
)
def test_the_language_needs_its_transform(stack: StackUnderTest, resources: dict[str, Any]) -> None:
    with pytest.raises(ClientError, match="need the transform AWS::LanguageExtensions, which this template does not"):
        create(stack, {"Resources": resources})


def test_a_macro_needs_a_capability_unless_a_change_set_shows_what_it_makes(stack: StackUnderTest) -> None:
    template = {"Transform": LANGUAGE, **of(P=parameter("p"))}
    with pytest.raises(stack.api.exceptions.InsufficientCapabilitiesException, match="CAPABILITY_AUTO_EXPAND"):
        create(stack, template, [])
    body = json.dumps(template)
    stack.api.create_change_set(StackName=stack.name, ChangeSetName="c", ChangeSetType="CREATE", TemplateBody=body)
    assert stack.api.describe_change_set(StackName=stack.name, ChangeSetName="c")["Status"] == "CREATE_COMPLETE"


def test_includes_at_every_level(stack: StackUnderTest) -> None:
    s3, name = stack.cloud.client("s3"), f"{stack.name}-snippets"
    s3.create_bucket(Bucket=name)
    s3.put_object(Bucket=name, Key="value.yml", Body="Value: !Sub 'in ${AWS::Region}'\n")
    s3.put_object(Bucket=name, Key="outputs.json", Body=json.dumps({"Outputs": {"Extra": {"Value": "extra"}}}))

    def include(key: str) -> dict[str, Any]:
        return {"Name": "AWS::Include", "Parameters": {"Location": {"Fn::Sub": f"s3://${{Bucket}}/{key}"}}}

    properties = {"Type": "String", "Fn::Transform": include("value.yml")}
    template = {
        "Transform": include("outputs.json"),
        "Parameters": {"Bucket": {"Type": "String"}},
        "Resources": {"P": {"Type": "AWS::SSM::Parameter", "Properties": properties}},
    }
    assert create(stack, template, Bucket=name) == "CREATE_COMPLETE"
    assert processed(stack)["Resources"]["P"]["Properties"] == {
        "Type": "String",
        "Value": {"Fn::Sub": "in ${AWS::Region}"},
    }
    assert stack.outputs() == {"Extra": "extra"}


def test_an_include_of_nothing_fails_the_change_set(stack: StackUnderTest) -> None:
    location = f"s3://{stack.name}-none/x.yml"
    template = {"Transform": {"Name": "AWS::Include", "Parameters": {"Location": location}}, **of(P=parameter("p"))}
    stack.api.create_change_set(
        StackName=stack.name, ChangeSetName="c", ChangeSetType="CREATE", TemplateBody=json.dumps(template)
    )
    found = stack.api.describe_change_set(StackName=stack.name, ChangeSetName="c")
    assert (found["Status"], found["StatusReason"]) == (
        "FAILED",
        f"Transform AWS::Include failed with: S3 bucket [{stack.name}-none] does not exist.",
    )


def test_a_macro_of_the_whole_template_and_one_of_a_resource(stack: StackUnderTest, macro: str) -> None:
    nested = {"Fn::Transform": {"Name": macro, "Parameters": {"Text": {"Ref": "Word"}}}}
    value = {"Fn::Transform": {"Name": macro, "Parameters": {"Kind": "text"}}}
    resources = {
        "A": {"Type": "AWS::SSM::Parameter", "Properties": {"Type": "String", "Value": "a", **nested}},
        "B": parameter(value),
    }
    template = {"Parameters": {"Word": {"Type": "String"}}, "Resources": resources}
    assert create(stack, template, Word="word") == "CREATE_COMPLETE"
    made = processed(stack)["Resources"]
    assert made["A"]["Properties"]["Description"] == "word"
    assert made["B"]["Properties"]["Value"] == "made of word"
    body = json.dumps({**template, "Transform": macro})
    previous = [{"ParameterKey": "Word", "UsePreviousValue": True}]
    stack.api.update_stack(StackName=stack.name, TemplateBody=body, Capabilities=EXPAND, Parameters=previous)
    assert stack.status() == "UPDATE_COMPLETE"
    assert processed(stack)["Resources"]["A"]["Properties"]["Description"] == f"by {macro}"
    assert stack.api.get_template(StackName=stack.name)["TemplateBody"]["Transform"] == macro


@pytest.mark.parametrize(
    ("kind", "reason"), [("fails", "failed with: no such kind"), ("breaks", "Received malformed response from")]
)
def test_a_macro_that_fails_fails_the_stack(stack: StackUnderTest, macro: str, kind: str, reason: str) -> None:
    template = {"Transform": {"Name": macro, "Parameters": {"Kind": kind}}, **of(P=parameter("p"))}
    assert create(stack, template) == "ROLLBACK_COMPLETE"
    (why,) = [why for _, status, why in stack.history() if status == "ROLLBACK_IN_PROGRESS"]
    assert reason in why
    assert why.endswith(". Rollback requested by user.")


def test_a_macro_that_is_not_there(stack: StackUnderTest) -> None:
    assert create(stack, {"Transform": "NoSuchMacro", **of(P=parameter("p"))}) == "ROLLBACK_COMPLETE"
    assert any("No transform named 123456789012::NoSuchMacro found." in why for _, _, why in stack.history())


@pytest.mark.parametrize(
    ("transform", "message"),
    [
        ("AWS::Serverless-2016-10-31", "the embedded cloud does not run the transform AWS::Serverless-2016-10-31"),
        ({"Name": {"Ref": "Name"}}, "Key Name of transform definition must be a string."),
    ],
)
def test_what_no_transform_can_be_is_refused(stack: StackUnderTest, transform: Any, message: str) -> None:
    with pytest.raises(ClientError) as refused:
        create(stack, {"Transform": transform, **of(P=parameter("p"))})
    assert refused.value.response["Error"]["Message"] == message
