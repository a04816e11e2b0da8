"""What a real container meets and a cell does not: a limit of memory, a full disk, a daemon without the image."""

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.clouds.docker_cloud import DockerCloud
from tests.support.clouds.training_cloud import MANIFEST, REGION

pytestmark = pytest.mark.containers


@pytest.fixture
def small_disk(containers: DockerCloud, tmp_path: Path) -> Iterator[None]:
    """Jobs' folders on a disk of 32 MB."""
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=32m", "tmpfs", str(tmp_path)], check=True)
    containers.admin("settings", work_root=str(tmp_path))
    try:
        yield
    finally:
        containers.admin("settings", work_root=str(containers.work))
        subprocess.run(["umount", str(tmp_path)], check=True)


def test_a_node_that_takes_more_memory_than_it_has_is_killed(containers: DockerCloud) -> None:
    containers.admin("settings", node_memory_mb=64)
    try:
        image = containers.image("greedy", "print('ready', flush=True); x = bytearray(256 << 20); print(len(x))")
        described = containers.run("greedy", image)
    finally:
        containers.admin("settings", node_memory_mb=0)
    assert described["FailureReason"] == "AlgorithmError: , exit code: 137"
    assert containers.lines("greedy")["algo-1"] == ["ready"]


def test_a_full_disk_is_an_error_of_the_program_and_not_of_the_cloud(containers: DockerCloud, small_disk: None) -> None:
    program = """
    try:
        with open("/opt/ml/model/weights", "wb") as file:
            for _ in range(64):
                file.write(bytes(1 << 20))
    except OSError as error:
        print("errno", error.errno, flush=True)
        raise SystemExit(3)
    """
    described = containers.run("full", containers.image("full", program))
    assert described["FailureReason"] == "AlgorithmError: , exit code: 3"
    assert containers.lines("full")["algo-1"] == ["errno 28"]


def test_an_image_that_was_registered_for_cells_has_nothing_to_run(containers: DockerCloud) -> None:
    containers.client("ecr").create_repository(repositoryName="test/hollow")
    containers.client("ecr").put_image(repositoryName="test/hollow", imageManifest=json.dumps(MANIFEST), imageTag="1")
    described = containers.run("hollow", containers.uri("hollow"))
    assert "it was registered without layers, for the engine `process`" in described["FailureReason"]
    assert "yard image push hollow" in described["FailureReason"]


def test_an_image_of_aws_must_be_in_the_daemon(containers: DockerCloud) -> None:
    uri = f"763104351884.dkr.ecr.{REGION}.amazonaws.com/pytorch-training:2.13-cpu-py312"
    described = containers.run("foreign", uri)
    assert "neither the embedded ECR nor the Docker daemon has it" in described["FailureReason"]


def test_the_status_says_which_engine_runs(containers: DockerCloud) -> None:
    status = containers.admin("status")
    assert status["engine"] == "docker"
    assert status["docker_socket"] == str(containers.daemon.path)
