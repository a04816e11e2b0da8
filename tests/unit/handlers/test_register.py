"""What registration sends fits what the service's model takes, whatever a job and its data are called."""

from collections.abc import Mapping
from typing import Any

import pytest

from shardyard.handlers.launch.register.index import register
from tests.support.fakes.fake_aws import FakeAws
from tests.support.launches import run, tiny

FINGERPRINT = "0123456789abcdef"


def launch(**data: str) -> dict[str, Any]:
    """What Register is given; each channel's data lies where the keyword says."""
    return {
        "run": {
            "id": "20261121-073000-ab12",
            "job": "tiny",
            "project": "shardyard",
            "stage": "dev",
            "artifact_bucket": "artifacts",
            "source_sha256": None,
            "git_commit": None,
        },
        "plan": {
            "register": {"group": "shardyard-dev-tiny"},
            "image": {"uri": "123456789012.dkr.ecr.us-east-1.amazonaws.com/tiny:abc", "digest": None},
            "data": [{"channel": name, "uri": uri, "fingerprint": FINGERPRINT} for name, uri in data.items()],
        },
        "request": {"TrainingJobName": "tiny-1"},
    }


def trained(**more: Any) -> FakeAws:
    """A cloud in which the job has completed."""
    aws = FakeAws()
    aws.jobs["tiny-1"] = {
        "TrainingJobName": "tiny-1",
        "TrainingJobArn": "arn:aws:sagemaker:us-east-1:123456789012:training-job/tiny-1",
        "ModelArtifacts": {"S3ModelArtifacts": "s3://artifacts/runs/r/tiny-1/output/model.tar.gz"},
        **more,
    }
    return aws


def metadata(aws: FakeAws) -> Mapping[str, str]:
    [package] = aws.packages
    properties: Mapping[str, str] = package["CustomerMetadataProperties"]
    return properties


def test_data_is_named_with_its_fingerprint() -> None:
    aws = trained()
    register(launch(train="s3://data/digits/train/"), aws)
    assert metadata(aws)["data.train"] == f"s3://data/digits/train/@{FINGERPRINT}"


def test_a_whole_launch_with_data_is_registered() -> None:
    aws = FakeAws()
    aws.objects["data"] = {"digits/train/0": b"x", "digits/train/1": b"x"}
    done, _ = run(tiny(registry={"enabled": True}, channels={"train": {"s3": "digits/train/"}}), aws)
    assert done.status == "SUCCEEDED"
    assert metadata(aws)["data.train"].startswith("s3://data/digits/train/@")


@pytest.mark.parametrize("letter", "!'()*,&$;?#%~\\\"\n\u0301\U0001f600")
def test_what_the_model_does_not_take_becomes_an_underscore(letter: str) -> None:
    """S3 takes these in a key, and a job's file in a metric's name."""
    aws = trained(FinalMetricDataList=[{"MetricName": f"loss{letter}", "Value": 0.5}])
    register(launch(train=f"s3://data/a{letter}b/"), aws)
    assert metadata(aws)["data.train"] == f"s3://data/a_b/@{FINGERPRINT}"
    assert metadata(aws)["metric.loss_"] == "0.5"


def test_what_the_model_takes_stays_as_it_is() -> None:
    aws = trained(FinalMetricDataList=[{"MetricName": "validation loss_1.a:b/c=d+e-f@g \u00e9", "Value": 1e20}])
    register(launch(train="s3://data/caf\u00e9 \u6570/"), aws)
    assert metadata(aws)["data.train"] == f"s3://data/caf\u00e9 \u6570/@{FINGERPRINT}"
    assert metadata(aws)["metric.validation loss_1.a:b/c=d+e-f@g \u00e9"] == "1e+20"


def test_a_long_key_is_cut_and_the_fingerprint_is_kept() -> None:
    aws = trained(FinalMetricDataList=[{"MetricName": "m" * 255, "Value": 1.0}])
    register(launch(train=f"s3://data/{'k' * 1000}"), aws)
    value = metadata(aws)["data.train"]
    assert (len(value), value[-17:]) == (256, f"@{FINGERPRINT}")
    assert metadata(aws)["metric." + "m" * 121] == "1"


def test_there_are_fifty_properties_at_most_and_the_data_comes_before_the_metrics() -> None:
    aws = trained(FinalMetricDataList=[{"MetricName": f"m{number}", "Value": 1.0} for number in range(52)])
    register(launch(**{f"c{number}": "s3://data/x" for number in range(20)}), aws)
    assert len(metadata(aws)) == 50
    assert sum(key.startswith("data.") for key in metadata(aws)) == 20


def test_a_value_that_is_empty_is_left_out() -> None:
    aws = trained()
    event = launch()
    event["run"]["git_commit"] = ""
    register(event, aws)
    assert "git_commit" not in metadata(aws)


@pytest.mark.parametrize("address", ["s3://artifacts/runs/r/tiny-1/output/model", "s3://artifacts/runs/r/m/"])
def test_an_uncompressed_model_is_registered_as_a_prefix(address: str) -> None:
    """ModelDataUrl takes a gzip compressed archive alone."""
    aws = trained(
        OutputDataConfig={"S3OutputPath": "s3://artifacts/runs/r/", "CompressionType": "NONE"},
        ModelArtifacts={"S3ModelArtifacts": address},
    )
    register(launch(), aws)
    [container] = aws.packages[0]["InferenceSpecification"]["Containers"]
    assert "ModelDataUrl" not in container
    assert container["ModelDataSource"] == {
        "S3DataSource": {
            "S3Uri": f"{address.rstrip('/')}/",
            "S3DataType": "S3Prefix",
            "CompressionType": "None",
        }
    }


def test_a_compressed_model_is_registered_as_an_archive() -> None:
    aws = trained(OutputDataConfig={"S3OutputPath": "s3://artifacts/runs/r/", "CompressionType": "GZIP"})
    register(launch(), aws)
    [container] = aws.packages[0]["InferenceSpecification"]["Containers"]
    assert container["ModelDataUrl"] == "s3://artifacts/runs/r/tiny-1/output/model.tar.gz"
    assert "ModelDataSource" not in container
