"""Roles: exact actions on this project's things, for one service each, within one account."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from checks.rules.model import Assembly, as_list
from tests.support.some import some
from tests.support.templates import Scenario, one

ROLES = ("Training", "Notebook", "Build")


def statements(assembly: Assembly, role: str) -> list[dict[str, Any]]:
    policy = one(assembly, "AWS::IAM::ManagedPolicy", f"Identity{role}Policy")
    found: list[dict[str, Any]] = policy.properties["PolicyDocument"]["Statement"]
    return found


def everywhere(assembly: Assembly) -> Iterator[tuple[str, dict[str, Any]]]:
    for policy in assembly.resources("AWS::IAM::ManagedPolicy", "AWS::IAM::Policy"):
        for statement in policy.properties["PolicyDocument"]["Statement"]:
            yield policy.where, statement
    for role in assembly.resources("AWS::IAM::Role"):
        for policy in role.properties.get("Policies", []):
            for statement in policy["PolicyDocument"]["Statement"]:
                yield role.where, statement


@pytest.mark.parametrize(
    ("role", "service"),
    [("Training", "sagemaker"), ("Notebook", "sagemaker"), ("Build", "codebuild")],
)
def test_a_role_is_for_one_service_of_this_account(dev: Assembly, role: str, service: str) -> None:
    (trust,) = one(dev, "AWS::IAM::Role", f"Identity{role}Role").properties["AssumeRolePolicyDocument"]["Statement"]
    assert trust["Principal"] == {"Service": f"{service}.amazonaws.com"}
    assert trust["Condition"] == {"StringEquals": {"aws:SourceAccount": {"Ref": "AWS::AccountId"}}}


def test_no_policy_of_aws_is_attached_anywhere(everything: Assembly) -> None:
    for role in some(everything.resources("AWS::IAM::Role")):
        assert ":aws:policy/" not in json.dumps(role.properties.get("ManagedPolicyArns", []))


def test_no_action_holds_a_wildcard(everything: Assembly) -> None:
    found = [
        (where, action)
        for where, statement in some(everywhere(everything))
        for action in as_list(statement["Action"])
        if "*" in action
    ]
    assert not found


def test_roles_are_passed_to_one_service_and_by_name(everything: Assembly) -> None:
    passes = [s for _, s in everywhere(everything) if "iam:PassRole" in as_list(s["Action"])]
    assert passes
    for statement in passes:
        assert as_list(statement["Action"]) == ["iam:PassRole"]
        assert statement["Condition"] == {"StringEquals": {"iam:PassedToService": "sagemaker.amazonaws.com"}}
        assert all(resource != "*" for resource in as_list(statement["Resource"]))


def test_a_notebook_passes_the_training_role_and_no_other(everything: Assembly) -> None:
    (passes,) = [s for s in statements(everything, "Notebook") if "iam:PassRole" in as_list(s["Action"])]
    training = one(everything, "AWS::IAM::Role", "IdentityTrainingRole")
    assert passes["Resource"] == {"Fn::GetAtt": [training.logical_id, "Arn"]}


def test_only_calls_that_take_no_resource_are_allowed_on_all(dev: Assembly) -> None:
    without_resource = {
        "cloudwatch:PutMetricData",
        "ec2:DeleteNetworkInterfacePermission",
        "ec2:DescribeDhcpOptions",
        "ec2:DescribeNetworkInterfaces",
        "ec2:DescribeSecurityGroups",
        "ec2:DescribeSubnets",
        "ec2:DescribeVpcs",
        "ecr:GetAuthorizationToken",
        "sagemaker:ListTrainingJobs",
    }
    on_all = [s for role in ROLES for s in statements(dev, role) if s["Resource"] == "*"]
    assert {action for s in some(on_all) for action in as_list(s["Action"])} <= without_resource


def test_training_reads_data_and_writes_artifacts_alone(dev: Assembly) -> None:
    writes = [s for s in statements(dev, "Training") if "s3:PutObject" in as_list(s["Action"])]
    assert len(writes) == 1
    assert "StorageArtifacts" in json.dumps(writes[0]["Resource"])
    assert "StorageData" not in json.dumps(writes[0]["Resource"])


def test_training_can_pull_images_and_only_builds_can_push(dev: Assembly) -> None:
    can_push = {r for r in ROLES if any("ecr:PutImage" in as_list(s["Action"]) for s in statements(dev, r))}
    can_pull = {r for r in ROLES if any("ecr:BatchGetImage" in as_list(s["Action"]) for s in statements(dev, r))}
    assert can_push == {"Build"}
    assert can_pull == set(ROLES)


def test_metrics_only_go_to_the_namespaces_of_training(dev: Assembly) -> None:
    (puts,) = [s for s in statements(dev, "Training") if "cloudwatch:PutMetricData" in as_list(s["Action"])]
    assert puts["Condition"] == {"StringLike": {"cloudwatch:namespace": ["/aws/sagemaker/*", "Shardyard"]}}


def test_grants_on_the_key_are_only_for_aws_resources(dev: Assembly) -> None:
    for role in ("Training", "Notebook"):
        (grants,) = [s for s in statements(dev, role) if "kms:CreateGrant" in as_list(s["Action"])]
        assert grants["Condition"] == {"Bool": {"kms:GrantIsForAWSResource": "true"}}


def test_a_notebook_makes_and_stops_jobs_of_this_project_alone(dev: Assembly) -> None:
    when = {
        s["Action"]: s["Condition"]
        for s in statements(dev, "Notebook")
        if isinstance(s["Action"], str) and s["Action"].startswith("sagemaker:") and "Condition" in s
    }
    assert when == {
        "sagemaker:CreateTrainingJob": {
            "StringEquals": {"aws:RequestTag/project": "shardyard", "aws:RequestTag/stage": "dev"}
        },
        "sagemaker:AddTags": {"StringEquals": {"sagemaker:TaggingAction": "CreateTrainingJob"}},
        "sagemaker:StopTrainingJob": {
            "StringEquals": {"aws:ResourceTag/project": "shardyard", "aws:ResourceTag/stage": "dev"}
        },
    }


def test_a_notebook_may_make_a_job_on_a_training_plan(dev: Assembly) -> None:
    """CreateTrainingJob is authorised on the plan and on what it reserved as well."""
    (makes,) = [s for s in statements(dev, "Notebook") if s["Action"] == "sagemaker:CreateTrainingJob"]
    resources = [json.dumps(one) for one in makes["Resource"]]
    assert [one.partition("AccountId")[2] for one in resources] == [
        f'"}}, ":{kind}/*"]]}}' for kind in ("training-job", "training-plan", "reserved-capacity")
    ]


def test_outside_a_vpc_no_role_touches_network_interfaces(scenario: Scenario) -> None:
    assembly = scenario("no VPC").assembly
    for role in some(ROLES):
        assert "ec2:" not in json.dumps(some(statements(assembly, role)))


def test_the_boundary_is_on_every_role(everything: Assembly) -> None:
    boundaries = {
        role.where: role.properties.get("PermissionsBoundary") for role in everything.resources("AWS::IAM::Role")
    }
    assert set(boundaries.values()) == {"arn:aws:iam::123456789012:policy/boundary"}, boundaries
