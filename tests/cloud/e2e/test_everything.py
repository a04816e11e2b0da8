"""All that can be switched on, deployed with the real command: a job runs inside of it."""

import json
from pathlib import Path

import pytest

from tests.cloud.conftest import Cloud
from tests.support.cloud.house import EMAIL, ROOT
from tests.support.cloud.own_project import JOB, make_project

pytestmark = pytest.mark.e2e
ANYTHING = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}


def test_a_job_runs_where_everything_is_switched_on(bootstrapped_cloud: Cloud, tmp_path: Path) -> None:
    context = json.loads((ROOT / "tests/everything_on.json").read_text())
    boundary = context["identity.permissions_boundary"].rpartition("/")[2]
    iam = bootstrapped_cloud.client("iam")
    iam.create_policy(PolicyName=boundary, PolicyDocument=json.dumps(ANYTHING))
    full = make_project(bootstrapped_cloud, tmp_path / "full", email=EMAIL, context=context)

    (job,) = full.attempts(full.succeed(JOB, {}))
    assert len(job["VpcConfig"]["Subnets"]) == context["network.zones"]
    role = iam.get_role(RoleName=job["RoleArn"].rpartition("/")[2])["Role"]
    assert role["PermissionsBoundary"]["PermissionsBoundaryArn"].endswith(f"policy/{boundary}")
