"""CloudFormation's language, without a cloud: parsing, functions, order, parameters, plans."""

import json
import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from embedded.cloudformation.errors import TemplateError
from embedded.cloudformation.templates import graph, parameters
from embedded.cloudformation.templates.intrinsics import NO_VALUE, Resolver, references
from embedded.cloudformation.templates.order import hashed
from embedded.cloudformation.templates.parameters import work_out
from embedded.cloudformation.templates.template import parse


class Names:
    """A lookup in dicts."""

    def __init__(self, refs: dict[str, Any] | None = None, attributes: dict[str, Any] | None = None) -> None:
        self.refs, self.attributes = refs or {}, attributes or {}

    def ref(self, name: str) -> Any:
        return self.refs[name]

    def attribute(self, logical_id: str, name: str) -> Any:
        return self.attributes[f"{logical_id}.{name}"]

    def imported(self, name: str) -> Any:
        return f"imported {name}"


def resolver(**names: Any) -> Resolver:
    return Resolver(
        lookup=Names(**names), region="us-east-1", mappings={}, conditions={"Yes": {"Fn::Equals": ["a", "a"]}}
    )


def no_ssm(name: str) -> str:
    raise LookupError(name)


def test_no_value_leaves_a_property_and_an_item_out() -> None:
    value = {"Kept": 1, "Gone": {"Ref": "AWS::NoValue"}, "Items": [1, {"Ref": "AWS::NoValue"}, 2]}
    assert resolver().resolve(value) == {"Kept": 1, "Items": [1, 2]}
    assert resolver().resolve({"Ref": "AWS::NoValue"}) is NO_VALUE


def test_if_resolves_only_the_branch_that_holds() -> None:
    value = {"Fn::If": ["Yes", "chosen", {"Ref": "not there"}]}
    assert resolver().resolve(value) == "chosen"


def test_sub_knows_attributes_variables_and_literals() -> None:
    names = resolver(refs={"A": "ref"}, attributes={"B.Arn": "attribute", "B.Nested.Name": "nested"})
    text = "${A} ${B.Arn} ${B.Nested.Name} ${Own} ${!Literal}"
    resolved = names.resolve({"Fn::Sub": [text, {"Own": {"Ref": "A"}}]})
    assert resolved == "ref attribute nested ref ${Literal}"


def test_a_booleans_text_is_small() -> None:
    assert resolver().resolve({"Fn::Join": ["", [True, 1, "x"]]}) == "true1x"


def test_an_unknown_function_is_named() -> None:
    with pytest.raises(TemplateError, match="Fn::ForEach"):
        resolver().resolve({"Fn::ForEach": []})


@given(
    st.recursive(
        st.integers() | st.text() | st.booleans(),
        lambda inner: st.lists(inner) | st.dictionaries(st.text(alphabet="abcXYZ", min_size=1), inner, min_size=2),
        max_leaves=20,
    )
)
def test_a_value_without_functions_stays_as_it_is(value: Any) -> None:
    assert resolver().resolve(value) == value


def test_references_are_found_in_every_form() -> None:
    value = [
        {"Ref": "A"},
        {"Fn::GetAtt": ["B", "Arn"]},
        {"Fn::GetAtt": "C.Arn"},
        {"Fn::Sub": "${D} ${E.Arn} ${!F} ${AWS::Region}"},
        {"Fn::Sub": ["${G} ${Own}", {"Own": {"Ref": "H"}}]},
        {"Fn::If": ["Condition", {"Ref": "I"}, "no"]},
    ]
    assert references(value) == {"A", "B", "C", "D", "E", "AWS::Region", "G", "H", "I"}


def template(**resources: Any) -> Any:
    return parse(json.dumps({"Resources": resources}))


def of_type(properties: Any = None, **more: Any) -> dict[str, Any]:
    return {"Type": "AWS::SSM::Parameter", "Properties": properties or {}, **more}


