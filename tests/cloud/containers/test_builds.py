"""A buildspec runs with the real docker command: it builds, and pushes into the cloud's registry by AWS's names."""

import json
import os
from typing import Any

import pytest

from tests.support.clouds.docker_cloud import BASE_VARIABLE, DockerCloud
from tests.support.clouds.training_cloud import ACCOUNT, REGION, wait_until

pytestmark = pytest.mark.containers

HOST = f"{ACCOUNT}.dkr.ecr.{REGION}.amazonaws.com"
LOG_IN = f"aws ecr get-login-password | docker login --username AWS --password-stdin {HOST}"
TRUST = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Principal": {"Service": "codebuild.amazonaws.com"}, "Action": "sts:AssumeRole"}],
}


@pytest.fixture(scope="module")
def role(containers: DockerCloud) -> str:
    iam = containers.client("iam")
    arn: str = iam.create_role(RoleName="builds", AssumeRolePolicyDocument=json.dumps(TRUST))["Role"]["Arn"]
    rights = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}
    iam.put_role_policy(RoleName="builds", PolicyName="all", PolicyDocument=json.dumps(rights))
    return arn


def build(cloud: DockerCloud, role: str, name: str, *commands: str, privileged: bool = True) -> tuple[str, str]:
    """Run these commands as a build; its status and its log."""
    codebuild = cloud.client("codebuild")
    spec = {
        "version": 0.2,
        "env": {"variables": {"DOCKER_BUILDKIT": "1"}},
        "phases": {"build": {"commands": list(commands)}},
    }
    codebuild.create_project(
        name=name,
        source={"type": "NO_SOURCE", "buildspec": json.dumps(spec)},
        artifacts={"type": "NO_ARTIFACTS"},
        environment={
            "type": "LINUX_CONTAINER",
            "image": "aws/codebuild/standard:7.0",
            "computeType": "BUILD_GENERAL1_SMALL",
            "privilegedMode": privileged,
        },
        serviceRole=role,
    )
    started = codebuild.start_build(projectName=name)["build"]["id"]

    def look() -> Any:
        (found,) = codebuild.batch_get_builds(ids=[started])["builds"]
        return found

    wait_until(lambda: look()["buildComplete"], 240, f"the end of the build {name}")
    ended = look()
    where = {"logGroupName": ended["logs"]["groupName"], "logStreamName": ended["logs"]["streamName"]}
    events = cloud.client("logs").get_log_events(**where, startFromHead=True)["events"]
    return ended["buildStatus"], "\n".join(event["message"] for event in events)


def test_what_a_build_pushes_a_job_runs(containers: DockerCloud, role: str) -> None:
    containers.client("ecr").create_repository(repositoryName="test/built", imageTagMutability="IMMUTABLE")
    uri = containers.uri("built")
    lines = (f"FROM {os.environ[BASE_VARIABLE]}", "RUN echo made by a build > /made", 'ENTRYPOINT ["cat", "/made"]')
    text = "\\n".join(line.replace('"', '\\"') for line in lines)
    status, log = build(
        containers,
        role,
        "pushing",
        LOG_IN,
        f'printf "{text}\\n" > Dockerfile',
        f"docker build --tag {uri} .",
        f"docker push {uri}",
    )
    assert status == "SUCCEEDED", log
    assert "Login Succeeded" in log
    (image,) = containers.client("ecr").describe_images(repositoryName="test/built")["imageDetails"]
    assert image["imageTags"] == ["1"] and image["imageDigest"] in log
    containers.run("runs-built", uri)
    # `train` is the name of no file, as cat says by its other output, which may come first
    said = ["cat: train: No such file or directory", "made by a build"]
    assert sorted(containers.lines("runs-built")["algo-1"]) == said


def test_a_build_gets_no_more_of_the_daemon_than_building_takes(containers: DockerCloud, role: str) -> None:
    """The daemon's socket is as good as root on this machine."""
    status, log = build(
        containers,
        role,
        "curious",
        "! docker ps",
        f"! docker run --rm -v /:/host {os.environ[BASE_VARIABLE]} ls /host/root",
        "! docker build --network host .",
        "! docker push example.com/x:1",
        f"! (echo guess | docker login --username AWS --password-stdin {HOST})",
        "! (echo guess | docker login --username AWS --password-stdin example.com)",
    )
    assert status == "SUCCEEDED", log
    assert "and not GET /containers/json: its daemon is this machine's" in log
    assert "and not POST /containers/create" in log
    assert "'example.com' is none of its registries" in log
    assert "the password is none of `aws ecr get-login-password`" in log
    assert "knows registries of Amazon ECR alone" in log


def test_a_project_without_privileges_has_no_docker(containers: DockerCloud, role: str) -> None:
    status, log = build(containers, role, "modest", "docker version", privileged=False)
    assert status == "FAILED"
    assert "Cannot connect to the Docker daemon at unix:///codebuild/door/docker.sock" in log
