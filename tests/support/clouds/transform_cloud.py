"""A cloud of the test's own for transform jobs."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from shardyard.spec.catalogue.service_jobs import TRANSFORM
from tests.support.clouds.serving_cloud import ServingCloud
from tests.support.clouds.training_cloud import BUCKET, TERMINAL, stopped, wait_until, with_fields


class TransformCloud(ServingCloud):
    """The server, and what tests of transform jobs do with it."""

    of = TRANSFORM

    def job(self, name: str, model: str, **fields: Any) -> dict[str, Any]:
        """A CreateTransformJob request over in/NAME/; a field with dots in its name goes deeper."""
        request: dict[str, Any] = {
            "TransformJobName": name,
            "ModelName": model,
            "TransformInput": {
                "DataSource": {"S3DataSource": {"S3DataType": "S3Prefix", "S3Uri": f"s3://{BUCKET}/in/{name}/"}},
                "ContentType": "text/csv",
                "SplitType": "Line",
            },
            "TransformOutput": {
                "S3OutputPath": f"s3://{BUCKET}/out/{name}",
                "Accept": "text/csv",
                "AssembleWith": "Line",
            },
            "TransformResources": {"InstanceType": "ml.m5.large", "InstanceCount": 1},
        }
        return with_fields(request, fields)

    def transform(self, name: str, model: str, objects: dict[str, bytes], **fields: Any) -> dict[str, Any]:
        """Put the objects, run a job over them, and wait for its end."""
        for key, content in objects.items():
            self.put(f"in/{name}/{key}", content)
        self.client("sagemaker").create_transform_job(**self.job(name, model, **fields))
        return self.transformed(name)

    def described(self, name: str) -> dict[str, Any]:
        """What the service says of a transform job."""
        said: dict[str, Any] = self.client("sagemaker").describe_transform_job(TransformJobName=name)
        return said

    def transformed(self, name: str, seconds: float = 60) -> dict[str, Any]:
        """Wait for a job's end."""
        wait_until(lambda: self.described(name)["TransformJobStatus"] in TERMINAL, seconds, f"the end of {name}")
        return self.described(name)

    def results(self, name: str) -> dict[str, bytes]:
        """What a job has written, by key below its output."""
        return {key.removeprefix(f"out/{name}/"): self.get(key) for key in self.keys(f"out/{name}/")}

    def data_log(self, name: str) -> list[str]:
        """What the service's agent said of a job's objects, without its times."""
        logs = self.client("logs")
        streams = logs.describe_log_streams(logGroupName=self.of.log_group, logStreamNamePrefix=f"{name}/")[
            "logStreams"
        ]
        (stream,) = [one["logStreamName"] for one in streams if one["logStreamName"].endswith("/data-log")]
        events = logs.get_log_events(logGroupName=self.of.log_group, logStreamName=stream, startFromHead=True)["events"]
        return [event["message"].partition("[sagemaker logs]: ")[2] for event in events]


@contextmanager
def transform_cloud(folder: Path) -> Iterator[TransformCloud]:
    """A cloud that is stopped at the end, with nothing left of its jobs."""
    with stopped(TransformCloud(folder)) as cloud:
        cloud.server()
        yield cloud
