"""Processing jobs: what a cloud that comes back says of them, and how their outputs are read."""

from typing import Any

import pytest

from embedded.services.sagemaker.processing.fields import channel, managed_outputs
from embedded.services.sagemaker.processing.job import ProcessingJob
from embedded.services.sagemaker.processing.outputs import exit_message
from embedded.services.sagemaker.processing.store import _lost


def job(**fields: Any) -> ProcessingJob:
    request = {
        "ProcessingJobName": "job",
        "AppSpecification": {"ImageUri": "x"},
        "RoleArn": "arn:aws:iam::123456789012:role/r",
        "ProcessingResources": {"ClusterConfig": {"InstanceType": "ml.m5.large", "VolumeSizeInGB": 1}},
        **fields,
    }
    return ProcessingJob("123456789012", "us-east-1", request)


def test_a_job_that_ran_when_the_cloud_ended_has_failed() -> None:
    ran, done = job(), job(ProcessingJobName="done")
    done.finish("Completed", exit_message="all well")
    for one in (ran, done):
        _lost(one)
    assert (ran.status, done.status, done.exit_message) == ("Failed", "Completed", "all well")
    assert ran.failure_reason is not None and ran.failure_reason.startswith("InternalServerError")


def test_a_job_that_has_ended_stays_as_it_is() -> None:
    one = job()
    one.note_stopping("asked")
    one.note_stopping("again")
    one.finish("Stopped")
    one.finish("Completed")
    one.note_stopping("too late")
    assert one.status == "Stopped"
    assert one.instances() == [("ml.m5.large", "homogeneousCluster")], "one instance where no count is given"
    assert one.runtime_seconds == 86400


def test_an_input_is_a_channel_with_a_folder_of_its_own() -> None:
    entry = {
        "InputName": "data",
        "S3Input": {"S3Uri": "s3://b/x", "LocalPath": "/opt/ml/processing/x/", "S3DataType": "S3Prefix"},
    }
    found = channel(entry)
    assert (found["Folder"], found["InputMode"], found["CompressionType"]) == ("/opt/ml/processing/x", "File", "None")
    assert found["DataSource"] == {"S3DataSource": {"S3Uri": "s3://b/x", "S3DataType": "S3Prefix"}}


def test_outputs_without_the_programs_own() -> None:
    s3 = {"S3Uri": "s3://b/y", "LocalPath": "/opt/ml/processing/y", "S3UploadMode": "Continuous"}
    config = {
        "Outputs": [{"OutputName": "y", "S3Output": s3}, {"OutputName": "z", "AppManaged": True}],
        "KmsKeyId": "k",
    }
    (found,) = managed_outputs({"ProcessingOutputConfig": config})
    assert found.is_continuous and found.encryption == {"ServerSideEncryption": "aws:kms", "SSEKMSKeyId": "k"}
    assert not found.synced.follows_links and not found.synced.carries_deletions
    assert managed_outputs({}) == []


@pytest.mark.parametrize("bodies", [(b"a", b"b"), (b"x" * 1024, b"y"), (None, b"only")])
def test_messages_are_put_together(bodies: tuple[bytes | None, ...], tmp_path: Any) -> None:
    nodes = {f"algo-{number + 1}": tmp_path / str(number) for number in range(len(bodies))}
    for body, ml in zip(bodies, nodes.values(), strict=True):
        (ml / "output").mkdir(parents=True)
        if body is not None:
            (ml / "output" / "message").write_bytes(body)
    whole = b"".join(body for body in bodies if body is not None)[:1024]
    assert exit_message(nodes) == whole.decode()
