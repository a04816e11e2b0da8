"""The official SDK, unmodified, launches jobs on the embedded cloud, waits for them and shows their lines."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.cloud.conftest import ROOT, Cloud
from tests.support.cloud.house import House

pytestmark = pytest.mark.sdk


@pytest.fixture(scope="module")
def role(deployed_cloud: Cloud) -> str:
    """A role such as a person has who uses the SDK: it may do anything, and SageMaker may take it."""
    iam = deployed_cloud.client("iam")
    trust = {"Effect": "Allow", "Principal": {"Service": "sagemaker.amazonaws.com"}, "Action": "sts:AssumeRole"}
    document = {"Version": "2012-10-17", "Statement": [trust]}
    arn = iam.create_role(RoleName="sdk-user", AssumeRolePolicyDocument=json.dumps(document))["Role"]["Arn"]
    everything = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}
    iam.put_role_policy(RoleName="sdk-user", PolicyName="all", PolicyDocument=json.dumps(everything))
    return str(arn)


def image(house: House) -> str:
    """The address of the pushed image."""
    ecr = house.aws.client("ecr")
    repository = next(
        one
        for page in ecr.get_paginator("describe_repositories").paginate()
        for one in page["repositories"]
        if one["repositoryName"] == "shardyard-dev/pytorch"
    )
    tag = ecr.describe_images(repositoryName=repository["repositoryName"])["imageDetails"][0]["imageTags"][0]
    return f"{repository['repositoryUri']}:{tag}"


@pytest.mark.parametrize("count", [1, 2])
def test_its_own_torchrun_on_our_image(shipped: House, role: str, sdk: Any, count: int) -> None:
    # The SDK asks iam:SimulatePrincipalPolicy about the role first, which the embedded cloud does not emulate.
    env = {**shipped.cloud.env, "SAGEMAKER_VALIDATE_ROLE": "false"}
    done = sdk("own_job.py", image(shipped), role, str(count), shipped.aws.artifact_bucket(), env=env)
    assert done.returncode == 0, done.stdout + done.stderr
    assert f"sum over {count} ranks is {count}" in done.stdout
    assert "Final Resource Status: [bold]Completed" in done.stdout
    assert f"/algo-{count}-" in done.stdout


@pytest.mark.parametrize("count", [1, 2])
def test_an_exported_job(shipped: House, sdk: Any, tmp_path: Path, count: int) -> None:
    command = [sys.executable, "-m", "yard.main", "export", "mnist-ddp", "--sdk"]
    script = subprocess.run(command, cwd=ROOT, env=shipped.cloud.env, capture_output=True, text=True, timeout=120)
    assert script.returncode == 0, script.stderr
    (tmp_path / "launch.py").write_text(script.stdout)
    done = sdk("exported_job.py", str(tmp_path / "launch.py"), str(count), env=shipped.cloud.env)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "accuracy=" in done.stdout
    assert "Final Resource Status: [bold]Completed" in done.stdout
