"""What a person can cause is said in a sentence with the next step, with an exit code, and without a traceback."""

import json
import socket
from dataclasses import replace
from pathlib import Path

import pytest

from tests.cloud.conftest import Cloud
from tests.support.cloud.yard_command import ROOT, Yard
from yard.errors import Exit


@pytest.fixture(scope="module")
def yard(cloud: Cloud) -> Yard:
    return Yard(env=cloud.env)


def test_no_credentials(yard: Yard) -> None:
    bare = replace(yard, without=("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"))
    said = bare("history", code=Exit.FIX).stderr
    assert "There are no AWS credentials." in said
    assert "aws sso login" in said


def test_no_region(yard: Yard) -> None:
    said = replace(yard, without=("AWS_REGION", "AWS_DEFAULT_REGION"))("status", code=Exit.FIX).stderr
    assert "No region is chosen." in said


def test_nothing_deployed_here(yard: Yard) -> None:
    said = yard("status", "mnist-ddp", code=Exit.FIX, AWS_REGION="ap-south-1").stderr
    assert "'mnist-ddp' is not deployed in ap-south-1" in said
    assert "npx cdk deploy --all" in said
    assert "AWS_REGION" in said
    said = yard("cost", code=Exit.FIX, AWS_REGION="ap-south-1").stderr
    assert "The stack shardyard-dev-storage is not deployed in ap-south-1 of account 123456789012." in said


def test_another_stage_is_looked_for_under_its_own_names(yard: Yard) -> None:
    said = yard("--stage", "prod", "cost", code=Exit.FIX).stderr
    assert "The stack shardyard-prod-storage is not deployed" in said
    assert "npx cdk deploy --all -c stage=prod" in said
    assert yard("cost", code=Exit.FIX, YARD_STAGE="prod").stderr == said


def test_an_unknown_stage_is_refused_as_cdk_refuses_it(yard: Yard) -> None:
    said = yard("--stage", "prd", "cost", code=Exit.FIX).stderr
    assert "stage: 'prd' is not allowed" in said and "staging" in said


def test_nobody_answers(yard: Yard) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # bound, but not listening
        endpoint = f"http://127.0.0.1:{taken.getsockname()[1]}"
        said = yard("status", code=Exit.FIX, AWS_ENDPOINT_URL=endpoint, AWS_MAX_ATTEMPTS="1").stderr
    assert f"Nothing answers at {endpoint}" in said
    assert "yard cloud up" in said


def test_an_expired_token(yard: Yard) -> None:
    said = yard("history", code=Exit.FIX, AWS_ACCESS_KEY_ID="ASIAEXPIREDEXPIRED00", AWS_SESSION_TOKEN="old").stderr
    assert "AWS no longer accepts the credentials" in said
    assert "aws sso login" in said


def test_access_denied_names_the_action_and_the_role(cloud: Cloud, yard: Yard) -> None:
    trust = {"Effect": "Allow", "Principal": {"AWS": "*"}, "Action": "sts:AssumeRole"}
    document = json.dumps({"Version": "2012-10-17", "Statement": [trust]})
    role = cloud.client("iam").create_role(RoleName="may-nothing", AssumeRolePolicyDocument=document)["Role"]["Arn"]
    keys = cloud.client("sts").assume_role(RoleArn=role, RoleSessionName="test")["Credentials"]
    said = yard(
        "quota",
        code=Exit.FIX,
        AWS_ACCESS_KEY_ID=keys["AccessKeyId"],
        AWS_SECRET_ACCESS_KEY=keys["SecretAccessKey"],
        AWS_SESSION_TOKEN=keys["SessionToken"],
    ).stderr
    assert "Access denied to ListServiceQuotas" in said
    assert "servicequotas:ListServiceQuotas" in said
    assert "may-nothing" in said


def test_the_nearest_job(yard: Yard) -> None:
    assert "did you mean 'mnist-ddp'?" in yard("train", "mnist-dpp", "--yes", code=Exit.FIX).stderr


def test_a_question_without_anybody_to_answer(yard: Yard) -> None:
    said = yard("destroy", "--yes-project", "wrong", code=Exit.FIX, AWS_REGION="ap-south-1").stderr
    assert "Nothing of shardyard, stage dev, is deployed in ap-south-1" in said


def test_an_unknown_option_is_a_usage_error(yard: Yard) -> None:
    assert "No such option" in yard("train", "mnist-ddp", "--node", "2", code=Exit.USAGE).stderr


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A project without a cloud."""
    (tmp_path / "cdk.json").write_text((ROOT / "cdk.json").read_text())
    (tmp_path / "jobs").mkdir()
    return tmp_path


def test_the_cloud_is_not_running(yard: Yard, project: Path) -> None:
    here = replace(yard, folder=project)
    assert "yard cloud up" in here("--embedded", "status", code=Exit.FIX).stderr
    assert "The embedded cloud is not running." in here("cloud", "status", code=Exit.FIX).stderr
    assert "It was not running." in here("cloud", "down").stderr


def test_the_port_is_taken(yard: Yard, project: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        said = replace(yard, folder=project)("cloud", "up", "--port", port, code=Exit.FIX).stderr
    assert f"Port {port} of 127.0.0.1 is taken by another program." in said


def test_real_credentials_are_refused_on_the_embedded_cloud(cloud: Cloud, yard: Yard, project: Path) -> None:
    (project / ".yard").mkdir()
    (project / ".yard/cloud").symlink_to(cloud.folder)
    said = replace(yard, folder=project)("--embedded", "status", code=Exit.FIX, AWS_PROFILE="work").stderr
    assert "could reach a real AWS account through AWS_PROFILE" in said


def test_debug_shows_the_traceback(yard: Yard) -> None:
    import subprocess

    from tests.support.cloud.yard_command import COMMAND

    command = [*COMMAND, "--debug", "train", "mnist-dpp"]
    done = subprocess.run(command, cwd=ROOT, env=yard.environment(), capture_output=True, text=True, timeout=120)
    assert "Traceback" in done.stderr
