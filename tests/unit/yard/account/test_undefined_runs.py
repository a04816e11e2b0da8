"""Runs whose job is no longer defined are found by the tags of their training and processing jobs."""

import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from shardyard.spec.settings.settings import Settings
from yard import soon
from yard.account import undefined_runs
from yard.project import Project
from yard.runs import runs

JOB = '[image]\nrepository = "own"\ntag = "1"\n[compute]\ninstance_type = "ml.m5.xlarge"\n'
RUNS = {"old": "20261101-100000-aaaa", "kept": "20261102-100000-bbbb", "before": "20261103-100000-cccc"}
NOW = datetime(2026, 11, 4, tzinfo=UTC)


class SageMaker:
    """Answers a search with one training job a job, and keeps what was asked."""

    def __init__(self) -> None:
        self.asked: dict[str, Any] = {}
        self.stopped: list[str] = []
        self.processing: dict[str, str] = {}
        self.tags: dict[str, dict[str, str]] = {}

    def get_paginator(self, operation: str) -> Any:
        return SimpleNamespace(paginate=lambda **asked: self.paginate(operation, **asked))

    def list_tags(self, ResourceArn: str) -> dict[str, Any]:
        return {"Tags": [{"Key": key, "Value": value} for key, value in self.tags[ResourceArn].items()]}

    def paginate(self, operation: str, **asked: Any) -> Iterator[dict[str, Any]]:
        if operation == "list_transform_jobs":
            yield {"TransformJobSummaries": []}
            return
        if operation == "list_auto_ml_jobs":
            yield {"AutoMLJobSummaries": []}
            return
        if operation == "list_processing_jobs":
            listed: dict[str, list[Any]] = {"ProcessingJobSummaries": []}
            for number, (name, status) in enumerate(self.processing.items()):
                if status == asked.get("StatusEquals", status) and asked.get("NameContains", "") in name:
                    made = {"CreationTime": NOW - timedelta(hours=2 * number - 1), "ProcessingJobArn": name}
                    listed["ProcessingJobSummaries"].append(
                        {"ProcessingJobName": name, "ProcessingJobStatus": status, **made}
                    )
            yield listed
            return
        if operation == "list_training_jobs":
            run_id = asked["NameContains"]
            yield {"TrainingJobSummaries": [{"TrainingJobName": f"old-{run_id}-1", "TrainingJobStatus": "Stopping"}]}
            return
        self.asked = asked
        yield {"Results": [{"TrainingJob": self.job({"job": job, "run": run})} for job, run in RUNS.items()]}
        second = {"job": "old", "run": RUNS["old"]}
        yield {"Results": [{"TrainingJob": self.job(second)}, {"TrainingJob": self.job({"by": "an exported script"})}]}

    @staticmethod
    def job(tags: dict[str, str]) -> dict[str, Any]:
        described = {"TrainingJobStatus": "InProgress", "CreationTime": NOW}
        return {**described, "Tags": [{"Key": key, "Value": value} for key, value in tags.items()]}


class Account:
    def __init__(self, project: Project) -> None:
        self.project, self.sagemaker = project, SageMaker()

    def client(self, _: str) -> SageMaker:
        return self.sagemaker


@pytest.fixture
def project(tmp_path: Path) -> Project:
    (tmp_path / "jobs").mkdir()
    (tmp_path / "jobs/kept.toml").write_text(JOB)
    (tmp_path / "jobs/now.toml").write_text(f'renamed_from = "before"\n{JOB}')
    return Project(root=tmp_path, settings=Settings())


def test_runs_of_defined_and_of_renamed_jobs_are_no_others(project: Project) -> None:
    account: Any = Account(project)
    (run,) = runs.runs_of_others(account, ["kept", "now"], running=True)
    assert (run.job, run.run_id, run.status, run.execution_arn) == ("old", RUNS["old"], "RUNNING", "")
    filters = {one["Name"]: one["Value"] for one in account.sagemaker.asked["SearchExpression"]["Filters"]}
    assert filters == {
        "Tags.project": "shardyard",
        "Tags.stage": "dev",
        "TrainingJobStatus": "InProgress,Stopping",
    }


def test_processing_runs_of_jobs_that_are_gone_are_found_too(project: Project) -> None:
    account: Any = Account(project)
    ours = {"project": "shardyard", "stage": "dev", "job": "prepare"}
    new, old, others, known = (f"prepare-2026110{day}-100000-eeee-1" for day in (4, 3, 2, 1))
    account.sagemaker.processing = {
        new: "Stopping",
        old: "Completed",
        others: "InProgress",
        known.replace("prepare", "kept"): "InProgress",
        "by-hand": "InProgress",
    }
    account.sagemaker.tags = {
        new: {**ours, "run": "20261104-100000-eeee"},
        old: {**ours, "run": "20261103-100000-eeee"},
        others: {**ours, "stage": "prod", "run": "20261102-100000-eeee"},
    }
    found = list(runs.runs_of_others(account, ["kept", "now"], running=True))
    assert [(run.job, run.run_id, run.kind) for run in found] == [
        ("prepare", "20261104-100000-eeee", "processing"),
        ("old", RUNS["old"], "training"),
    ]
    assert runs.refresh(account, found[0])[0].status == "RUNNING"
    everything = [(run.job, run.status) for run in runs.runs_of_others(account, ["kept", "now"])]
    assert everything == [("prepare", "RUNNING"), ("old", "RUNNING"), ("prepare", "SUCCEEDED")]


def test_a_run_without_a_machine_is_as_its_last_training_job(project: Project) -> None:
    account: Any = Account(project)
    (run,) = runs.runs_of_others(account, ["kept", "now"])
    assert runs.refresh(account, run)[0].status == "RUNNING"


def test_a_renamed_job_is_found_by_both_names_and_launched_by_the_deployed_one(project: Project) -> None:
    assert project.job("before").name == project.job("now").name == "now"
    assert project.state_machine_name("now") == "shardyard-dev-before"
    assert project.has_job("before") and project.has_job("kept") and not project.has_job("old")


def test_a_file_that_cannot_be_read_hides_no_other_rename(project: Project) -> None:
    (project.root / "jobs/broken.toml").write_text("renamed_from = [")
    assert project.renamed() == {"now": "before"}


@pytest.fixture
def nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in soon._NAME_AN_ACCOUNT:
        monkeypatch.delenv(name, raising=False)


@pytest.mark.usefixtures("nobody")
def test_no_account_is_asked_that_the_shell_does_not_name(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runs, "runs_of_others", lambda *_, **__: pytest.fail("asked"))
    assert undefined_runs.undefined_runs(project) == []


@pytest.mark.usefixtures("nobody")
def test_an_account_that_answers_too_late_is_passed_over(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_PROFILE", "work")
    monkeypatch.setattr(soon, "_LONGEST_SECONDS", 0.05)
    monkeypatch.setattr(runs, "runs_of_others", lambda *_, **__: time.sleep(1))
    began = time.monotonic()
    assert undefined_runs.undefined_runs(project) == []
    assert time.monotonic() - began < 0.9


@pytest.mark.usefixtures("nobody")
def test_an_account_that_refuses_is_passed_over(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_PROFILE", "there-is-no-such-profile")
    assert undefined_runs.undefined_runs(project) == []


@pytest.mark.usefixtures("nobody")
def test_a_mistake_of_ours_is_not_passed_over(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: Any, **__: Any) -> None:
        raise KeyError("ours")

    monkeypatch.setenv("AWS_PROFILE", "work")
    monkeypatch.setattr(runs, "runs_of_others", fail)
    with pytest.raises(KeyError):
        undefined_runs.undefined_runs(project)
