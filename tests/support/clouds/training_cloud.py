"""A cloud of the test's own for training jobs: a real server process, small images, short waits."""

import json
import os
import subprocess
import sys
import textwrap
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

import boto3

from embedded import lifecycle
from shardyard.spec.catalogue.service_jobs import TRAINING

ROOT = Path(__file__).resolve().parents[3]
ENGINE_VARIABLE = "YARD_TEST_ENGINE"
"""`docker` has the tests of the engines run on containers; `make test-containers` sets it, and what goes with it."""
ACCOUNT = "123456789012"
REGION = "us-east-1"
BUCKET = "training-bucket"
NOT_DOWNLOADED = f"ClientError: Data download failed:Failed to download data. S3 key: s3://{BUCKET}/"
LOG_GROUP = TRAINING.log_group
_SERVER = [sys.executable, "-m", "embedded.server", "--port", "0"]
TERMINAL = ("Completed", "Failed", "Stopped")
MANIFEST = {
    "schemaVersion": 2,
    "mediaType": "application/vnd.docker.distribution.manifest.v2+json",
    "config": {
        "mediaType": "application/vnd.docker.container.image.v1+json",
        "digest": "sha256:" + "0" * 64,
        "size": 1,
    },
    "layers": [],
}
TRUST = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Principal": {"Service": "sagemaker.amazonaws.com"}, "Action": "sts:AssumeRole"}],
}


Cloud = TypeVar("Cloud", bound="TrainingCloud")


