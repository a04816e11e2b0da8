"""Who launched what: pieced together from executions, receipts, training jobs and events in CloudTrail's shape."""

import io
import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from botocore.exceptions import ClientError

from yard.runs.audit import BY_NOTHING, BY_TRAIL, BY_WORD, Launched, launches
from yard.runs.trail import Trail

NOW = datetime(2026, 11, 21, tzinfo=UTC)
SINCE = NOW - timedelta(days=30)
MACHINE = "arn:aws:states:us-east-1:123456789012:stateMachine:vision-dev-digits"
ANN = "arn:aws:sts::123456789012:assumed-role/people/ann"
BOB = "arn:aws:sts::123456789012:assumed-role/people/bob"


class Missing(Exception):
    """What S3 raises for a key that is not there."""


class Account:
    """A project with one machine, and whatever a test puts into it."""

    endpoint: str | None = None
    project = SimpleNamespace(settings=SimpleNamespace(project="vision", stage="dev"))
    exceptions = SimpleNamespace(NoSuchKey=Missing)

    def __init__(self) -> None:
        self.executions: list[dict[str, Any]] = []
        self.receipts: dict[str, dict[str, Any]] = {}
        self.jobs: list[dict[str, Any]] = []
        self.processing: list[dict[str, Any]] = []
        self.transforms: list[dict[str, Any]] = []
        self.tags = {"project": "vision", "stage": "dev", "owner": "team-a"}
        self.events: dict[str, list[dict[str, Any]]] = {}
        self.denied = False
        self.automl: list[dict[str, Any]] = []
        self.machine = "vision-dev-digits"

    def launched(self, run: str, started: datetime, given: Any, status: str = "SUCCEEDED", **more: Any) -> str:
        arn = f"{MACHINE.replace('stateMachine', 'execution')}:{run}"
        text = given if isinstance(given, str) else json.dumps(given)
        found = {"executionArn": arn, "startDate": started, "status": status, "input": text, **more}
        self.executions.insert(0, found)
        return arn

    def received(self, run: str, **fields: Any) -> None:
        receipt = {"job": "digits", "started": "2026-11-01T10:00:00+00:00", "outcome": "Completed", "cost_usd": 1.5}
        self.receipts[run] = {**receipt, **fields}

    def happened(self, name: str, actor: str, **parts: Any) -> None:
        event = {"userIdentity": {"arn": actor}, **parts}
        self.events.setdefault(name, []).append({"CloudTrailEvent": json.dumps(event)})

    def client(self, _: str) -> "Account":
        return self

    def artifact_bucket(self) -> str:
        return "artifacts"

    def list_tags_for_resource(self, resourceArn: str) -> dict[str, Any]:
        return {"tags": [{"key": key, "value": value} for key, value in self.tags.items()]}

    def list_tags(self, ResourceArn: str) -> dict[str, Any]:
        job = next(
            one for one in (*self.jobs, *self.processing, *self.transforms, *self.automl) if ResourceArn in one.values()
        )
        return {"Tags": [{"Key": key, "Value": value} for key, value in job["tags"].items()]}

    def describe_execution(self, executionArn: str) -> dict[str, Any]:
        return next(one for one in self.executions if one["executionArn"] == executionArn)

    def get_object(self, Bucket: str, Key: str) -> dict[str, Any]:
        run = Key.split("/")[1]
        if run not in self.receipts:
            raise Missing
        return {"Body": io.BytesIO(json.dumps(self.receipts[run]).encode())}

    def get_paginator(self, operation: str) -> Any:
        return SimpleNamespace(paginate=lambda **query: getattr(self, f"_{operation}")(**query))

    def _list_state_machines(self) -> Iterator[dict[str, Any]]:
        other = {"name": "vision-devices", "stateMachineArn": "arn:other"}
        yield {"stateMachines": [other, {"name": self.machine, "stateMachineArn": MACHINE}]}

    def _list_executions(self, stateMachineArn: str) -> Iterator[dict[str, Any]]:
        assert stateMachineArn == MACHINE
        yield {"executions": self.executions}

    def _list_objects_v2(self, StartAfter: str, **_: str) -> Iterator[dict[str, Any]]:
        found = [f"runs/{run}/" for run in sorted(self.receipts) if f"runs/{run}/" > StartAfter]
        yield {"CommonPrefixes": [{"Prefix": prefix} for prefix in found]}

    def _list_training_jobs(self, CreationTimeAfter: datetime) -> Iterator[dict[str, Any]]:
        yield {"TrainingJobSummaries": self.jobs}

    def _list_transform_jobs(self, CreationTimeAfter: datetime) -> Iterator[dict[str, Any]]:
        yield {"TransformJobSummaries": self.transforms}

    def _list_auto_ml_jobs(self, CreationTimeAfter: datetime) -> Iterator[dict[str, Any]]:
        yield {"AutoMLJobSummaries": self.automl}

    def _list_processing_jobs(self, CreationTimeAfter: datetime) -> Iterator[dict[str, Any]]:
        yield {"ProcessingJobSummaries": self.processing}

    def _lookup_events(self, LookupAttributes: Any, StartTime: datetime) -> Iterator[dict[str, Any]]:
        if self.denied:
            raise ClientError({"Error": {"Code": "AccessDeniedException", "Message": "no"}}, "LookupEvents")
        yield {"Events": self.events.get(LookupAttributes[0]["AttributeValue"], [])}


