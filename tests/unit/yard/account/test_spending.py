"""What the month has cost: the receipts, and the training jobs that no receipt tells."""

import io
import json
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest

from shardyard.spec.catalogue import prices
from yard.account import spending
from yard.runs import runs

HOURLY = 2 * prices.snapshot_hourly_usd()["ml.g5.xlarge"]
TODAY = date(2026, 11, 21)
TODAY_AT_10 = datetime(2026, 11, 21, 10, tzinfo=UTC)


SETTINGS = SimpleNamespace(owner="team-a", project="vision", stage="dev")


def automl_summary(name: str, status: str) -> dict[str, Any]:
    """What the service lists of an AutoML job."""
    arn = f"arn:aws:sagemaker:us-east-1:123456789012:automl-job/{name}"
    times = {"CreationTime": TODAY_AT_10, "EndTime": TODAY_AT_10 + timedelta(minutes=30)}
    named = {"AutoMLJobName": name, "AutoMLJobArn": arn, **times}
    return {**named, "AutoMLJobStatus": status, "AutoMLJobSecondaryStatus": status}


class Account:
    """Two receipts' worth of runs: one that was resumed, whose receipt tells its second attempt alone."""

    region = "us-east-1"

    def __init__(self) -> None:
        attempts = [{"name": "mnist-20261102-100000-aaaa-2"}]
        receipt = {"job": "mnist", "run_id": "20261102-100000-aaaa", "cost_usd": 1.0, "saved_usd": 0.5}
        self.receipts = {"runs/20261102-100000-aaaa/receipt.json": {**receipt, "attempts": attempts}}
        self.jobs = {
            "mnist-20261102-100000-aaaa-2": "Completed",
            "mnist-20261102-100000-aaaa-1": "Stopped",
            "mnist-20261103-100000-bbbb-1": "InProgress",
            "mnist-20261104-100000-cccc-1": "Stopped",
            "somebody-elses": "Completed",
        }
        self.processing: dict[str, dict[str, Any]] = {}
        self.automl: dict[str, list[str]] = {}
        """Of each AutoML job the training jobs behind its candidates."""
        self.automl_status = "Stopped"
        self.tags: dict[str, dict[str, str]] = {}
        self.place = "s3://artifacts/runs/"
        self.asked: dict[str, Any] = {}
        self.renamed: dict[str, str] = {}
        self.project = SimpleNamespace(renamed=lambda: self.renamed, settings=SETTINGS)

    def client(self, _: str) -> "Account":
        return self

    def artifact_bucket(self) -> str:
        return "artifacts"

    def get_object(self, Bucket: str, Key: str) -> dict[str, Any]:
        return {"Body": io.BytesIO(json.dumps(self.receipts[Key]).encode())}

    def describe_training_job(self, TrainingJobName: str) -> dict[str, Any]:
        return {
            "ResourceConfig": {"InstanceType": "ml.g5.xlarge", "InstanceCount": 2},
            "TrainingJobArn": f"arn:aws:sagemaker:us-east-1:123456789012:training-job/{TrainingJobName}",
            "OutputDataConfig": {"S3OutputPath": self.place},
            "TrainingTimeInSeconds": 3600,
            "BillableTimeInSeconds": 1800,
        }

    def list_tags(self, ResourceArn: str) -> dict[str, Any]:
        name = ResourceArn.rpartition("/")[2]
        tags = {"owner": "team-b"} if name.endswith("-cccc-1") else self.tags.get(name, {})
        return {"Tags": [{"Key": key, "Value": value} for key, value in tags.items()]}

    def describe_processing_job(self, ProcessingJobName: str) -> dict[str, Any]:
        arn = f"arn:aws:sagemaker:us-east-1:123456789012:processing-job/{ProcessingJobName}"
        cluster = {"InstanceType": "ml.g5.xlarge", "InstanceCount": 2}
        told = self.processing[ProcessingJobName]
        return {**told, "ProcessingJobArn": arn, "ProcessingResources": {"ClusterConfig": cluster}}

    def describe_auto_ml_job_v2(self, AutoMLJobName: str) -> dict[str, Any]:
        return {**automl_summary(AutoMLJobName, self.automl_status), "OutputDataConfig": {"S3OutputPath": self.place}}

    def list_candidates_for_auto_ml_job(self, AutoMLJobName: str, **_: Any) -> dict[str, Any]:
        arn = "arn:aws:sagemaker:us-east-1:123456789012:training-job"
        steps = [
            {"CandidateStepType": "AWS::SageMaker::TrainingJob", "CandidateStepArn": f"{arn}/{name}"}
            for name in self.automl[AutoMLJobName]
        ]
        return {"Candidates": [{"CandidateSteps": [one]} for one in [*steps, *steps[:1]]]}

    def get_cost_and_usage(self, **asked: Any) -> dict[str, Any]:
        self.asked = asked
        return {"ResultsByTime": [{"Total": {"UnblendedCost": {"Amount": "12.5"}}}]}

    def get_paginator(self, operation: str) -> "Pages":
        return Pages(self, operation)