class TrainingCloud:
    """The server, and what tests do with it."""

    of = TRAINING
    """The kind of its jobs."""
    engine = "process"

    def __init__(self, folder: Path, cache: str | None = None) -> None:
        self.folder, self.project, self.work = folder, folder / "project", folder / "work"
        self.work.mkdir(parents=True)
        self.log = folder / "log"
        with self.log.open("w") as log:
            self.process = subprocess.Popen(
                [*_SERVER, "--state", folder, "--log", self.log, *self.options()],
                cwd=ROOT,
                env=os.environ | {"XDG_CACHE_HOME": cache or str(folder / "cache")},
                stdout=log,
                stderr=log,
            )
        state = folder / "state.json"
        wait_until(lambda: state.exists() or self.process.poll() is not None, 120, "the server's start")
        assert state.exists(), self.log.read_text()
        running = lifecycle.status(folder)
        assert running is not None
        self.state, self.endpoint = running, running.endpoint
        self._clients: dict[str, Any] = {}
        self.admin("settings", project_root=str(self.project), work_root=str(self.work), stop_grace_seconds=3)
        self.admin("settings", spot_return_seconds=0.2, checkpoint_seconds=0.2, metric_seconds=0.5)
        self.role = self.client("iam").create_role(RoleName="training", AssumeRolePolicyDocument=json.dumps(TRUST))[
            "Role"
        ]["Arn"]
        self.client("s3").create_bucket(Bucket=BUCKET)

    def options(self) -> list[str]:
        """More words for the server."""
        return []

    def client(self, service: str) -> Any:
        """A client as the account's root."""
        if service not in self._clients:
            self._clients[service] = boto3.client(
                service,
                endpoint_url=self.endpoint,
                region_name=REGION,
                aws_access_key_id="test",
                aws_secret_access_key=self.state.secret,
            )
        return self._clients[service]

    def admin(self, verb: str, **parameters: Any) -> dict[str, Any]:
        """A verb of the admin interface."""
        try:
            return lifecycle.admin(self.state, verb, parameters)
        except lifecycle.CloudError as error:
            raise AssertionError(f"{verb}: {error}") from error

    def image(self, name: str, program: str, *, requirements: str = "") -> str:
        """An image that runs this Python program; returns its URI."""
        folder = self._folder(name, program, requirements)
        ecr = self.client("ecr")
        try:
            ecr.create_repository(repositoryName=f"test/{name}")
        except ecr.exceptions.RepositoryAlreadyExistsException:
            return self.uri(name)
        self.push(name, folder)
        return self.uri(name)

    def push(self, name: str, folder: Path) -> None:
        """Push what stands for an image: its name."""
        self.client("ecr").put_image(repositoryName=f"test/{name}", imageManifest=json.dumps(MANIFEST), imageTag="1")

    def _folder(self, name: str, program: str, requirements: str) -> Path:
        folder = self.project / "containers" / name
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "requirements.txt").write_text(requirements)
        (folder / "run.py").write_text(textwrap.dedent(program))
        (folder / "Dockerfile").write_text(
            "FROM python:3.11-slim\n"
            f"COPY containers/{name}/run.py /opt/program/run.py\n"
            "ENV PYTHONUNBUFFERED=1 FROM_IMAGE=yes\n"
            'ENTRYPOINT ["python", "/opt/program/run.py"]\n'
        )
        return folder

    def uri(self, name: str) -> str:
        """The URI of an image."""
        return f"{ACCOUNT}.dkr.ecr.{REGION}.amazonaws.com/test/{name}:1"

    def put(self, key: str, body: bytes | str) -> None:
        """Put an object into the bucket."""
        self.client("s3").put_object(Bucket=BUCKET, Key=key, Body=body)

    def get(self, key: str) -> bytes:
        """An object's content."""
        content: bytes = self.client("s3").get_object(Bucket=BUCKET, Key=key)["Body"].read()
        return content

    def keys(self, prefix: str) -> list[str]:
        """The keys that begin so."""
        found = self.client("s3").list_objects_v2(Bucket=BUCKET, Prefix=prefix).get("Contents", [])
        return [entry["Key"] for entry in found]

    def request(self, name: str, image: str, **fields: Any) -> dict[str, Any]:
        """A CreateTrainingJob request; a field with two underscores in its name goes deeper."""
        request: dict[str, Any] = {
            "TrainingJobName": name,
            "AlgorithmSpecification": {"TrainingImage": image, "TrainingInputMode": "File"},
            "RoleArn": self.role,
            "OutputDataConfig": {"S3OutputPath": f"s3://{BUCKET}/out"},
            "ResourceConfig": {"InstanceType": "ml.m5.large", "InstanceCount": 1, "VolumeSizeInGB": 10},
            "StoppingCondition": {"MaxRuntimeInSeconds": 60},
        }
        return with_fields(request, fields)

    def create(self, name: str, image: str, **fields: Any) -> None:
        """Start a job."""
        self.of.create(self.client("sagemaker"), self.request(name, image, **fields))

    def describe(self, name: str) -> dict[str, Any]:
        """What the service says of a job."""
        return self.of.describe(self.client("sagemaker"), name)

    def finished(self, name: str, seconds: float = 60) -> dict[str, Any]:
        """Wait for a job's end."""
        wait_until(lambda: self.describe(name)[self.of.status_field] in TERMINAL, seconds, f"the end of {name}")
        return self.describe(name)

    def run(self, name: str, image: str, **fields: Any) -> dict[str, Any]:
        """Start a job and wait for its end."""
        self.create(name, image, **fields)
        return self.finished(name)

    def wait_for_status(self, name: str, secondary: str, seconds: float = 20) -> None:
        """Wait until a job has entered a secondary status, or even left it."""
        wait_until(
            lambda: any(entry["Status"] == secondary for entry in self.describe(name)["SecondaryStatusTransitions"]),
            seconds,
            f"{secondary} of {name}",
        )

    def lines(self, name: str) -> dict[str, list[str]]:
        """The job's log lines by host, of its latest attempt."""
        logs = self.client("logs")
        streams = logs.describe_log_streams(logGroupName=self.of.log_group, logStreamNamePrefix=f"{name}/")[
            "logStreams"
        ]
        found = {}
        for stream in sorted(streams, key=lambda entry: entry["logStreamName"]):
            events = logs.get_log_events(
                logGroupName=self.of.log_group, logStreamName=stream["logStreamName"], startFromHead=True
            )["events"]
            host = stream["logStreamName"].split("/")[1].rpartition("-")[0]
            found[host] = [event["message"] for event in events]
        return found

    def wait_for_line(self, name: str, line: str, host: str = "algo-1", seconds: float = 60) -> None:
        """Wait until a host has printed a line."""

        def printed() -> bool:
            try:
                return line in self.lines(name).get(host, [])
            except self.client("logs").exceptions.ResourceNotFoundException:
                return False

        wait_until(printed, seconds, f"{line!r} of {name}/{host}")

    def said(self, name: str, host: str = "algo-1") -> Any:
        """The JSON that a host printed as its last line."""
        return json.loads(self.lines(name)[host][-1])

    def left(self) -> list[str]:
        """What an engine has left outside of the server's processes and folders."""
        return []

    def descendants(self) -> list[int]:
        """All processes below the server."""
        return descendants(self.process.pid)

    def check_nothing_left(self) -> None:
        """No process, no folder, no mount and no link of any job."""
        wait_until(lambda: not self.descendants(), 10, "the end of the jobs' processes")
        wait_until(lambda: not list(self.work.iterdir()), 10, "the removal of the jobs' folders")
        wait_until(lambda: not self.left(), 10, "the removal of what the engine made")
        assert str(self.work) not in Path("/proc/self/mountinfo").read_text()
        assert not [name for name in os.listdir("/sys/class/net") if name.startswith(("yard", "cable"))]

    def stop(self) -> None:
        """End the server."""
        self.process.terminate()
        self.process.wait(20)