@pytest.fixture
def account() -> Account:
    return Account()


def audited(account: Any) -> list[Launched]:
    return launches(account, SINCE, Trail(account, SINCE))


def test_a_launch_is_told_with_code_and_data(account: Account) -> None:
    given = {"git_commit": "abcdef1234", "git_dirty": True, "source_sha256": "f" * 64, "launched_by": ANN}
    account.launched("20261101-100000-aaaa", datetime(2026, 11, 1, 10, tzinfo=UTC), given)
    data = [{"channel": "train", "count": 5, "fingerprint": "0123456789", "uri": ""}]
    account.received("20261101-100000-aaaa", image={"digest": "sha256:1"}, data=data, owner="team-b")
    (found,) = audited(account)
    assert (found.job, found.run, found.owner) == ("digits", "20261101-100000-aaaa", "team-b")
    assert (found.launched_by, found.known_by) == (ANN, BY_WORD)
    assert (found.git_commit, found.git_dirty, found.source_sha256) == ("abcdef1234", True, "f" * 64)
    assert (found.image_digest, found.data, found.cost_usd) == ("sha256:1", tuple(data), 1.5)


def test_cloudtrail_is_believed_before_the_launch_itself(account: Account) -> None:
    arn = account.launched("20261101-100000-aaaa", NOW - timedelta(days=1), {"launched_by": ANN})
    account.happened("StartExecution", BOB, responseElements={"executionArn": arn})
    account.happened("StartExecution", ANN, responseElements=None, errorCode="AccessDenied")
    (found,) = audited(account)
    assert (found.launched_by, found.known_by) == (BOB, BY_TRAIL)


def test_where_cloudtrail_may_not_be_read_the_reason_is_kept(account: Account) -> None:
    account.denied = True
    account.launched("20261101-100000-aaaa", NOW - timedelta(days=1), {})
    assert "CloudTrail could not be read" in Trail(account, SINCE).missing  # type: ignore[arg-type]
    assert [(one.launched_by, one.known_by) for one in audited(account)] == [(None, BY_NOTHING)]


@pytest.mark.parametrize("given", ["[1, 2]", "null", '"text"', '{"launched_by": 7, "run_id": {"a": 1}}'])
def test_an_execution_with_a_strange_input_is_listed_all_the_same(account: Account, given: str) -> None:
    account.launched("by-hand", NOW - timedelta(days=1), given, status="FAILED", error="Refused")
    (found,) = audited(account)
    assert (found.status, found.known_by) == ("refused", BY_NOTHING)
    assert found.run is not None and found.run.startswith("20261120-000000-")


