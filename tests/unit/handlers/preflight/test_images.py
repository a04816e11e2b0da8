"""What preflight reads of an image before a launch: whether it is there, and for which machines it was built."""

from typing import Any

import pytest

from shardyard.handlers.launch.preflight.index import preflight
from tests.support.fakes.fake_aws import CONFIGURATION, STARTED, FakeAws, failure
from tests.support.launches import preflight_event, tiny
from tests.support.preflights import launch, refused

DIGEST = "sha256:" + "1" * 64
URI = "123456789012.dkr.ecr.us-east-1.amazonaws.com/shardyard-dev/pytorch:abc"


def says(aws: FakeAws, **config: Any) -> FakeAws:
    """The image's configuration is ours with this laid over."""
    aws.configurations[DIGEST] = {**CONFIGURATION, **config}
    return aws


def labelled(variant: str) -> dict[str, Any]:
    return {"config": {"Env": ["NVIDIA_VISIBLE_DEVICES=all"], "Labels": {"io.shardyard.variant": variant}}}


def test_an_image_for_processors_is_refused_where_gpus_would_bill(aws: FakeAws) -> None:
    assert refused(launch(says(aws, **labelled("cpu")))) == (
        f"image: {URI} is built for processors, by its label io.shardyard.variant=cpu, and ml.g5.xlarge has 1 GPU "
        "(push one for GPUs, or take another type)"
    )
    accepted = launch(aws, program={"entry": "training.pytorch.programs.mnist", "without_gpus": True})
    assert accepted["request"]["Environment"]["SHARDYARD_WITHOUT_GPUS"] == "1", "the job says otherwise"
    assert launch(says(aws, **labelled("gpu")))["plan"]["image"] == {"uri": URI, "digest": DIGEST}


def test_an_image_for_another_processor_is_refused(aws: FakeAws) -> None:
    assert refused(launch(says(aws, architecture="arm64"))) == (
        f"image: {URI} is built for arm64, and ml.g5.xlarge is x86_64 (push it for that platform, or take another type)"
    )


def test_an_image_that_asks_for_no_gpus_is_warned_of(aws: FakeAws) -> None:
    notes = launch(says(aws, config={"Env": None, "Labels": None}))["plan"]["notes"]
    assert f"{URI} does not set NVIDIA_VISIBLE_DEVICES, so it may see none of the GPUs of ml.g5.xlarge" in notes


@pytest.mark.parametrize("text", [[], 7, "no table"])
def test_an_image_that_says_nothing_readable_is_no_reason_to_refuse(aws: FakeAws, text: Any) -> None:
    aws.configurations[DIGEST] = text
    notes = launch(aws)["plan"]["notes"]
    assert f"what {URI} says of itself cannot be read: its configuration is no table" in notes


def test_where_layers_may_not_be_read_the_launch_goes_on(aws: FakeAws, monkeypatch: pytest.MonkeyPatch) -> None:
    def denied(*_: Any, **__: Any) -> Any:
        raise failure("AccessDeniedException", "not yours")

    monkeypatch.setattr("tests.support.fakes.fake_aws.ecr_get_download_url_for_layer", denied)
    (note,) = [note for note in launch(aws)["plan"]["notes"] if "says of itself" in note]
    assert "AccessDeniedException" in note


def test_each_attempt_looks_at_the_image_for_its_own_machines(aws: FakeAws) -> None:
    spec = tiny(compute={"instance_type": "ml.g5.xlarge", "fallback": [{"instance_type": "ml.c5.xlarge"}]})
    event = preflight_event(spec)
    bases = {"gpu": "aws:pytorch/2.13", "cpu": "python:3.11"}
    event = {**event, "deployment": {**event["deployment"], "image_bases": bases}}
    aws.images = {("shardyard-dev/pytorch", "abc-gpu"): DIGEST}
    lines = refused(preflight(event, aws, STARTED)).splitlines()
    assert lines[0] == (
        f"image: {URI}-cpu is not in its repository. Build and push it with yard image push pytorch --variant cpu, or:"
    )
    assert "--build-arg VARIANT=cpu --build-arg BASE_IMAGE=python:3.11" in lines[2]
    aws.images["shardyard-dev/pytorch", "abc-cpu"] = "sha256:" + "2" * 64
    aws.prices["ml.c5.xlarge"] = 1.0
    answer = preflight(event, aws, STARTED)
    assert answer["plan"]["image"] == {"uri": f"{URI}-gpu", "digest": DIGEST}
    images = [one["fields"]["AlgorithmSpecification"]["TrainingImage"] for one in answer["plan"]["candidates"]]
    assert images == [f"{URI}-gpu", f"{URI}-cpu"]


def test_machines_that_no_variant_is_for_are_refused_by_a_rule(aws: FakeAws) -> None:
    event = preflight_event(tiny())
    event = {**event, "deployment": {**event["deployment"], "image_bases": {"cpu": "python:3.11"}}}
    assert "image.folder: containers/pytorch has no image for these instances: ml.g5.xlarge needs gpu" in refused(
        preflight(event, aws, STARTED)
    )
