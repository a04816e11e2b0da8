"""The deployed house with an image, data and short waits: what the end-to-end tests launch jobs in."""

import argparse
import io
import json
import shutil
import subprocess
import tarfile
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import boto3

from embedded.nodes import image_environment
from yard import images
from yard.aws import Aws
from yard.project import find_project
from yard.runs import artifacts, jobs, logs, runs
from yard.transfer import data_folder, upload
from yard.transfer.uploaded import Uploaded

ROOT = Path(__file__).resolve().parents[3]
EMAIL = "team@example.com"
MINUTES = 60
LONGEST_SECONDS = 10 * MINUTES
"""What a run may take where many share the machine; a quiet one needs a twentieth of it."""

DISTURBABLE: Mapping[str, Any] = {
    "hyperparameters": {"epochs": 3, "width": 64, "checkpoint_steps": 5, "log_steps": 1},
}
"""A launch of mnist-ddp as it ships, as spot, that is long enough to be interrupted and says the loss of each step."""


@dataclass(frozen=True)
class CloudAws(Aws):
    """What `yard` works with, pointed at a test's cloud without touching this process's environment."""

    cloud: Any = None

    @cached_property
    def session(self) -> boto3.Session:
        """The keys of the cloud's owner, and the region of the tests."""
        secret = self.cloud.state.secret
        return boto3.Session(aws_access_key_id="test", aws_secret_access_key=secret, region_name="us-east-1")

    def client(self, service: str) -> Any:
        """A client of the cloud."""
        if service not in self._clients:
            self._clients[service] = self.cloud.client(service)
        return self._clients[service]

    @property
    def endpoint(self) -> str:
        """Where the cloud answers."""
        return str(self.cloud.endpoint)


@dataclass(frozen=True, kw_only=True)
class Ended:
    """How an execution ended."""

    run: runs.Run
    error: str
    cause: str

    @property
    def status(self) -> str:
        """SUCCEEDED, FAILED, ABORTED or TIMED_OUT."""
        return self.run.status


