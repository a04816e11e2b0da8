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
ALL = (*BY_DEFAULT, "training job", "processing job", "transform job", "tuning job", "AutoML job", "warm pool")
OURS = [{"Key": "project", "Value": "shardyard"}, {"Key": "stage", "Value": "dev"}]
THEIRS = [{"Key": "project", "Value": "other"}, {"Key": "stage", "Value": "dev"}]


class Fake:
    """All services that the sweeper calls."""

    def __init__(self) -> None:
        self.endpoints: list[dict[str, Any]] = []
        self.notebooks: list[dict[str, Any]] = []
        self.jobs: list[dict[str, Any]] = []
        self.processing: list[dict[str, Any]] = []
        self.transforms: list[dict[str, Any]] = []
        self.automl: list[dict[str, Any]] = []
        self.searches: list[dict[str, Any]] = []
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

    def stop_transform_job(self, *, TransformJobName: str) -> None:
        self.done.append(f"stopped {TransformJobName}")

    def stop_auto_ml_job(self, *, AutoMLJobName: str) -> None:
        self.done.append(f"stopped {AutoMLJobName}")

    def stop_processing_job(self, *, ProcessingJobName: str) -> None:
        self.done.append(f"stopped {ProcessingJobName}")

    def stop_hyper_parameter_tuning_job(self, *, HyperParameterTuningJobName: str) -> None:
        self.done.append(f"stopped {HyperParameterTuningJobName}")

    def update_training_job(self, *, TrainingJobName: str, ResourceConfig: Mapping[str, int]) -> None:
        self.done.append(f"{TrainingJobName} is kept for {ResourceConfig['KeepAlivePeriodInSeconds']} s")

    def describe_volumes(self, *, Filters: list[Any]) -> Any:
        return self.looked("Volumes", "VolumeId", Filters)

    def describe_addresses(self, *, Filters: list[Any]) -> Any:
        return self.looked("Addresses", "AllocationId", Filters)

    def describe_network_interfaces(self, *, Filters: list[Any]) -> Any:
        return self.looked("NetworkInterfaces", "NetworkInterfaceId", Filters)

    def describe_nat_gateways(self, *, Filter: list[Any]) -> Any:
        return self.looked("NatGateways", "NatGatewayId", Filter)

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
        elif self.operation == "list_processing_jobs":
            assert query == {"StatusEquals": "InProgress"}
            yield {"ProcessingJobSummaries": fake.processing}
        elif self.operation == "list_transform_jobs":
            yield {"TransformJobSummaries": fake.transforms}
        elif self.operation == "list_auto_ml_jobs":
            yield {"AutoMLJobSummaries": fake.automl}
        elif self.operation == "list_hyper_parameter_tuning_jobs":
            assert query == {"StatusEquals": "InProgress"}
            yield {"HyperParameterTuningJobSummaries": fake.searches}
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


def test_an_endpoint_that_a_stack_owns_is_only_reported(aws: Fake) -> None:
    """Deleted behind its stack's back, it would fail the next deploy."""
    aws.endpoints = [endpoint("shardyard-dev-digits", 30)]
    aws.tags = {
        "arn/shardyard-dev-digits": [*OURS, {"Key": "shardyard:stack", "Value": "shardyard-dev-serving-digits"}]
    }
    assert found(aws, stop=True) == [("endpoint of a stack", "shardyard-dev-digits", "reported")]
    assert aws.done == []
    assert "yard endpoint delete digits" in str(aws.messages)


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


def test_long_jobs_of_other_kinds_are_leftovers_too(aws: Fake) -> None:
    made = {"CreationTime": NOW - timedelta(hours=80)}
    aws.processing = [{"ProcessingJobName": name, "ProcessingJobArn": f"arn/{name}", **made} for name in ("ours", "p")]
    aws.tags = {"arn/p": THEIRS}
    assert found(aws, stop=True) == [("processing job", "ours", "reported")]
    assert found(aws, stop=True, stops=ALL) == [("processing job", "ours", "stopped")]
    aws.processing = []
    aws.transforms = [{"TransformJobName": "ours", "TransformJobArn": "arn/ours", **made}]
    assert found(aws, stop=True, stops=ALL) == [("transform job", "ours", "stopped")]
    aws.transforms, aws.automl = [], [{"AutoMLJobName": "ours", "AutoMLJobArn": "arn/ours", **made}]
    assert found(aws, stop=True, stops=ALL) == [("AutoML job", "ours", "stopped")]
    assert aws.done == ["stopped ours"] * 3


def test_long_searches_are_leftovers_too(aws: Fake) -> None:
    made = [("long", 80), ("short", 70)]
    aws.searches = [
        {
            "HyperParameterTuningJobName": name,
            "HyperParameterTuningJobArn": f"arn/{name}",
            "CreationTime": NOW - timedelta(hours=hours),
        }
        for name, hours in made
    ]
    assert found(aws, stop=True) == [("tuning job", "long", "reported")]
    assert found(aws, stop=True, stops=ALL) == [("tuning job", "long", "stopped")]
    assert aws.done == ["stopped long"]


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
    aws.ec2 = {"NatGateways": [{"NatGatewayId": "nat-1", "State": "available"}]}
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


def test_a_gateway_that_still_bills_is_a_leftover_and_a_deleted_one_is_none(aws: Fake) -> None:
    states = ("pending", "failed", "available", "deleting", "deleted")
    aws.resources = [tagged(f"ec2:us-east-1:1:natgateway/nat-{state}") for state in states]
    aws.ec2 = {"NatGateways": [{"NatGatewayId": f"nat-{state}", "State": state} for state in states]}
    answer = sweep(aws, LIMITS, NOW, stops=(), topic_arn="topic")
    assert [(row["name"], row["why"]) for row in answer["findings"]] == [
        (f"nat-{state}", "it carries the project's tags and belongs to no stack")
        for state in ("available", "failed", "pending")
    ]


def test_people_are_told(aws: Fake) -> None:
    aws.notebooks = [notebook("long", 13)]
    found(aws)
    assert aws.messages[0]["Subject"] == "shardyard (dev): 1 leftover"
    assert "- notebook long: runs for 13h, the limit is 12h (reported)" in aws.messages[0]["Message"]
