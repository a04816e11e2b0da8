"""Jobs: their status, their containers' files, metrics, capacity and quotas."""

from typing import Any

import pytest

from embedded.operations import ServiceError
from embedded.services.sagemaker.jobs import capacity
from embedded.services.sagemaker.jobs.job import JobKind
from embedded.services.sagemaker.jobs.metrics import AlgorithmMetrics
from embedded.services.sagemaker.training.container_files import TrainingContainer, resource_config
from embedded.services.sagemaker.training.job import TrainingJob


def job(**fields: Any) -> TrainingJob:
    request = {
        "TrainingJobName": "job",
        "AlgorithmSpecification": {"TrainingImage": "x", "TrainingInputMode": "File"},
        "ResourceConfig": {"InstanceType": "ml.m5.large", "InstanceCount": 2},
        **fields,
    }
    return TrainingJob("123456789012", "us-east-1", request)


@pytest.mark.parametrize(
    ("word", "noun", "name_field", "log_group", "detail_type"),
    [
        (
            *("Training", "training job", "TrainingJobName", "/aws/sagemaker/TrainingJobs"),
            "SageMaker Training Job State Change",
        ),
        (
            *("Processing", "processing job", "ProcessingJobName", "/aws/sagemaker/ProcessingJobs"),
            "SageMaker Processing Job State Change",
        ),
    ],
)
def test_a_kind_of_job_is_named_as_aws_names_it(
    word: str, noun: str, name_field: str, log_group: str, detail_type: str
) -> None:
    kind = JobKind(word=word)
    assert (kind.noun, kind.name_field, kind.log_group, kind.detail_type) == (noun, name_field, log_group, detail_type)


def test_resource_config_of_instance_groups() -> None:
    groups = [
        {"InstanceGroupName": "a", "InstanceType": "ml.g5.xlarge", "InstanceCount": 1},
        {"InstanceGroupName": "b", "InstanceType": "ml.m5.large", "InstanceCount": 2},
    ]
    hosts = ["algo-1", "algo-2", "algo-3"]
    config = resource_config(job(ResourceConfig={"InstanceGroups": groups}), hosts, "algo-3", "eth0")
    assert config["current_instance_type"] == "ml.m5.large"
    assert config["current_group_name"] == "b"
    assert config["instance_groups"] == [
        {"instance_group_name": "a", "instance_type": "ml.g5.xlarge", "hosts": ["algo-1"]},
        {"instance_group_name": "b", "instance_type": "ml.m5.large", "hosts": ["algo-2", "algo-3"]},
    ]


@pytest.mark.parametrize(
    ("algorithm", "entrypoint", "arguments"),
    [
        ({}, None, ["train"]),
        ({"ContainerArguments": ["--a"]}, None, ["--a"]),
        ({"ContainerEntrypoint": ["run"]}, ["run"], []),
        ({"ContainerEntrypoint": ["run"], "ContainerArguments": ["--a"]}, ["run"], ["--a"]),
    ],
)
def test_only_the_images_own_entrypoint_gets_the_argument_train(
    algorithm: dict[str, Any], entrypoint: list[str] | None, arguments: list[str]
) -> None:
    spec = {"TrainingImage": "x", "TrainingInputMode": "File", **algorithm}
    container = TrainingContainer(job(AlgorithmSpecification=spec))
    assert (container.entrypoint, container.arguments) == (entrypoint, arguments)


def test_a_job_never_goes_back() -> None:
    one = job()
    one.move("Downloading", "x")
    one.move("Stopping", "asked", status="Stopping")
    one.move("Training", "too late")
    assert one.secondary_status == "Stopping"
    one.finish("Stopped", "Stopped", "done")
    one.finish("Completed", "Completed", "again")
    assert (one.status, one.secondary_status) == ("Stopped", "Stopped")
    described = one.describe(0.3)
    assert [entry["Status"] for entry in described["SecondaryStatusTransitions"]] == [
        *("Starting", "Downloading", "Stopping", "Stopped")
    ]


def test_spot_bills_less() -> None:
    one = job(EnableManagedSpotTraining=True)
    one.start_training()
    one.training_seconds = 100.0
    one.finish("Completed", "Completed", "done")
    described = one.describe(0.3)
    assert (described["TrainingTimeInSeconds"], described["BillableTimeInSeconds"]) == (100, 30)


def test_metrics_that_are_numbers() -> None:
    one = job(
        AlgorithmSpecification={
            "TrainingImage": "x",
            "TrainingInputMode": "File",
            "MetricDefinitions": [{"Name": "loss", "Regex": "loss=([^ ]+)"}],
        }
    )
    metrics = AlgorithmMetrics(one, one.metric_definitions, one.record_metric)
    for text in ("loss=0.5 loss=2e-3", "loss=nan", "loss=inf", "loss=none", "other=1"):
        metrics.read(text, 1.0)
    assert [datum["Value"] for datum in metrics.take()] == [0.5, 0.002]
    assert metrics.take() == []
    assert one.describe(1.0)["FinalMetricDataList"][0]["Value"] == 0.002


def test_capacity_is_taken_whole_or_not_at_all() -> None:
    capacity.set_limit("ml.test", 3)
    try:
        assert capacity.take({"ml.test": 2})
        assert not capacity.take({"ml.test": 2, "ml.other": 1})
        assert capacity.take({"ml.test": 1})
        capacity.give_back({"ml.test": 3})
        assert capacity.take({"ml.test": 3})
        capacity.give_back({"ml.test": 3})
    finally:
        capacity.set_limit("ml.test", None)


def test_quotas_count_what_runs() -> None:
    running = [job(), job(EnableManagedSpotTraining=True)]
    granted = {"ml.m5.large for training job usage": 3.0}
    with pytest.raises(ServiceError, match="current utilization of 2 Instances and a request delta of 2 Instances"):
        capacity.check_quotas(job(), running, lambda account, region, name: granted.get(name))
    running[0].finish("Completed", "Completed", "done")
    capacity.check_quotas(job(), running, lambda account, region, name: granted.get(name))
