"""Names that are one for all regions of an account: dashboards, roles and budgets."""

from collections.abc import Mapping
from typing import Any

import pytest

from tests.cloud.conftest import Cloud
from tests.support.cloud.stacks_api import StackUnderTest, of

ACCOUNT = "444455556666"
_TRUST = {"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}
_POLICY = {"Version": "2012-10-17", "Statement": [_TRUST]}
_LIMIT = {"BudgetLimit": {"Amount": 5, "Unit": "USD"}, "TimeUnit": "MONTHLY", "BudgetType": "COST"}


def dashboard(name: str) -> dict[str, Any]:
    return {"Type": "AWS::CloudWatch::Dashboard", "Properties": {"DashboardName": name, "DashboardBody": "{}"}}


def role(name: str) -> dict[str, Any]:
    return {"Type": "AWS::IAM::Role", "Properties": {"RoleName": name, "AssumeRolePolicyDocument": _POLICY}}


def budget(name: str) -> dict[str, Any]:
    return {"Type": "AWS::Budgets::Budget", "Properties": {"Budget": {**_LIMIT, "BudgetName": name}}}


@pytest.mark.parametrize("resource", [dashboard("one"), role("one"), budget("one")], ids=lambda one: one["Type"])
def test_a_second_region_cannot_have_the_same_name(cloud: Cloud, resource: Mapping[str, Any]) -> None:
    first = StackUnderTest(cloud, account=ACCOUNT, region="us-east-1")
    second = StackUnderTest(cloud, account=ACCOUNT, region="eu-west-1")
    assert first.create(of(Thing=dict(resource))) == "CREATE_COMPLETE"
    assert second.create(of(Thing=dict(resource))) == "ROLLBACK_COMPLETE"
    assert any("exist" in reason for _, status, reason in second.history() if status == "CREATE_FAILED")
    assert first.delete() == "DELETE_COMPLETE"
    again = StackUnderTest(cloud, account=ACCOUNT, region="eu-west-1")
    assert again.create(of(Thing=dict(resource))) == "CREATE_COMPLETE"


def test_every_region_sees_an_accounts_dashboards(cloud: Cloud) -> None:
    here, there = (cloud.client("cloudwatch", account=ACCOUNT, region=one) for one in ("us-west-2", "eu-west-1"))
    here.put_dashboard(DashboardName="seen", DashboardBody='{"widgets": []}')
    assert there.get_dashboard(DashboardName="seen")["DashboardBody"] == '{"widgets": []}'
    there.delete_dashboards(DashboardNames=["seen"])
    assert "seen" not in [one["DashboardName"] for one in here.list_dashboards()["DashboardEntries"]]
    other = cloud.client("cloudwatch", account="777788889999")
    assert other.list_dashboards()["DashboardEntries"] == []
