"""All that can be switched on, deployed with the real command; what it makes is there, and jobs run inside of it."""

import json
from pathlib import Path

import pytest

from tests.cloud.conftest import Cloud
from tests.cloud.house import EMAIL, ROOT
from tests.cloud.own_project import JOB, make_project

pytestmark = pytest.mark.e2e
ANYTHING = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}


def test_everything_switched_on_is_what_its_templates_say(bootstrapped_cloud: Cloud, tmp_path: Path) -> None:
    context = json.loads((ROOT / "tests/everything_on.json").read_text())
    boundary = context["identity.permissions_boundary"].rpartition("/")[2]
    bootstrapped_cloud.client("iam").create_policy(PolicyName=boundary, PolicyDocument=json.dumps(ANYTHING))
    full = make_project(bootstrapped_cloud, tmp_path / "full", email=EMAIL, context=context)

    for part in ("storage", "network", "identity", "registry", "notebooks", "quotas", "observability", "training"):
        answer = bootstrapped_cloud.admin("verify", stack=f"full-dev-{part}")
        assert [item for item in answer["resources"] if item["problem"] or item["differences"]] == []
        assert answer["resources"]

    run = full.succeed(JOB, {})
    (job,) = full.attempts(run)
    assert len(job["VpcConfig"]["Subnets"]) == 3
    role = job["RoleArn"].rpartition("/")[2]
    described = bootstrapped_cloud.client("iam").get_role(RoleName=role)["Role"]
    assert described["PermissionsBoundary"]["PermissionsBoundaryArn"].endswith(f"policy/{boundary}")
