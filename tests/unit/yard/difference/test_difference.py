"""What a deploy would change, over pairs of templates."""

import copy
import random
from collections.abc import Mapping
from typing import Any

import pytest

from tests.support.differences import bucket, compared, machine, only, policy, role, stack
from yard.difference.fields import Field, differences
from yard.difference.jobs import losing_runs
from yard.difference.markdown import markdown
from yard.difference.report import ResourceChange, Right
from yard.difference.sides import Side, Stack, as_stored
from yard.difference.text import lines

TEMPLATE = {
    "Parameters": {"Count": {"Type": "String", "Default": "", "AllowedPattern": "[0-9]*"}},
    "Conditions": {"CountGiven": {"Fn::Not": [{"Fn::Equals": [{"Ref": "Count"}, ""]}]}},
    "Resources": {
        "Job": machine("digits", compute={"count": 2}, limits={"max_runtime": 3600}),
        "Data": bucket(BucketName="data", Tags=[{"Key": "owner", "Value": "a"}, {"Key": "stage", "Value": "dev"}]),
        "Role": role(("Allow", ["s3:GetObject"], {"Fn::GetAtt": ["Data", "Arn"]})),
        "Vpc": {"Type": "AWS::EC2::VPC", "Properties": {"CidrBlock": "10.0.0.0/16"}, "DeletionPolicy": "Retain"},
    },
    "Outputs": {"Data": {"Value": {"Ref": "Data"}, "Export": {"Name": "data"}}},
}


def test_equal_templates_differ_in_nothing() -> None:
    side = [Stack(name="one", template=TEMPLATE)]
    found = compared(side, [Stack(name="one", template=copy.deepcopy(TEMPLATE))])
    assert found.is_empty
    assert list(lines(found)) == ["While nothing runs: 0.00 USD a month (as before; before free tiers)."]


