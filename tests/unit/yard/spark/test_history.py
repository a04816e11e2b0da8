"""`yard spark-ui`: which event logs a name means, and what is said where there are none."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from yard.errors import UserError
from yard.spark import event_logs, history_server


def described(local_path: str, *words: str) -> dict[str, Any]:
    output = {"OutputName": "x", "S3Output": {"LocalPath": local_path, "S3Uri": "s3://bucket/history"}}
    return {
        "ProcessingJobName": "events",
        "AppSpecification": {"ContainerEntrypoint": ["smspark-submit", *words, "app.py"]},
        "ProcessingOutputConfig": {"Outputs": [{"OutputName": "features", "AppManaged": True}, output]},
    }


class Service:
    """Answers for SageMaker and S3."""

    def __init__(self, names: list[str], keys: list[str]) -> None:
        self._names, self._keys = names, keys

    def list_processing_jobs(self, **asked: Any) -> dict[str, Any]:
        assert (asked["SortBy"], asked["SortOrder"], asked["MaxResults"]) == ("CreationTime", "Descending", 1)
        found = [name for name in self._names if asked["NameContains"] in name]
        return {"ProcessingJobSummaries": [{"ProcessingJobName": name} for name in found[:1]]}

    def describe_processing_job(self, ProcessingJobName: str) -> dict[str, Any]:
        return described("/opt/ml/processing/spark-events/") | {"ProcessingJobName": ProcessingJobName}

    def get_paginator(self, name: str) -> Any:
        pages = [{"Contents": [{"Key": key} for key in self._keys]}, {}]
        return SimpleNamespace(paginate=lambda **_: pages)

    def download_file(self, bucket: str, key: str, path: str) -> None:
        Path(path).write_text(key)


def aws(names: list[str], keys: list[str]) -> Any:
    service = Service(names, keys)
    return SimpleNamespace(client=lambda _: service)


def test_the_newest_job_with_the_name_in_its() -> None:
    assert event_logs.find(aws(["events-prepare-2", "events-prepare-1"], []), "events-prepare") == (
        "events-prepare-2",
        "s3://bucket/history",
    )
    with pytest.raises(UserError, match="No processing job has 'other' in its name"):
        event_logs.find(aws(["events"], []), "other")


def test_the_output_is_the_one_that_the_option_names() -> None:
    own = described("/opt/ml/processing/logs", "--local-spark-event-logs-dir", "/opt/ml/processing/logs/")
    assert event_logs.prefix(own) == "s3://bucket/history"
    with pytest.raises(UserError, match="events has no output from /opt/ml/processing/spark-events, so its event logs"):
        event_logs.prefix(described("/opt/ml/processing/features"))


def test_only_whole_logs_are_fetched(tmp_path: Path) -> None:
    keys = ["history/app-1", "history/.app-2.part", "history/folder/x"]
    assert event_logs.download(aws([], keys), "s3://bucket/history/", tmp_path) == ["app-1"]
    assert [path.name for path in tmp_path.iterdir()] == ["app-1"]
    with pytest.raises(UserError, match="There are no event logs below s3://bucket/history"):
        event_logs.download(aws([], []), "s3://bucket/history", tmp_path)


def test_without_java_it_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(history_server.shutil, "which", lambda name: None)
    with pytest.raises(UserError, match="needs Java"), history_server.running(tmp_path, tmp_path, 1, 18080):
        pass


def test_a_server_that_ends_is_said_with_its_last_word(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "log").write_text("starting\nBindException: Address already in use\n")
    ended: Any = SimpleNamespace(poll=lambda: 1, returncode=1, terminate=lambda: None, wait=lambda: None)
    monkeypatch.setattr(history_server.shutil, "which", lambda name: "/usr/bin/java")
    monkeypatch.setattr(history_server, "_start", lambda *_: ended)
    server = history_server.running(tmp_path, tmp_path / "logs", 1, 18080)
    with pytest.raises(UserError, match="ended with 1: BindException"), server:
        pass
