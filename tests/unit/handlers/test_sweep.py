"""The sweeper: what it takes for a leftover, what it stops, and what it leaves alone."""

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from botocore.exceptions import ClientError

from shardyard.handlers.watching.sweep.index import sweep
from shardyard.handlers.watching.sweep.leftover import Limits

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
LIMITS = Limits(
    project="shardyard", stage="dev", notebook_hours=12, endpoint_idle_hours=24, job_hours=72, warm_pool_minutes=60
)
BY_DEFAULT = ("endpoint", "notebook")
ALL = (*BY_DEFAULT, "training job", "warm pool")
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
        self.ec2: dict[str, list[dict[str, str]]] = {}
        self.fails: set[str] = set()
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

    def stop_training_job(self, *, TrainingJobName: str) -> None:
        if TrainingJobName in self.fails:
            answer = {"Error": {"Code": "ValidationException", "Message": f"{TrainingJobName} has ended"}}
            raise ClientError(answer, "StopTrainingJob")  # type: ignore[arg-type]
        self.done.append(f"stopped {TrainingJobName}")

    def update_training_job(self, *, TrainingJobName: str, ResourceConfig: Mapping[str, int]) -> None:
        self.done.append(f"{TrainingJobName} is kept for {ResourceConfig['KeepAlivePeriodInSeconds']} s")

    def describe_volumes(self, *, Filters: list[Any]) -> Any:
        return self.looked("Volumes", "VolumeId", Filters)

    def describe_addresses(self, *, Filters: list[Any]) -> Any:
        return self.looked("Addresses", "AllocationId", Filters)

    def describe_network_interfaces(self, *, Filters: list[Any]) -> Any:
        return self.looked("NetworkInterfaces", "NetworkInterfaceId", Filters)

    def looked(self, field: str, name: str, filters: list[Any]) -> Any:
        return {field: [one for one in self.ec2[field] if one[name] in filters[0]["Values"]]}

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


def found(aws: Fake, *, stop: bool = False, stops: tuple[str, ...] = BY_DEFAULT) -> list[tuple[str, str, str]]:
    answer = sweep(aws, LIMITS, NOW, stops=stops if stop else (), topic_arn="topic")
    return [(row["kind"], row["name"], row["action"]) for row in answer["findings"]]


def endpoint(name: str, hours: int) -> dict[str, Any]:
    return {"EndpointName": name, "EndpointArn": f"arn/{name}", "CreationTime": NOW - timedelta(hours=hours)}


def notebook(name: str, hours: int) -> dict[str, Any]:
    times = {"LastModifiedTime": NOW - timedelta(hours=hours)}
    return {"NotebookInstanceName": name, "NotebookInstanceArn": f"arn/{name}", **times}


def job(name: str, hours: int, *, warm: bool = False) -> dict[str, Any]:
    times = {"CreationTime": NOW - timedelta(hours=hours), "TrainingEndTime": NOW - timedelta(hours=hours)}
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


def test_warm_pools_and_long_jobs_are_only_reported_by_default(aws: Fake) -> None:
    aws.jobs = [job("warm", 1, warm=True), job("long", 80), job("short", 70)]
    assert found(aws, stop=True) == [("warm pool", "warm", "reported"), ("training job", "long", "reported")]
    assert not aws.done


def test_warm_pools_are_ended_and_long_jobs_stopped_where_that_is_allowed(aws: Fake) -> None:
    aws.jobs = [job("warm", 2, warm=True), job("new", 0, warm=True), job("long", 80), job("short", 70)]
    assert found(aws, stop=True, stops=ALL) == [("warm pool", "warm", "ended"), ("training job", "long", "stopped")]
    assert aws.done == ["warm is kept for 0 s", "stopped long"]
    assert "- warm pool warm: kept warm for 2h without a job, the limit is 60m (ended)" in aws.messages[0]["Message"]


def test_what_cannot_be_stopped_keeps_nobody_from_being_told(aws: Fake) -> None:
    aws.jobs, aws.fails = [job("long", 80), job("longer", 90)], {"long"}
    assert found(aws, stop=True, stops=ALL) == [
        ("training job", "long", "not stopped: long has ended"),
        ("training job", "longer", "stopped"),
    ]
    assert "(not stopped: long has ended)" in aws.messages[0]["Message"]


def test_what_others_own_is_left_alone(aws: Fake) -> None:
    aws.endpoints, aws.notebooks, aws.jobs = [endpoint("e", 30)], [notebook("n", 30)], [job("j", 80)]
    aws.tags = {f"arn/{name}": THEIRS for name in "enj"}
    assert found(aws, stop=True) == []


def tagged(arn: str, *more: dict[str, str]) -> dict[str, Any]:
    return {"ResourceARN": f"arn:aws:{arn}", "Tags": [*OURS, *more]}


def test_things_of_no_stack_are_reported(aws: Fake) -> None:
    held = {"Key": "aws:cloudformation:stack-name", "Value": "shardyard-dev-x"}
    aws.resources = [
        tagged("fsx:us-east-1:1:file-system/fs-1"),
        tagged("fsx:us-east-1:1:file-system/fs-2", held),
        tagged("elasticfilesystem:us-east-1:1:file-system/fs-3"),
        tagged("ec2:us-east-1:1:natgateway/nat-1"),
    ]
    assert found(aws, stop=True, stops=ALL) == [
        ("NAT gateway", "nat-1", "reported"),
        ("EFS file system", "fs-3", "reported"),
        ("FSx file system", "fs-1", "reported"),
    ]


def test_things_that_something_uses_are_no_leftovers(aws: Fake) -> None:
    names = ("volume/vol-used", "volume/vol-free", "elastic-ip/eip-used", "elastic-ip/eip-free")
    names += ("network-interface/eni-used", "network-interface/eni-free", "volume/vol-gone")
    aws.resources = [tagged(f"ec2:us-east-1:1:{name}") for name in names]
    aws.ec2 = {
        "Volumes": [
            {"VolumeId": "vol-used", "State": "in-use"},
            {"VolumeId": "vol-free", "State": "available"},
        ],
        "Addresses": [{"AllocationId": "eip-used", "AssociationId": "a"}, {"AllocationId": "eip-free"}],
        "NetworkInterfaces": [
            {"NetworkInterfaceId": "eni-used", "Status": "in-use"},
            {"NetworkInterfaceId": "eni-free", "Status": "available"},
        ],
    }
    assert found(aws) == [
        ("elastic IP", "eip-free", "reported"),
        ("network interface", "eni-free", "reported"),
        ("volume", "vol-free", "reported"),
    ]


def test_people_are_told(aws: Fake) -> None:
    aws.notebooks = [notebook("long", 13)]
    found(aws)
    assert aws.messages[0]["Subject"] == "shardyard (dev): 1 leftover"
    assert "- notebook long: runs for 13h, the limit is 12h (reported)" in aws.messages[0]["Message"]
