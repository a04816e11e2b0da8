"""`yard -e image push` where nodes are containers: the image itself is built, pushed and run."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from embedded import lifecycle
from tests.support.clouds.docker_cloud import BASE_VARIABLE, DockerCloud
from tests.support.clouds.training_cloud import ACCOUNT, REGION

pytestmark = pytest.mark.containers

_YARD = str(Path(sys.executable).with_name("yard"))
_DOCKERFILE = """\
ARG BASE_IMAGE
FROM ${BASE_IMAGE}
COPY contract /opt/contract
ARG CONTENT=unknown
LABEL io.shardyard.content="${CONTENT}"
ENTRYPOINT ["ls", "/opt/contract/refusal.py"]
"""


def yard(root: Path, *words: str) -> str:
    """What the command prints."""
    done = subprocess.run([_YARD, *words], cwd=root, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture
def project(containers: DockerCloud, tmp_path: Path) -> Path:
    """A project of one's own, whose cloud is the tests'."""
    yard(tmp_path, "init", "vision")
    root = tmp_path / "vision"
    folder = root / "containers" / "tiny"
    folder.mkdir(parents=True)
    (folder / "Dockerfile").write_text(_DOCKERFILE)
    (folder / "variants.toml").write_text(f'[cpu]\nbase = "{os.environ[BASE_VARIABLE]}"\n')
    cloud = root / lifecycle.DEFAULT_FOLDER
    cloud.parent.mkdir(parents=True, exist_ok=True)
    cloud.symlink_to(containers.folder)
    containers.client("ecr").create_repository(repositoryName="vision-dev/tiny", imageTagMutability="IMMUTABLE")
    return root


def test_what_the_command_pushes_a_job_runs_and_it_is_built_once(containers: DockerCloud, project: Path) -> None:
    def push() -> Any:
        return json.loads(yard(project, "--embedded", "image", "push", "tiny", "--json"))

    (image,) = push()["images"]
    assert (image["pushed"], image["variant"]) == (True, "cpu")
    assert image["uri"].startswith(f"{ACCOUNT}.dkr.ecr.{REGION}.amazonaws.com/vision-dev/tiny:")
    assert push()["pushed"] is False
    (found,) = containers.client("ecr").describe_images(repositoryName="vision-dev/tiny")["imageDetails"]
    assert found["imageTags"] == [image["uri"].rpartition(":")[2]]
    containers.run("pushed", image["uri"])
    said = containers.lines("pushed")["algo-1"]
    assert "/opt/contract/refusal.py" in said
