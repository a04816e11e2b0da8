"""What the embedded cloud says of a training job, against what others recorded that SageMaker says."""

from typing import Any

import pytest

from embedded.services.sagemaker.jobs.announcements import event
from embedded.services.sagemaker.training.container_files import input_data_config, resource_config
from embedded.services.sagemaker.training.job import TrainingJob
from tests.support.recorded import facts
from training.launcher.hosts import natural_order

_TYPES = {"text": str, "table": dict, "list": list, "time": int}
REQUEST: dict[str, Any] = {
    "TrainingJobName": "job",
    "AlgorithmSpecification": {"TrainingImage": "x", "TrainingInputMode": "File"},
    "RoleArn": "arn:aws:iam::123456789012:role/x",
    "HyperParameters": {"epochs": "1"},
    "InputDataConfig": [{"ChannelName": "train"}],
    "OutputDataConfig": {"S3OutputPath": "s3://bucket/"},
    "ResourceConfig": {"InstanceType": "ml.t3.xlarge", "InstanceCount": 1, "VolumeSizeInGB": 5},
    "StoppingCondition": {"MaxRuntimeInSeconds": 60},
    "Tags": [{"Key": "project", "Value": "vision"}],
}


def ended(**fields: Any) -> TrainingJob:
    job = TrainingJob("123456789012", "us-east-1", {**REQUEST, **fields})
    for secondary in ("Downloading", "Training", "Uploading"):
        job.move(secondary, secondary)
    job.training_started, job.model_artifacts = job.created, "s3://bucket/job/output/model.tar.gz"
    job.finish("Completed", "Completed", "Training job completed")
    return job


@pytest.mark.parametrize("fact", facts("event_fields"), ids=lambda fact: fact["name"])
def test_an_event_has_every_field_that_was_recorded(fact: dict[str, Any]) -> None:
    detail = event(ended())["detail"]
    missing = [
        name
        for kind, names in fact["value"].items()
        for name in names
        if not isinstance(detail.get(name), _TYPES[kind])
    ]
    assert missing == []


@pytest.mark.parametrize("fact", facts("resource_configs"), ids=lambda fact: fact["name"])
def test_a_container_is_told_every_key_that_was_recorded(fact: dict[str, Any]) -> None:
    wanted = fact["value"]
    groups = [
        {
            "InstanceGroupName": group["instance_group_name"],
            "InstanceType": group["instance_type"],
            "InstanceCount": len(group["hosts"]),
        }
        for group in wanted.get("instance_groups", ())
    ]
    is_one = [group["InstanceGroupName"] for group in groups] in ([], ["homogeneousCluster"])
    count = {**REQUEST["ResourceConfig"], "InstanceCount": len(wanted["hosts"])}
    job = ended(ResourceConfig=count if is_one else {"InstanceGroups": groups})
    hosts = natural_order(wanted["hosts"])
    told = resource_config(job, hosts, wanted["current_host"], wanted["network_interface_name"])
    assert {key: told.get(key) for key in wanted} == wanted


def test_a_channel_in_mode_fast_file_is_told_as_file() -> None:
    (recorded,) = [fact["value"] for fact in facts("container_files") if "FastFile" in fact["name"]]
    channels = [{"ChannelName": "train", "InputMode": mode, "DataSource": {}} for mode in ("FastFile", "File", "Pipe")]
    told = [input_data_config([one])["train"]["TrainingInputMode"] for one in channels]
    assert told == [recorded["train"]["TrainingInputMode"], "File", "Pipe"]