class Pages:
    def __init__(self, account: Account, operation: str) -> None:
        self.account, self.operation = account, operation

    def paginate(self, **query: Any) -> Iterator[dict[str, Any]]:
        if self.operation == "list_objects_v2":
            yield {"Contents": [{"Key": key} for key in self.account.receipts if key.startswith(query["Prefix"])]}
            return
        assert query["CreationTimeAfter"] == datetime(2026, 11, 1, tzinfo=UTC)
        if self.operation == "list_processing_jobs":
            yield {"ProcessingJobSummaries": list(self.account.processing.values())}
            return
        if self.operation == "list_auto_ml_jobs":
            yield {
                "AutoMLJobSummaries": [automl_summary(name, self.account.automl_status) for name in self.account.automl]
            }
            return
        if self.operation == "list_transform_jobs":
            yield {"TransformJobSummaries": []}
            return
        rows = self.account.jobs.items()
        yield {"TrainingJobSummaries": [{"TrainingJobName": name, "TrainingJobStatus": now} for name, now in rows]}


def month(account: Any) -> list[spending.Spending]:
    return spending.month_to_date(account, TODAY)


def test_a_run_that_was_stopped_counts_though_it_has_no_receipt() -> None:
    (row,) = month(Account())
    assert (row.name, row.runs, row.without_receipt, row.unpriced) == ("mnist", 2, 2, 0)
    assert row.usd == pytest.approx(1.0 + 2 * HOURLY / 2, abs=0.01)
    assert row.saved_usd == pytest.approx(0.5 + 2 * HOURLY / 2, abs=0.01)


def test_a_processing_job_that_was_cut_off_counts() -> None:
    account = Account()
    for name, status, stage in (
        ("prepare-20261105-100000-dddd-1", "Stopped", "dev"),
        ("prepare-20261105-100000-eeee-1", "Stopped", "prod"),
        ("prepare-20261105-100000-ffff-1", "InProgress", "dev"),
        ("by-hand", "Completed", "dev"),
    ):
        times = {"ProcessingStartTime": TODAY_AT_10, "ProcessingEndTime": TODAY_AT_10 + timedelta(minutes=30)}
        account.processing[name] = {"ProcessingJobName": name, "ProcessingJobStatus": status, **times}
        account.tags[name] = {"project": "vision", "stage": stage, "owner": "team-d", "job": "prepare"}
    (row,) = [row for row in month(account) if row.name == "prepare"]
    assert (row.runs, row.without_receipt, row.saved_usd) == (1, 1, 0)
    assert row.usd == pytest.approx(HOURLY / 2, abs=0.01)
    assert {row.name for row in spending.month_to_date(account, TODAY, by="owner")} >= {"team-d"}  # type: ignore[arg-type]


def test_trials_count_until_a_receipt_tells_them() -> None:
    account = Account()
    search = "a-job-with-a-20261106-100000-aaaa"
    trials = {f"{search}-001-0a1b2c3d": "Completed", f"{search}-002-4e5f6a7b": "Stopped"}
    account.jobs |= trials
    account.tags = {name: {"job": "a-job-with-a-long-name"} for name in trials}
    (row,) = [row for row in month(account) if row.name == "a-job-with-a-long-name"]
    assert (row.runs, row.without_receipt) == (1, 2)
    assert row.usd == pytest.approx(HOURLY, abs=0.01)
    told = {"job": "a-job-with-a-long-name", "run_id": "20261106-100000-aaaa", "cost_usd": 2.0, "saved_usd": None}
    table = {"tuning": {"trials": [{"name": name} for name in trials]}, "attempts": []}
    account.receipts["runs/20261106-100000-aaaa/receipt.json"] = {**told, **table}
    (row,) = [row for row in month(account) if row.name == "a-job-with-a-long-name"]
    assert (row.runs, row.without_receipt, row.usd) == (1, 0, 2.0)


