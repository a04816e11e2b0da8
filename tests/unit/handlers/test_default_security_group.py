"""The VPC's default security group has no rules after the deploy."""

from typing import Any

import boto3
import pytest

from shardyard.handlers.resources.default_security_group import index
from tests.support.custom_resources import Context, waiting_for_answers


@pytest.fixture
def ec2(moto: None) -> Any:
    return boto3.client("ec2")


def group_of_new_vpc(ec2: Any) -> str:
    vpc = ec2.create_vpc(CidrBlock="10.42.0.0/16")["Vpc"]["VpcId"]
    filters = [{"Name": "vpc-id", "Values": [vpc]}, {"Name": "group-name", "Values": ["default"]}]
    group: str = ec2.describe_security_groups(Filters=filters)["SecurityGroups"][0]["GroupId"]
    return group


def rules(ec2: Any, group: str) -> int:
    described = ec2.describe_security_groups(GroupIds=[group])["SecurityGroups"][0]
    return len(described["IpPermissions"]) + len(described["IpPermissionsEgress"])


@pytest.mark.parametrize(("kind", "closed"), [("Create", True), ("Update", True), ("Delete", False)])
def test_the_group_is_closed_unless_the_vpc_goes(ec2: Any, kind: str, closed: bool) -> None:
    group = group_of_new_vpc(ec2)
    before = rules(ec2, group)
    assert before > 0
    with waiting_for_answers() as answers:
        index.handler(answers.event(kind, {"GroupId": group}, PhysicalResourceId=group), Context())
        assert (answers.only["Status"], answers.only["PhysicalResourceId"]) == ("SUCCESS", group)
    assert rules(ec2, group) == (0 if closed else before)


def test_closing_twice_is_harmless(ec2: Any) -> None:
    group = group_of_new_vpc(ec2)
    index.close(ec2, group)
    index.close(ec2, group)
    assert rules(ec2, group) == 0
