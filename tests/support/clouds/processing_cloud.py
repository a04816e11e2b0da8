"""A cloud of the test's own for processing jobs."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from shardyard.spec.catalogue.service_jobs import PROCESSING
from tests.support.clouds.training_cloud import BUCKET, TrainingCloud, stopped, with_fields


class ProcessingCloud(TrainingCloud):
    """The server, and what tests of processing jobs do with it."""

    of = PROCESSING

    def request(self, name: str, image: str, **fields: Any) -> dict[str, Any]:
        """A CreateProcessingJob request; a field with two underscores in its name goes deeper."""
        request: dict[str, Any] = {
            "ProcessingJobName": name,
            "AppSpecification": {"ImageUri": image},
            "RoleArn": self.role,
            "ProcessingResources": {
                "ClusterConfig": {"InstanceType": "ml.m5.large", "InstanceCount": 1, "VolumeSizeInGB": 10}
            },
            "StoppingCondition": {"MaxRuntimeInSeconds": 60},
        }
        return with_fields(request, fields)


def source(name: str, prefix: str, path: str | None = None, **s3: Any) -> dict[str, Any]:
    """An input of the bucket, at /opt/ml/processing/input/NAME if no other path is given."""
    place = f"/opt/ml/processing/input/{name}" if path is None else path
    data = {"S3Uri": f"s3://{BUCKET}/{prefix}", "LocalPath": place, "S3DataType": "S3Prefix", **s3}
    return {"InputName": name, "S3Input": data}


def result(name: str, prefix: str, mode: str = "EndOfJob") -> dict[str, Any]:
    """An output to the bucket, from /opt/ml/processing/output/NAME."""
    place = f"/opt/ml/processing/output/{name}"
    return {
        "OutputName": name,
        "S3Output": {"S3Uri": f"s3://{BUCKET}/{prefix}", "LocalPath": place, "S3UploadMode": mode},
    }


@contextmanager
def processing_cloud(folder: Path, cache: str | None = None) -> Iterator[ProcessingCloud]:
    """A cloud that is stopped at the end, with nothing left of it; `cache` holds environments of images already."""
    with stopped(ProcessingCloud(folder, cache)) as cloud:
        yield cloud