def test_a_run_whose_machine_is_gone_is_told_by_its_receipt(account: Account) -> None:
    account.received("20261102-100000-bbbb", job="old-job", launched_by=ANN, owner="team-c")
    account.received("20250101-100000-cccc")
    (found,) = audited(account)
    assert (found.job, found.owner, found.execution, found.known_by) == ("old-job", "team-c", None, BY_WORD)


def test_what_is_older_and_what_is_another_projects_is_left_out(account: Account) -> None:
    account.launched("20260101-100000-aaaa", SINCE - timedelta(days=1), {})
    assert audited(account) == []
    account.launched("20261120-100000-aaaa", NOW - timedelta(days=1), {})
    assert len(audited(account)) == 1
    account.tags = {"project": "vision-dev", "stage": "digits"}
    assert audited(account) == []


def test_a_training_job_that_no_launch_made_is_named(account: Account) -> None:
    account.launched("20261101-100000-aaaa", NOW - timedelta(days=1), {})
    for name, tags in {
        "digits-20261101-100000-aaaa-1": account.tags,
        "by-hand": {**account.tags, "job": "digits"},
        "a-strangers": {"project": "other", "stage": "dev"},
    }.items():
        arn = f"arn:aws:sagemaker:us-east-1:123456789012:training-job/{name}"
        job = {"TrainingJobName": name, "TrainingJobArn": arn, "TrainingJobStatus": "Completed", "CreationTime": NOW}
        account.jobs.append({**job, "tags": tags})
    account.happened("CreateTrainingJob", BOB, requestParameters={"trainingJobName": "by-hand"})
    outside = [one for one in audited(account) if one.training_job is not None]
    assert [(one.training_job, one.launched_by, one.known_by) for one in outside] == [("by-hand", BOB, BY_TRAIL)]


def test_a_processing_job_that_no_launch_made_is_named_too(account: Account) -> None:
    job = {"ProcessingJobName": "by-hand", "ProcessingJobArn": "arn:p", "ProcessingJobStatus": "Completed"}
    account.processing.append({**job, "CreationTime": NOW, "tags": account.tags})
    account.happened("CreateProcessingJob", BOB, requestParameters={"processingJobName": "by-hand"})
    account.happened("CreateTrainingJob", ANN, requestParameters={"trainingJobName": "by-hand"})
    (found,) = audited(account)
    assert (found.processing_job, found.training_job, found.launched_by) == ("by-hand", None, BOB)


def test_a_transform_job_that_no_launch_made_is_named_too(account: Account) -> None:
    job = {"TransformJobName": "by-hand", "TransformJobArn": "arn:t", "TransformJobStatus": "Completed"}
    account.transforms.append({**job, "CreationTime": NOW, "tags": account.tags})
    account.happened("CreateTransformJob", BOB, requestParameters={"transformJobName": "by-hand"})
    (found,) = audited(account)
    assert (found.transform_job, found.processing_job, found.launched_by) == ("by-hand", None, BOB)


def test_an_automl_job_that_no_launch_made_is_named_too(account: Account) -> None:
    job = {"AutoMLJobName": "by-hand", "AutoMLJobArn": "arn:a", "AutoMLJobStatus": "Completed"}
    account.automl.append({**job, "CreationTime": NOW, "tags": account.tags})
    account.happened("CreateAutoMLJobV2", BOB, requestParameters={"autoMLJobName": "by-hand"})
    (found,) = audited(account)
    assert (found.automl_job, found.training_job, found.launched_by) == ("by-hand", None, BOB)


def test_a_search_is_a_launch_of_its_job(account: Account) -> None:
    account.machine = "vision-dev-digits_search"
    account.launched("20261101-100000-aaaa", NOW - timedelta(days=1), {})
    assert [one.job for one in audited(account)] == ["digits"]