@dataclass(frozen=True, kw_only=True)
class House:
    """One deployed project of a cloud, as its user sees it."""

    cloud: Any
    aws: CloudAws

    @classmethod
    def of(cls, cloud: Any, root: Path = ROOT) -> "House":
        """The project in a folder."""
        return cls(cloud=cloud, aws=CloudAws(find_project(root), cloud=cloud))

    @cached_property
    def topic_arn(self) -> str:
        """Where everything that a person should know is published."""
        return self.aws.output("observability", "TopicArn")

    def put(self, folder: Path, prefix: str) -> None:
        """Upload a folder to a place in the data bucket."""
        items = upload.plan(data_folder.read(folder, prefix), prefix)
        upload.send(self.aws.client("s3"), self.aws.data_bucket(), items, Uploaded(), on_file=lambda item: None)

    def push_image(self, folder: str = "pytorch") -> None:
        """Bring an image to its repository."""
        images.push_image(self.aws, folder)

    def launch(self, job: str, launch: Mapping[str, Any]) -> runs.Run:
        """Start a job's state machine."""
        return runs.start(self.aws, job, {"run_id": runs.new_run_id(), **launch})

    def finish(self, run: runs.Run) -> Ended:
        """Wait until the execution has ended."""
        wait_until(lambda: runs.refresh(self.aws, run)[0].status != "RUNNING", f"the end of {run.run_id}")
        ended, answer = runs.refresh(self.aws, run)
        return Ended(run=ended, error=answer.get("error", ""), cause=answer.get("cause", ""))

    def run(self, job: str, launch: Mapping[str, Any]) -> Ended:
        """Launch a job and wait for its end."""
        return self.finish(self.launch(job, launch))

    def succeed(self, job: str, launch: Mapping[str, Any]) -> runs.Run:
        """Launch a job, wait for its end, and say all that is known if that is no success."""
        ended = self.run(job, launch)
        assert ended.status == "SUCCEEDED", self.story(ended)
        return ended.run

    def story(self, ended: Ended) -> str:
        """What a person would look at after a failure."""
        last = "\n".join(f"{line.host} {line.text}" for line in self.lines(ended.run)[-60:])
        return f"{ended.run.job} {ended.run.run_id} {ended.status}\n{ended.error}: {ended.cause}\n{last}"

    def attempts(self, run: runs.Run) -> list[dict[str, Any]]:
        """The training jobs of a run, described, the oldest first."""
        names = [summary["TrainingJobName"] for summary in runs.attempts(self.aws, run)]
        return [jobs.describe(self.aws, run, name) for name in names]

    def training(self, run: runs.Run) -> dict[str, Any]:
        """The first attempt, once it trains on all its nodes."""
        wait_until(
            lambda: any(job["SecondaryStatus"] == "Training" for job in self.attempts(run)),
            f"{run.run_id} training; {runs.refresh(self.aws, run)[1]}",
        )
        return self.attempts(run)[0]

    def lines(self, run: runs.Run) -> list[logs.Line]:
        """What all nodes of all attempts have printed."""
        tail = logs.Tail(self.aws, run.run_id, log_group=run.of.log_group)
        return list(tail.lines([job["TrainingJobName"] for job in self.attempts(run)]))

    def losses(self, run: runs.Run) -> set[tuple[int, float]]:
        """Each step with its loss, as often as they differ."""
        values = [line.metrics() for line in self.lines(run)]
        return {(int(one["step"]), one["loss"]) for one in values if {"step", "loss"} <= one.keys()}

    def receipt(self, run: runs.Run) -> dict[str, Any]:
        """The receipt in the artifact bucket."""
        return runs.receipt(self.aws, run.run_id)

    def model(self, run: runs.Run) -> dict[str, bytes]:
        """The files of the model in S3, by their names."""
        model = artifacts.model(self.aws, run)
        body = self.aws.client("s3").get_object(Bucket=model.bucket, Key=model.prefix)["Body"].read()
        with tarfile.open(fileobj=io.BytesIO(body)) as archive:
            files = {member.name: archive.extractfile(member) for member in archive.getmembers() if member.isfile()}
            return {name: file.read() for name, file in files.items() if file is not None}

    def weights(self, run: runs.Run) -> str:
        """The digest of the weights, as training wrote it beside them."""
        return str(json.loads(self.model(run)["model.json"])["weights_sha256"])

    def mails(self, about: str) -> list[dict[str, Any]]:
        """The messages of this project's topic in which a text stands, the oldest first."""
        messages: list[dict[str, Any]] = self.cloud.admin("outbox")["messages"]
        own = [one for one in messages if one["topic"] == self.topic_arn]
        return [one for one in own if about in one["subject"] or about in one["text"]]

    def mail(self, about: str) -> dict[str, Any]:
        """The newest message about something, once it has come."""
        wait_until(lambda: bool(self.mails(about)), f"a message about {about}", seconds=MINUTES)
        return self.mails(about)[-1]


def wait_until(done: Callable[[], bool], what: str, seconds: float = LONGEST_SECONDS) -> None:
    """Look again and again until something is so, or fail and say what was waited for."""
    end = time.monotonic() + seconds
    while not done():
        assert time.monotonic() < end, f"{what} did not come within {seconds:.0f} s"
        time.sleep(0.1)


def short_waits(cloud: Any) -> None:
    """Waits that a test need not sit out, and a grace that a loaded machine still has time in."""
    cloud.admin("settings", stop_grace_seconds=600, capacity_wait_seconds=10, spot_return_seconds=4, metric_seconds=1)
    cloud.admin("clock", rate=20)


def make_sample(module: str, folder: Path, size: str) -> None:
    """Run one of the programs that make data."""
    python = image_environment.ensure(ROOT / "containers/pytorch/requirements.txt") / "bin/python"
    command = [str(python), "-m", f"training.programs.{module}", str(folder), size]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True, timeout=LONGEST_SECONDS)


def write_data(folder: Path) -> None:
    """Digits, events and text, small, the same each time: `digits/train`, `events/train`, `text/train`, ..."""
    for module, name, size in (("make_digits", "digits", "--shards=4"), ("make_events", "events", "--rows=1500")):
        make_sample(module, folder / name, size)
    text = folder / "text/train"
    text.mkdir(parents=True)
    for source in (argparse.__file__, json.__file__, tarfile.__file__):
        shutil.copy(source, (text / Path(source).stem).with_suffix(".txt"))
