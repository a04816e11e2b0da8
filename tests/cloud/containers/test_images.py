"""Our own Dockerfile, really built: what is in the image, and how it trains, stops, resumes and refuses."""

import gzip
import json
import os
import subprocess
from typing import Any

import pytest

from contract.exit_codes import REFUSED
from contract.images import VARIANT_LABEL
from tests.support.clouds.docker_cloud import BASE_VARIABLE, DockerCloud
from tests.support.clouds.docker_images import BUILT_SECONDS_VARIABLE, IMAGE_VARIABLE, inspect, layers, own_layer
from tests.support.clouds.training_cloud import BUCKET, REGION, wait_until
from tests.support.clouds.training_programs import spot, statuses

pytestmark = pytest.mark.containers

_OWN_BYTES_MOST = 1_000_000
_IMAGE_BYTES_MOST = 1_300_000_000
_BUILD_SECONDS_MOST = 300


@pytest.fixture(scope="module")
def built() -> str:
    """The image's name in the daemon."""
    name = os.environ.get(IMAGE_VARIABLE)
    if name is None:
        pytest.skip("make test-containers could not build containers/pytorch, and says why")
    return name


@pytest.fixture(scope="module")
def image(containers: DockerCloud, built: str) -> str:
    """The image as a job names it: one of another account's, which the daemon has by its full name."""
    uri = f"999999999999.dkr.ecr.{REGION}.amazonaws.com/shardyard/pytorch:1"
    subprocess.run(["docker", "tag", built, uri], check=True)
    return uri


def digits(name: str, **fields: Any) -> dict[str, Any]:
    """A job of the shipped program on the digits that come with a package."""
    environment = {
        "SHARDYARD_ENTRY": "training.pytorch.programs.mnist",
        "SHARDYARD_LAUNCHER": "torchrun",
        "SHARDYARD_PROCESSES_PER_NODE": "1",
        "SHARDYARD_RUN_ID": name,
        "SHARDYARD_CHECKPOINT_S3": f"s3://{BUCKET}/{name}",
    }
    return {
        "ResourceConfig__InstanceCount": 2,
        "HyperParameters": {"epochs": "3", "batch_size": "64", "seed": "1"},
        "CheckpointConfig": {"S3Uri": f"s3://{BUCKET}/{name}"},
        "Environment": environment,
        **spot(max_wait=600, StoppingCondition={"MaxRuntimeInSeconds": 500, "MaxWaitTimeInSeconds": 600}),
        **fields,
    }


def test_the_image_is_what_its_dockerfile_says(built: str) -> None:
    config = inspect(built)["Config"]
    assert config["Entrypoint"] == ["python", "-m", "training.launcher"]
    assert config["Labels"][VARIANT_LABEL] == "cpu"
    assert {"NVIDIA_VISIBLE_DEVICES=all", "NVIDIA_DRIVER_CAPABILITIES=compute,utility"} <= set(config["Env"])
    assert not config["User"]


def test_the_image_is_built_soon_and_is_small(built: str) -> None:
    """Unpacked; its packages lay here, so no download is in the time."""
    assert int(inspect(built)["Size"]) < _IMAGE_BYTES_MOST
    assert float(os.environ[BUILT_SECONDS_VARIABLE]) < _BUILD_SECONDS_MOST


def test_our_own_layer_is_small_and_nothing_secret_is_in_the_history(built: str) -> None:
    command = ["docker", "history", "--no-trunc", "--human=false", "--format", "{{json .}}", built]
    said = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    steps = [json.loads(line) for line in said.splitlines()]
    (ours,) = [step for step in steps if "COPY" in step["CreatedBy"] and "/out/" in step["CreatedBy"]]
    layer = own_layer(built, above=len(layers(os.environ[BASE_VARIABLE])))
    assert 0 < int(ours["Size"]) <= len(layer)
    assert len(gzip.compress(layer, 6)) < _OWN_BYTES_MOST, "as it travels"
    assert not [step for step in steps if "password" in step["CreatedBy"].lower()]


def test_two_nodes_train_are_interrupted_and_go_on(containers: DockerCloud, image: str) -> None:
    containers.admin("settings", stop_grace_seconds=60)
    containers.create("digits", image, **digits("digits"))
    wait_until(lambda: any("step=" in line for line in lines(containers, "digits")), 240, "the first steps")
    containers.admin("interrupt", job="digits")
    described = containers.finished("digits", 400)
    assert described["TrainingJobStatus"] == "Completed", (described.get("FailureReason"), lines(containers, "digits"))
    assert statuses(described).count("Training") == 2
    first = next(line for line in lines(containers, "digits") if not line.startswith("launcher: "))
    assert "restored step" in first, "the second attempt goes on from the first one's save"
    assert containers.keys("out/digits/output/model.tar.gz")
    assert [key for key in containers.keys("digits/") if "/step-" in key], "its saves are in S3"


def lines(cloud: DockerCloud, name: str) -> list[str]:
    """What the first node has printed so far."""
    try:
        return cloud.lines(name).get("algo-1", [])
    except cloud.client("logs").exceptions.ResourceNotFoundException:
        return []


def test_gpus_that_nobody_sees_are_refused(containers: DockerCloud, image: str) -> None:
    containers.admin("quota", name="ml.g5.xlarge for training job usage", value=2)
    fields = digits("unseen", ResourceConfig__InstanceCount=1, ResourceConfig__InstanceType="ml.g5.xlarge")
    fields["Environment"]["SHARDYARD_WITHOUT_GPUS"] = "0"
    described = containers.run("unseen", image, **{**fields, "EnableManagedSpotTraining": False, **ON_DEMAND})
    assert described["FailureReason"].endswith(f"exit code: {REFUSED}")
    assert "ml.g5.xlarge has 1 GPU, and this container sees none" in described["FailureReason"]


ON_DEMAND = {"StoppingCondition": {"MaxRuntimeInSeconds": 300}}
