"""The image of containers/tensorflow, really built: what it says of itself, and how it trains on two nodes."""

import os
import subprocess

import pytest

from contract import variables
from contract.images import VARIANT_LABEL
from tests.support.clouds.docker_cloud import DockerCloud
from tests.support.clouds.docker_images import TENSORFLOW_VARIABLE, inspect
from tests.support.clouds.training_cloud import BUCKET, REGION

pytestmark = pytest.mark.containers


@pytest.fixture(scope="module")
def built() -> str:
    """The image's name in the daemon."""
    name = os.environ.get(TENSORFLOW_VARIABLE)
    if name is None:
        pytest.skip("make test-containers builds containers/tensorflow, and its smaller round does not")
    return name


def test_the_image_is_what_its_dockerfile_says(built: str) -> None:
    config = inspect(built)["Config"]
    assert config["Entrypoint"] == ["python", "-m", "training.launcher"]
    assert config["Labels"][VARIANT_LABEL] == "cpu"
    assert {"NVIDIA_VISIBLE_DEVICES=all", "NVIDIA_DRIVER_CAPABILITIES=compute,utility"} <= set(config["Env"])
    assert not config["User"]


def test_two_nodes_train_the_digits(containers: DockerCloud, built: str) -> None:
    uri = f"999999999999.dkr.ecr.{REGION}.amazonaws.com/shardyard/tensorflow:1"
    subprocess.run(["docker", "tag", built, uri], check=True)
    containers.create(
        "tf-digits",
        uri,
        ResourceConfig__InstanceCount=2,
        HyperParameters={"max_steps": "20", "width": "64", "log_steps": "1", "seed": "1"},
        CheckpointConfig={"S3Uri": f"s3://{BUCKET}/tf-digits"},
        StoppingCondition={"MaxRuntimeInSeconds": 300},
        Environment={
            variables.ENTRY: "training.tensorflow.programs.mnist",
            variables.LAUNCHER: "tensorflow",
            variables.RUN_ID: "tf-digits",
        },
    )
    described = containers.finished("tf-digits", 400)
    printed = containers.lines("tf-digits")
    assert described["TrainingJobStatus"] == "Completed", (described.get("FailureReason"), printed)
    assert set(printed) == {"algo-1", "algo-2"}
    assert any("step=20" in line for line in printed["algo-1"]), printed["algo-1"]
    assert containers.keys("out/tf-digits/output/model.tar.gz")