def test_order_follows_references_and_depends_on() -> None:
    found = template(Last=of_type({"Value": {"Ref": "Middle"}}), Middle=of_type(DependsOn=["First"]), First=of_type())
    assert graph.in_order(found.resources) == ["First", "Middle", "Last"]


def test_json_and_yaml_say_the_same() -> None:
    properties = "{BucketName: !Join ['-', [a, !Ref B]], Tag: !If [C, 1, 2]}"
    body = f"Resources: {{A: {{Type: 'AWS::S3::Bucket', Properties: {properties}}}}}"
    assert parse(body).resources["A"].properties == {
        "BucketName": {"Fn::Join": ["-", ["a", {"Ref": "B"}]]},
        "Tag": {"Fn::If": ["C", 1, 2]},
    }


def test_a_date_in_yaml_stays_text() -> None:
    assert (
        parse("AWSTemplateFormatVersion: 2010-09-09\nResources: {A: {Type: T}}").document["AWSTemplateFormatVersion"]
        == "2010-09-09"
    )


@pytest.mark.parametrize("body", ["", "- a", "{", "Resources: [a]", "a: &x [*x"])
def test_what_is_no_template_is_refused(body: str) -> None:
    with pytest.raises(TemplateError):
        parse(body)


def test_a_list_parameter_is_a_list() -> None:
    values = work_out({"L": {"Type": "CommaDelimitedList", "Default": "a, b,c"}}, [], {}, no_ssm)
    assert values["L"].value == ["a", "b", "c"]
    empty = work_out({"L": {"Type": "CommaDelimitedList", "Default": ""}}, [], {}, no_ssm)
    assert empty["L"].value == []


def test_a_given_empty_string_is_a_value() -> None:
    declared = {"P": {"Type": "String", "Default": "default"}}
    given_empty = [{"ParameterKey": "P", "ParameterValue": ""}]
    assert work_out(declared, given_empty, {}, no_ssm)["P"].value == ""


def test_a_previous_value_that_breaks_a_new_constraint_is_refused() -> None:
    previous = {"P": parameters.Parameter(name="P", given="old", value="old")}
    declared = {"P": {"Type": "String", "AllowedValues": ["new"]}}
    use = [{"ParameterKey": "P", "UsePreviousValue": True}]
    with pytest.raises(TemplateError, match="must be one of"):
        work_out(declared, use, previous, no_ssm)


def test_a_comma_after_the_last_member_is_read() -> None:
    """AWS deployed such a template in April 2024 (localstack/localstack, cfn_lambda_serverless.yml)."""
    body = '{"Resources": {"A": {"Type": "AWS::S3::Bucket",}, }, "Description": "one,} two,]",}'
    assert parse(body).description == "one,} two,]"
    assert list(parse(body).resources) == ["A"]


@pytest.mark.parametrize(
    ("body", "place"),
    [
        ('{"this is invalid JSON"="bobbins"}', "(line 1, column 25)"),
        ('{"A": [1,],\n "B"="C"}', "(line 2, column 6)"),
    ],
)
def test_json_that_is_not_well_formed_is_told_with_its_place(body: str, place: str) -> None:
    """Recorded in June 2024: localstack/localstack, test_templates.snapshot.json."""
    with pytest.raises(TemplateError, match=re.escape(f"Template format error: JSON not well-formed. {place}")):
        parse(body)


@pytest.mark.parametrize(
    "names",
    [
        ["KinesisRoleName", "DeliveryStreamName", "KinesisStreamName"],
        ["Topic2Name", "Topic1Name", "Topic3Name"],
        ["BucketName", "EnvType"],
        ["AWS::S3::Bucket", "AWS::IAM::Role", "AWS::Kinesis::Stream", "AWS::KinesisFirehose::DeliveryStream"],
    ],
)
def test_names_have_the_order_of_a_hash_map(names: list[str]) -> None:
    """The lists as they were recorded from AWS: see the module."""
    assert hashed(sorted(names)) == names
