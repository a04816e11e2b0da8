"""One attempt of a job: what its nodes write from their first moment on is carried to S3."""

import queue
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from embedded.nodes.folder_sync import Synced
from embedded.nodes.locations import Location
from embedded.services.sagemaker.jobs import attempt
from embedded.services.sagemaker.jobs.job import JobKind


class FastProgram:
    """An engine whose node has written a checkpoint before anybody looks."""

    def start(self, spec: Any) -> Any:
        (spec.folder / "algo-1" / "ml" / "checkpoints" / "new").write_text("written at once")
        return SimpleNamespace(outputs={}, programs={}, streams={}, exits=lambda: iter(()), close=lambda: None)


class Sent:
    """A client of S3 that notes what it is given."""

    def __init__(self) -> None:
        self.keys: list[str] = []

    def upload_file(self, path: str, bucket: str, key: str, ExtraArgs: dict[str, str]) -> None:
        self.keys.append(key)


def test_a_checkpoint_of_the_first_moment_is_not_taken_for_one_that_came_from_s3(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sent = Sent()
    job: Any = SimpleNamespace(
        kind=JobKind(word="Training"),
        name="job",
        region="us-east-1",
        role_arn="arn:aws:iam::123456789012:role/training",
        is_isolated=True,
        channels=[],
        instances=lambda: [("ml.m5.large", "homogeneousCluster")],
        synced=lambda: iter([Synced(local_path="/opt/ml/checkpoints", location=Location.parse("s3://bucket/run"))]),
    )
    container: Any = SimpleNamespace(image="image", entrypoint=None, arguments=[], environment=lambda *_: {})
    idle = SimpleNamespace(start=lambda: None, stop=lambda: None, join=lambda seconds: None)
    monkeypatch.setattr(attempt.clients, "endpoint", lambda: "http://127.0.0.1:1")
    monkeypatch.setattr(attempt.execution_role, "variables", lambda *_: {})
    monkeypatch.setattr(attempt, "Meter", lambda *_: idle)
    monkeypatch.setattr(attempt.AttemptRun, "client", lambda run, service: sent)
    with attempt.AttemptRun(job, container, cast(Any, FastProgram()), queue.SimpleQueue()) as run:
        run._inputs = cast(Any, SimpleNamespace(streams=lambda host: [], serve=lambda streams: None, stop=lambda: []))
        folder = run.ml["algo-1"] / "checkpoints"
        folder.mkdir(parents=True)
        (folder / "old").write_text("from S3")
        run.start()
        run.settle(last_look=True)
    assert sent.keys == ["run/new"]