def descendants(pid: int) -> list[int]:
    """All processes below this one."""
    children: dict[int, list[int]] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                parent = int((entry / "stat").read_text(errors="replace").rpartition(")")[2].split()[1])
            except OSError:
                continue
            children.setdefault(parent, []).append(int(entry.name))
    found: list[int] = []
    waiting = [pid]
    while waiting:
        below = children.get(waiting.pop(), [])
        found += below
        waiting += below
    return found


def with_fields(request: dict[str, Any], fields: Mapping[str, Any]) -> dict[str, Any]:
    """A request with more fields; one with two underscores in its name goes deeper."""
    for path, value in fields.items():
        *heads, last = path.split("__")
        place = request
        for head in heads:
            place = place.setdefault(head, {})
        place[last] = value
    return request


def wait_until(holds: Callable[[], bool], seconds: float, what: str) -> None:
    """Wait for something, or fail with its name."""
    until = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < until, f"{what} did not come within {seconds} s"
        time.sleep(0.05)


def channel(name: str, prefix: str, **source: Any) -> dict[str, Any]:
    """A channel of the bucket; keywords with a capital letter first go into S3DataSource, `mode` to the channel."""
    mode = source.pop("mode", None)
    extra: Mapping[str, Any] = source.pop("extra", {})
    data = {"S3DataType": "S3Prefix", "S3Uri": f"s3://{BUCKET}/{prefix}", **source}
    entry: dict[str, Any] = {"ChannelName": name, "DataSource": {"S3DataSource": data}, **extra}
    if mode is not None:
        entry["InputMode"] = mode
    return entry


def start(folder: Path) -> TrainingCloud:
    """A cloud with the engine that this run of the tests is for."""
    if os.environ.get(ENGINE_VARIABLE) != "docker":
        return TrainingCloud(folder)
    from tests.support.clouds.docker_cloud import DockerCloud

    return DockerCloud(folder)


@contextmanager
def training_cloud(folder: Path) -> Iterator[TrainingCloud]:
    """A cloud that is stopped at the end, with nothing left of it."""
    with stopped(start(folder)) as cloud:
        yield cloud


@contextmanager
def stopped(cloud: Cloud) -> Iterator[Cloud]:
    """A cloud until the end of the block, of which nothing may be left then."""
    try:
        yield cloud
        cloud.check_nothing_left()
    finally:
        cloud.stop()
