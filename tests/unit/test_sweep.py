"""The sweeper: what it takes for a leftover, what it stops, and what it leaves alone."""

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from shardyard.handlers.sweep.finders import Limits
from shardyard.handlers.sweep.index import sweep

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
LIMITS = Limits(project="shardyard", stage="dev", notebook_hours=12, endpoint_idle_hours=24, job_hours=72)
OURS = [{"Key": "project", "Value": "shardyard"}, {"Key": "stage", "Value": "dev"}]
THEIRS = [{"Key": "project", "Value": "other"}, {"Key": "stage", "Value": "dev"}]


class Fake:
    """All services that the sweeper calls."""

    def __init__(self) -> None:
        self.endpoints: list[dict[str, Any]] = []
        self.notebooks: list[dict[str, Any]] = []
        self.jobs: list[dict[str, Any]] = []
        self.resources: list[dict[str, Any]] = []
        self.tags: dict[str, Any] = {}
        self.calls = 0.0
        self.done: list[str] = []
        self.messages: list[Mapping[str, str]] = []

    def __call__(self, service: str) -> "Fake":
        return self

    def get_paginator(self, operation: str) -> "Pages":
        return Pages(self, operation)

    def list_tags(self, *, ResourceArn: str) -> Any:
        return {"Tags": self.tags.get(ResourceArn, OURS)}

    def describe_endpoint(self, *, EndpointName: str) -> Any:
        return {"ProductionVariants": [{"VariantName": "all"}]}

    def get_metric_statistics(self, **query: Any) -> Any:
        assert query["EndTime"] - query["StartTime"] == timedelta(hours=24)
        return {"Datapoints": [{"Sum": self.calls}]}

    def delete_endpoint(self, *, EndpointName: str) -> None:
        self.done.append(f"deleted {EndpointName}")

    def stop_notebook_instance(self, *, NotebookInstanceName: str) -> None:
        self.done.append(f"stopped {NotebookInstanceName}")

    def publish(self, **message: str) -> None:
        self.messages.append(message)


class Pages:
    """One page of each list."""

    def __init__(self, fake: Fake, operation: str) -> None:
        self.fake, self.operation = fake, operation

    def paginate(self, **query: Any) -> Iterator[Any]:
        fake = self.fake
        if self.operation == "list_training_jobs":
            warm = "WarmPoolStatusEquals" in query
            yield {"TrainingJobSummaries": [job for job in fake.jobs if job.get("warm", False) is warm]}
        else:
            yield {
                "Endpoints": fake.endpoints,
                "NotebookInstances": fake.notebooks,
                "ResourceTagMappingList": fake.resources,
            }


@pytest.fixture
def aws() -> Fake:
    return Fake()


def found(aws: Fake, *, stop: bool = False) -> list[tuple[str, str, str]]:
    answer = sweep(aws, LIMITS, NOW, stop=stop, topic_arn="topic")
    return [(row["kind"], row["name"], row["action"]) for row in answer["findings"]]


def endpoint(name: str, hours: int) -> dict[str, Any]:
    return {"EndpointName": name, "EndpointArn": f"arn/{name}", "CreationTime": NOW - timedelta(hours=hours)}


def notebook(name: str, hours: int) -> dict[str, Any]:
    times = {"LastModifiedTime": NOW - timedelta(hours=hours)}
    return {"NotebookInstanceName": name, "NotebookInstanceArn": f"arn/{name}", **times}


def job(name: str, hours: int, *, warm: bool = False) -> dict[str, Any]:
    times = {"CreationTime": NOW - timedelta(hours=hours)}
    return {"TrainingJobName": name, "TrainingJobArn": f"arn/{name}", "warm": warm, **times}


def test_nothing_is_said_when_nothing_is_left(aws: Fake) -> None:
    assert found(aws, stop=True) == []
    assert not aws.messages


def test_an_endpoint_without_calls_is_found(aws: Fake) -> None:
    aws.endpoints = [endpoint("old", 30), endpoint("new", 2)]
    assert found(aws) == [("endpoint", "old", "reported")]
    assert not aws.done
    assert found(aws, stop=True) == [("endpoint", "old", "deleted")]
    assert aws.done == ["deleted old"]


def test_an_endpoint_that_is_called_is_left_alone(aws: Fake) -> None:
    aws.endpoints, aws.calls = [endpoint("old", 30)], 1
    assert found(aws, stop=True) == []


def test_a_notebook_past_its_time_is_stopped(aws: Fake) -> None:
    aws.notebooks = [notebook("long", 13), notebook("short", 11)]
    assert found(aws, stop=True) == [("notebook", "long", "stopped")]
    assert aws.done == ["stopped long"]


def test_warm_pools_and_long_jobs_are_only_reported(aws: Fake) -> None:
    aws.jobs = [job("warm", 1, warm=True), job("long", 80), job("short", 70)]
    assert found(aws, stop=True) == [("warm pool", "warm", "reported"), ("training job", "long", "reported")]
    assert not aws.done


def test_what_others_own_is_left_alone(aws: Fake) -> None:
    aws.endpoints, aws.notebooks, aws.jobs = [endpoint("e", 30)], [notebook("n", 30)], [job("j", 80)]
    aws.tags = {f"arn/{name}": THEIRS for name in "enj"}
    assert found(aws, stop=True) == []


def test_things_of_no_stack_are_reported(aws: Fake) -> None:
    held = {"Key": "aws:cloudformation:stack-name", "Value": "shardyard-dev-x"}
    aws.resources = [
        {"ResourceARN": "arn:aws:fsx:us-east-1:1:file-system/fs-1", "Tags": OURS},
        {"ResourceARN": "arn:aws:fsx:us-east-1:1:file-system/fs-2", "Tags": [*OURS, held]},
    ]
    assert found(aws, stop=True) == [("fsx", "file-system/fs-1", "reported")]


def test_people_are_told(aws: Fake) -> None:
    aws.notebooks = [notebook("long", 13)]
    found(aws)
    assert aws.messages[0]["Subject"] == "shardyard (dev): 1 leftover"
    assert "- notebook long: runs for 13h, the limit is 12h (reported)" in aws.messages[0]["Message"]