def test_a_stopped_automl_job_costs_what_the_jobs_behind_its_candidates_have_billed() -> None:
    account = Account()
    name = "customers-20261107-100000-aaaa-1"
    behind = {f"{name}-first": "Stopped", f"{name}-second": "Completed"}
    account.automl, account.jobs = {name: list(behind)}, account.jobs | behind
    (row,) = [row for row in month(account) if row.name == "customers"]
    assert (row.runs, row.without_receipt, row.unpriced) == (1, 1, 0), "the jobs behind it are none of their own"
    assert row.usd == pytest.approx(HOURLY, abs=0.01)


def test_an_automl_job_that_lists_no_candidate_has_no_known_cost() -> None:
    account = Account()
    account.automl = {"customers-20261107-100000-aaaa-1": []}
    (row,) = [row for row in month(account) if row.name == "customers"]
    assert (row.runs, row.unpriced, row.usd) == (1, 1, 0.0)


def test_the_jobs_behind_an_automl_job_with_a_receipt_are_in_it() -> None:
    account = Account()
    name = "customers-20261107-100000-aaaa-1"
    account.automl, account.jobs = {name: [f"{name}-first"]}, account.jobs | {f"{name}-first": "Completed"}
    told = {"job": "customers", "run_id": "20261107-100000-aaaa", "cost_usd": 3.0, "saved_usd": None}
    account.receipts["runs/20261107-100000-aaaa/receipt.json"] = {**told, "attempts": [{"name": name}]}
    (row,) = [row for row in month(account) if row.name == "customers"]
    assert (row.runs, row.without_receipt, row.usd) == (1, 0, 3.0)


def test_what_a_job_cost_under_its_old_name_is_its_own() -> None:
    account = Account()
    account.renamed = {"digits": "mnist"}
    (row,) = month(account)
    assert (row.name, row.runs) == ("digits", 2)


def test_another_stages_training_jobs_do_not_count() -> None:
    account = Account()
    account.place = "s3://another-bucket/runs/"
    (row,) = month(account)
    assert (row.runs, row.usd, row.without_receipt) == (1, 1.0, 0)


def test_a_price_that_is_not_known_is_counted_apart() -> None:
    account = Account()
    account.region = "moon-west-1"
    (row,) = month(account)
    assert (row.usd, row.unpriced) == (1.0, 2)


def test_the_month_by_owner_takes_the_receipts_word_then_the_training_jobs_tags() -> None:
    account: Any = Account()
    rows = {row.name: row for row in spending.month_to_date(account, TODAY, by="owner")}
    assert {name: (row.runs, row.without_receipt) for name, row in rows.items()} == {"team-a": (1, 1), "team-b": (1, 1)}
    told = account.receipts["runs/20261102-100000-aaaa/receipt.json"]
    told["owner"] = "team-c"
    rows = {row.name: row for row in spending.month_to_date(account, TODAY, by="owner")}
    assert rows["team-c"].usd == 1.0


@pytest.mark.parametrize(("today", "end"), [(TODAY, "2026-11-22"), (date(2026, 11, 1), "2026-11-02")])
def test_cost_explorer_is_asked_for_the_month_with_today(today: date, end: str) -> None:
    account: Any = Account()
    assert spending.billed(account, today) == 12.5
    assert account.asked["TimePeriod"] == {"Start": "2026-11-01", "End": end}


def test_a_run_that_was_resumed_takes_one_place_of_the_newest(monkeypatch: pytest.MonkeyPatch) -> None:
    def executions(_: Any, job: str) -> Iterator[runs.Run]:
        for number, run_id in enumerate(("c", "b", "b", "b", "a")):
            now, arn = datetime(2026, 11, 21, 12, 59 - number, tzinfo=UTC), f"arn:{number}"
            yield runs.Run(job=job, run_id=run_id, execution_arn=arn, status="FAILED", started=now, stopped=None)

    monkeypatch.setattr(runs, "executions", executions)
    account: Any = Account()
    found = list(runs.all_runs(account, ["mnist"], 3))
    assert [(run.run_id, run.execution_arn) for run in found] == [("c", "arn:0"), ("b", "arn:1"), ("a", "arn:4")]