def places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Every value of a template that can be changed."""
    if isinstance(value, Mapping):
        return [place for key, inner in value.items() for place in places(inner, (*path, key))]
    if isinstance(value, list) and value:
        return [place for number, inner in enumerate(value) for place in places(inner, (*path, number))]
    return [path]


@pytest.mark.parametrize("place", places(TEMPLATE), ids=lambda place: ".".join(map(str, place)))
def test_whatever_differs_is_found(place: tuple[Any, ...]) -> None:
    changed = copy.deepcopy(TEMPLATE)
    at: Any = changed
    for key in place[:-1]:
        at = at[key]
    at[place[-1]] = "AWS::Other::Thing" if place[-1] == "Type" and place[0] == "Resources" else "something else"
    found = compared([Stack(name="one", template=TEMPLATE)], [Stack(name="one", template=changed)])
    assert not found.is_empty
    assert list(lines(found))


def some_value(choose: random.Random, depth: int = 3) -> Any:
    kind = choose.choice(["text", "number", "none", "json", *(["table", "list", "named"] if depth else [])])
    if kind == "table":
        return {choose.choice("abcd"): some_value(choose, depth - 1) for _ in range(choose.randrange(4))}
    if kind == "list":
        return [some_value(choose, depth - 1) for _ in range(choose.randrange(3))]
    if kind == "named":
        return [{"Key": key, "Value": some_value(choose, depth - 1)} for key in choose.sample("abc", 2)]
    return {"text": choose.choice("ab"), "number": choose.randrange(2), "none": None, "json": '{"a": 1}'}[kind]


def test_values_differ_in_something_exactly_if_they_are_not_equal() -> None:
    choose, both = random.Random(14), set()
    for _ in range(3000):
        one, other = some_value(choose), some_value(choose)
        both.add(one == other)
        assert bool(list(differences(one, other))) == (one != other), (one, other)
        assert list(differences(one, copy.deepcopy(one))) == []
    assert both == {True, False}


def test_a_jobs_changes_are_told_by_its_files_keys_and_in_its_files_units() -> None:
    before = machine("digits", compute={"count": 2}, limits={"max_runtime": 3600}, hyperparameters={"epochs": 3})
    after = machine("digits", compute={"count": 4}, limits={"max_runtime": 5400}, hyperparameters={"epochs": 3})
    found = only({"Job": before}, {"Job": after})
    assert [(one.path, one.before, one.after) for one in found.jobs[0].fields] == [
        ("compute.count", 2, 4),
        ("limits.max_runtime", "1h", "1h30m"),
    ]
    assert "  ~ digits" in list(lines(found))
    assert not any("DefinitionString" in line for line in lines(found)), "said twice"


def test_jobs_come_go_and_move() -> None:
    before = [stack("one", {"A": machine("stays"), "B": machine("goes"), "C": machine("moves")}), stack("two", {})]
    after = [stack("one", {"A": machine("stays"), "D": machine("comes")}), stack("two", {"C": machine("moves")})]
    found = compared(before, after, running={"goes": 2, "moves": 1, "stays": 1})
    assert [(one.job, one.action, one.running) for one in found.jobs] == [
        ("comes", "added", 0),
        ("goes", "removed", 2),
        ("moves", "moved", 1),
    ]
    assert "    2 runs in progress lose the state machine: wait for the end, or stop it (yard stop goes)" in [
        line.removeprefix("  ") for line in lines(found)
    ]


def test_a_search_is_lost_with_its_own_state_machine() -> None:
    plain, tuned = machine("digits"), machine("digits", tuning={"max_jobs": 4})
    search = {**tuned, "Properties": {**tuned["Properties"], "StateMachineName": "vision-dev-digits_search"}}
    moves = {**search, "Properties": {**search["Properties"], "StateMachineName": "vision-dev-moves_search"}}
    moves["Properties"]["DefinitionString"] = machine("moves")["Properties"]["DefinitionString"]
    before = [stack("one", {"A": tuned, "S": search, "M": machine("moves"), "N": moves}), stack("two", {})]
    after = [stack("one", {"A": plain}), stack("two", {"M": machine("moves"), "N": moves})]
    assert losing_runs(Side(before), Side(after)) == (["moves"], ["digits", "moves"])
    assert losing_runs(Side(before), Side(before)) == ([], [])
    found = compared(before, after, searching={"digits": 1, "moves": 2})
    assert [(one.job, one.action, one.searching) for one in found.jobs] == [
        ("digits", "changed", 1),
        ("moves", "moved", 2),
    ]
    said = [line.strip() for line in lines(found)]
    assert (
        "a search in progress loses the state machine: wait for the end, or stop it (yard tune --stop digits)" in said
    )
    assert (
        "2 searches in progress lose the state machine: wait for the end, or stop it (yard tune --stop moves)" in said
    )


def test_rights_are_told_by_action_and_resource_through_policies_of_other_stacks() -> None:
    def sides(*statements: tuple[str, Any, Any]) -> list[Stack]:
        shared = {"Type": "AWS::IAM::ManagedPolicy", "Properties": {"PolicyDocument": policy(*statements)}}
        output = {"Value": {"Ref": "Shared"}, "Export": {"Name": "shared"}}
        user = {"Type": "AWS::IAM::Role", "Properties": {"ManagedPolicyArns": [{"Fn::ImportValue": "shared"}]}}
        return [
            stack("base", {"Shared": shared, "Data": bucket()}, Outputs={"Shared": output}),
            stack("jobs", {"Role": user}),
        ]

    data = {"Fn::Join": ["", [{"Fn::GetAtt": ["Data", "Arn"]}, "/*"]]}
    found = compared(
        sides(("Allow", ["s3:GetObject"], data)), sides(("Allow", ["s3:GetObject", "s3:DeleteObject"], data))
    )
    assert [(one.who, one.stack) for one in found.rights] == [("role Role", "jobs")]
    assert found.rights[0].gained == [
        Right(effect="Allow", action="s3:DeleteObject", resource="<Data>/*", condition="")
    ]
    assert found.rights[0].lost == []
    assert "      + s3:DeleteObject on <Data>/*" in list(lines(found))


def test_a_role_that_goes_loses_all_its_rights() -> None:
    found = only({"Role": role(("Allow", ["a:B", "a:C"], "*"))}, {})
    assert found.rights[0].action == "removed"
    assert [right.action for right in found.rights[0].lost] == ["a:B", "a:C"]


def test_a_create_only_property_replaces_and_so_it_goes_on_to_what_is_made_from_it() -> None:
    def network(cidr: str) -> dict[str, Any]:
        subnet = {"VpcId": {"Ref": "Vpc"}, "CidrBlock": "10.0.0.0/24"}
        return {
            "Vpc": {"Type": "AWS::EC2::VPC", "Properties": {"CidrBlock": cidr}},
            "Subnet": {"Type": "AWS::EC2::Subnet", "Properties": subnet},
            "Other": bucket(Tags=[]),
        }

    found = only(network("10.0.0.0/16"), network("10.1.0.0/16"))
    assert [(one.resource, one.action, one.replacing, one.certain) for one in found.resources] == [
        ("Vpc", "replaced", ("CidrBlock",), True),
        ("Subnet", "replaced", ("VpcId",), True),
    ]


def test_what_only_the_deploy_can_tell_is_not_called_certain() -> None:
    given = only({"Data": bucket(BucketName="a")}, {"Data": bucket(BucketName={"Ref": "Name"})})
    assert (given.resources[0].action, given.resources[0].certain) == ("replaced", False)
    engine = lambda name: {"Db": {"Type": "AWS::RDS::DBInstance", "Properties": {"Engine": name}}}  # noqa: E731
    conditional = only(engine("mysql"), engine("postgres"))
    assert (conditional.resources[0].action, conditional.resources[0].certain) == ("replaced", False)
    assert any("may be replaced, as Engine changes" in line for line in lines(conditional))


@pytest.mark.parametrize(
    ("policies", "loses", "keeps"),
    [
        ({}, "3 objects", False),
        ({"UpdateReplacePolicy": "Retain"}, "", True),
        ({"DeletionPolicy": "Retain"}, "3 objects", False),
    ],
)
def test_a_replacement_says_which_data_it_costs(policies: dict[str, str], loses: str, keeps: bool) -> None:
    def contents(change: ResourceChange) -> str:
        assert change.physical == "real-data"
        return "3 objects"

    before, after = {"Data": bucket(BucketName="a") | policies}, {"Data": bucket(BucketName="b") | policies}
    found = only(before, after, contents=contents)
    assert (found.resources[0].loses, found.resources[0].keeps, found.loses_data) == (loses, keeps, bool(loses))


def test_a_removal_costs_data_unless_the_deployed_policy_keeps_it() -> None:
    lost = only({"Data": bucket()}, {}, contents=lambda _: "3 objects")
    assert lost.resources[0].loses == "3 objects"
    kept = only({"Data": bucket() | {"DeletionPolicy": "RetainExceptOnCreate"}}, {}, contents=lambda _: "3 objects")
    assert (kept.resources[0].loses, kept.resources[0].keeps) == ("", True)


def test_a_value_that_was_given_for_a_parameter_is_lost_with_it() -> None:
    declared = {"DigitsCount": {"Type": "String", "Default": ""}}
    before = Stack(name="one", template={"Resources": {}, "Parameters": declared}, parameters={"DigitsCount": "4"})
    found = compared([before], [stack("one", {})])
    assert [(one.parameter, one.action, one.value) for one in found.parameters] == [("DigitsCount", "removed", "4")]
    assert "  - DigitsCount of one: the value '4' that was given is lost" in list(lines(found))


def test_a_stack_that_the_app_no_longer_has_is_named_and_its_resources_stay() -> None:
    left = stack("old", {"Key": {"Type": "AWS::KMS::Key"}, "Job": machine("digits")})
    found = compared([stack("one", {}), left], [stack("one", {})], left_over=[left])
    assert [(one.stack, one.action, one.resources) for one in found.stacks] == [("old", "left over", 2)]
    assert [(one.job, one.action) for one in found.jobs] == [("digits", "left over")]
    assert found.resources == []
    assert found.monthly_usd_before == found.monthly_usd_after > 0


def test_the_monthly_cost_is_told_before_and_after() -> None:
    found = only({}, {"Key": {"Type": "AWS::KMS::Key"}})
    assert (found.monthly_usd_before, found.monthly_usd_after) == (0, 1)
    assert list(lines(found))[-1] == "While nothing runs: 1.00 USD a month (0.00 USD before; before free tiers)."


def test_what_changes_alike_everywhere_is_said_once_with_its_setting() -> None:
    def groups(days: int) -> dict[str, Any]:
        group = {"Type": "AWS::Logs::LogGroup", "Properties": {"RetentionInDays": days}}
        return {"A": group, "B": group}

    assert "  ~ retention.log_days: 90 -> 30 (2 resources)" in list(lines(only(groups(90), groups(30))))


def test_tags_are_compared_by_their_keys() -> None:
    before = [{"Key": "owner", "Value": "a"}, {"Key": "stage", "Value": "dev"}]
    after = [{"Key": "cost", "Value": "1"}, {"Key": "owner", "Value": "b"}, {"Key": "stage", "Value": "dev"}]
    assert list(differences({"Tags": before}, {"Tags": after})) == [
        Field(path="Tags.owner", before="a", after="b"),
        Field(path="Tags.cost", before=None, after="1"),
    ]


def test_letters_that_cloudformation_does_not_keep_are_no_difference() -> None:
    template = {"Resources": {"Data": bucket(Tags=[{"Key": "owner", "Value": "M\u00fcller"}])}}
    stored = {"Resources": {"Data": bucket(Tags=[{"Key": "owner", "Value": "M?ller"}])}}
    assert as_stored(template) == stored


def test_how_cdk_was_called_is_no_difference() -> None:
    plain = {"Data": bucket()}
    with_path = {"Data": bucket() | {"Metadata": {"aws:cdk:path": "one/Storage/Data/Resource"}}}
    counted = with_path | {"CDKMetadata": {"Type": "AWS::CDK::Metadata"}}
    assert only(plain, counted).is_empty


def test_markdown_folds_what_is_long_and_stays_literal() -> None:
    tags = lambda owner: {"Data": bucket(Tags=[{"Key": "owner", "Value": owner}])}  # noqa: E731
    written = list(markdown(only(tags("a"), tags("b ``` </details>"))))
    assert "<details><summary>Resources (1 lines)</summary>" in written
    assert written.count("````diff") == written.count("````") == 1, "a longer fence than any in the text"
    assert next(iter(markdown(only({}, {})))) == "### What a deploy would change: nothing"
    lost = list(markdown(only({"Data": bucket()}, {}, contents=lambda _: "3 objects")))
    assert "> **Data would be lost** with 1 resource." in lost


def test_what_a_new_stack_brings_is_counted_and_not_listed() -> None:
    resources = {
        "Data": bucket(),
        "Role": role(("Allow", ["a:B", "a:C"], "*")),
        "Images": {"Type": "AWS::ECR::Repository"},
    }
    found = compared([], [stack("one", resources)])
    assert [one.action for one in found.resources] == ["added"] * 3, "a program gets all of them"
    assert list(lines(found)) == [
        "Stacks",
        "  + one: 3 resources, 0.00 USD a month while nothing runs",
        "",
        "Rights",
        "  + role Role (one): 2 rights (--json lists them)",
        "",
        "While nothing runs: 0.00 USD a month (as before; before free tiers).",
    ]
