"""One project in two regions of one account: side by side, and each removed without the other."""

import sys
from pathlib import Path

import pytest

from embedded.verify import verify
from tests.cloud.conftest import Cloud
from tests.support.cloud.yard_command import ROOT, Yard

pytestmark = pytest.mark.e2e
FAR = "eu-west-1"


def wrong(cloud: Cloud, region: str) -> list[str]:
    found = verify(cloud.state, account="123456789012", region=region)
    assert len([one for one in found if one.stack.startswith("shardyard-dev-")]) > 50
    return [f"{one.stack} {one.logical_id}" for one in found if one.stack.startswith("shardyard-") and not one.is_right]


@pytest.mark.slow
def test_a_project_is_deployed_to_two_regions_of_one_account(deployed_cloud: Cloud, tmp_path: Path) -> None:
    cloud = deployed_cloud
    far = {"AWS_REGION": FAR, "AWS_DEFAULT_REGION": FAR}
    out = ("--output", str(tmp_path / "cdk.out"), "--app", f"{sys.executable} app.py")
    done = cloud.cdk("bootstrap", f"aws://123456789012/{FAR}", *out[:2], env=far)
    assert done.returncode == 0, done.stderr
    done = cloud.cdk("deploy", "--all", "--require-approval", "never", *out, env=far)
    assert done.returncode == 0, done.stdout + done.stderr
    boards = {one["DashboardName"] for one in cloud.client("cloudwatch").list_dashboards()["DashboardEntries"]}
    assert {"shardyard-dev-us-east-1", f"shardyard-dev-{FAR}"} <= boards
    budgets = cloud.client("budgets").describe_budgets(AccountId="123456789012")["Budgets"]
    assert {"shardyard-dev-us-east-1", f"shardyard-dev-{FAR}"} <= {one["BudgetName"] for one in budgets}
    assert wrong(cloud, FAR) == wrong(cloud, "us-east-1") == []
    said = Yard(env=cloud.env | far, folder=ROOT)("destroy", "--yes-project", "shardyard").stderr
    assert "shardyard-dev-storage is deleted." in said
    stacks = cloud.client("cloudformation", region=FAR).describe_stacks()["Stacks"]
    assert [one["StackName"] for one in stacks] == ["CDKToolkit"]
    assert wrong(cloud, "us-east-1") == []
