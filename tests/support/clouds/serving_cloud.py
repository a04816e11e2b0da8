"""A cloud of the test's own for endpoints."""

import io
import json
import tarfile
import textwrap
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.support.clouds.training_cloud import BUCKET, TrainingCloud, stopped, wait_until
from tests.support.serving.model_server import PROGRAM

SETTLED = ("InService", "Failed", "UpdateRollbackFailed", "OutOfService")


def packed(files: Mapping[str, str | bytes]) -> bytes:
    """A model.tar.gz."""
    made = io.BytesIO()
    with tarfile.open(fileobj=made, mode="w:gz") as archive:
        for name, given in files.items():
            content = given.encode() if isinstance(given, str) else given
            info = tarfile.TarInfo(name)
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
    return made.getvalue()


class ServingCloud(TrainingCloud):
    """The server, and what tests of endpoints do with it."""

    def server(self, name: str = "server", labels: str = "") -> str:
        """The image of the small model server; returns its URI."""
        uri = self.image(name, textwrap.dedent(PROGRAM))
        path = self.project / "containers" / name / "Dockerfile"
        if labels:
            path.write_text(path.read_text() + f"LABEL {labels}\n")
        return uri

    def model(self, name: str, answer: str = "", **fields: Any) -> str:
        """A model that answers this; `fields` are those of its container, or of the model for its Containers."""
        self.put(f"models/{name}.tar.gz", packed({"answer.txt": answer or name}))
        environment = fields.pop("Environment", {})
        container = {
            "Image": fields.pop("Image", self.uri("server")),
            "ModelDataUrl": f"s3://{BUCKET}/models/{name}.tar.gz",
            "Environment": environment,
        }
        given = {"Containers": fields.pop("Containers")} if "Containers" in fields else {"PrimaryContainer": container}
        self.client("sagemaker").create_model(ModelName=name, ExecutionRoleArn=self.role, **given, **fields)
        return name

    def config(self, name: str, *variants: Mapping[str, Any], **fields: Any) -> str:
        """An endpoint configuration."""
        self.client("sagemaker").create_endpoint_config(
            EndpointConfigName=name, ProductionVariants=list(variants), **fields
        )
        return name

    def simple(self, name: str, answer: str = "", *, count: int = 1, **environment: str) -> str:
        """A model and a configuration of one variant, `main`, of the same name."""
        return self.config(name, variant("main", self.model(name, answer, Environment=environment), count=count))

    def serve(self, name: str, config: str, **fields: Any) -> dict[str, Any]:
        """An endpoint, once it is in service or has failed."""
        self.client("sagemaker").create_endpoint(EndpointName=name, EndpointConfigName=config, **fields)
        return self.settled(name)

    def describe_endpoint(self, name: str) -> dict[str, Any]:
        """What the service says of an endpoint."""
        said: dict[str, Any] = self.client("sagemaker").describe_endpoint(EndpointName=name)
        return said

    def settled(self, name: str, seconds: float = 60) -> dict[str, Any]:
        """Wait until nothing goes on with an endpoint."""
        wait_until(
            lambda: self.describe_endpoint(name)["EndpointStatus"] in SETTLED, seconds, f"the end of {name}'s change"
        )
        return self.describe_endpoint(name)

    def invoke(self, endpoint: str, body: bytes | str = b"1", **fields: Any) -> str:
        """What an endpoint answers."""
        answer = self.client("sagemaker-runtime").invoke_endpoint(EndpointName=endpoint, Body=body, **fields)
        text: str = answer["Body"].read().decode()
        return text

    def allow(self, queue: str, statement: Mapping[str, Any]) -> None:
        """Let somebody send to a queue."""
        policy = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
        self.client("sqs").set_queue_attributes(QueueUrl=queue, Attributes={"Policy": policy})

    def received(self, queue: str) -> list[tuple[str, str]]:
        """The events of endpoints that lie in a queue: their kinds, and the endpoint's status."""
        sqs, found = self.client("sqs"), []
        for message in sqs.receive_message(QueueUrl=queue, MaxNumberOfMessages=10).get("Messages", ()):
            event = json.loads(message["Body"])
            found.append((event["detail-type"], event["detail"].get("EndpointStatus", "")))
            sqs.delete_message(QueueUrl=queue, ReceiptHandle=message["ReceiptHandle"])
        return found

    def delete_all(self) -> None:
        """Delete every endpoint, and wait until all are gone."""
        client = self.client("sagemaker")
        for one in client.list_endpoints(MaxResults=100)["Endpoints"]:
            self.settled(one["EndpointName"])
            client.delete_endpoint(EndpointName=one["EndpointName"])
        wait_until(lambda: not client.list_endpoints()["Endpoints"], 40, "the end of all endpoints")

    def metric(self, name: str, endpoint: str, stat: str = "Sum", **dimensions: str) -> float:
        """The sum of a metric of an endpoint's variant `main`, or another statistic, of the last hour."""
        given = {"EndpointName": endpoint, "VariantName": "main"} | dimensions
        now = time.time()
        points = self.client("cloudwatch").get_metric_statistics(
            Namespace="AWS/SageMaker",
            MetricName=name,
            Dimensions=[{"Name": key, "Value": value} for key, value in given.items()],
            StartTime=now - 3600,
            EndTime=now + 60,
            Period=86400,
            Statistics=[stat],
        )["Datapoints"]
        return float(sum(point[stat] for point in points))


def variant(name: str, model: str, *, count: int = 1, weight: float = 1.0, **fields: Any) -> dict[str, Any]:
    """A production variant."""
    return {
        "VariantName": name,
        "ModelName": model,
        "InitialInstanceCount": count,
        "InstanceType": "ml.m5.large",
        "InitialVariantWeight": weight,
        **fields,
    }


@contextmanager
def serving_cloud(folder: Path) -> Iterator[ServingCloud]:
    """A cloud that is stopped at the end, with nothing left of its endpoints once they are deleted."""
    with stopped(ServingCloud(folder)) as cloud:
        cloud.server()
        yield cloud
        cloud.delete_all()
