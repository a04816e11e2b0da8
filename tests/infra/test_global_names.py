"""A name that all regions of an account share says which region it is of: the project is deployed to two of them."""

import json
from collections.abc import Iterator

import pytest

from checks.rules.model import Assembly, at
from tests.support.templates import Scenario

NAMES = {
    "AWS::Budgets::Budget": "Budget.BudgetName",
    "AWS::CloudWatch::Dashboard": "DashboardName",
    "AWS::IAM::Group": "GroupName",
    "AWS::IAM::InstanceProfile": "InstanceProfileName",
    "AWS::IAM::ManagedPolicy": "ManagedPolicyName",
    "AWS::IAM::Role": "RoleName",
    "AWS::IAM::User": "UserName",
    "AWS::S3::Bucket": "BucketName",
}
"""Where each type whose names are global has its own; without a name CloudFormation makes one."""


def without_region(assembly: Assembly) -> Iterator[str]:
    for resource in assembly.resources(*NAMES):
        name = at(resource.properties, NAMES[resource.type])
        if name is not None and '{"Ref": "AWS::Region"}' not in json.dumps(name):
            yield resource.where


@pytest.mark.parametrize("name", ["dev", "everything on", "everything on, prod"])
def test_names_that_are_global_have_the_region_in_them(scenario: Scenario, name: str) -> None:
    assembly = scenario(name).assembly
    assert {resource.type for resource in assembly.resources(*NAMES)} >= {
        "AWS::Budgets::Budget",
        "AWS::CloudWatch::Dashboard",
        "AWS::IAM::Role",
        "AWS::S3::Bucket",
    }
    assert list(without_region(assembly)) == []


def test_a_dashboard_without_it_would_be_found() -> None:
    board = {"Type": "AWS::CloudWatch::Dashboard", "Properties": {"DashboardName": "vision-dev"}}
    assert list(without_region(Assembly({"s": {"Resources": {"Board": board}}}))) == ["s/Board"]
