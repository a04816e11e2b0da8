"""Requests are answered as the service would: the same errors, the same shapes, the same paging."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.support.cloud.training_cloud import BUCKET, TrainingCloud, channel, wait_until

SLEEP = "import time; print('ready', flush=True); time.sleep(60)"


@pytest.fixture(scope="module")
def cloud(cloud: TrainingCloud) -> TrainingCloud:
    cloud.put("data/a", "a")
    return cloud


S3 = {"S3DataType": "S3Prefix", "S3Uri": f"s3://{BUCKET}/data"}
REFUSED: list[tuple[str, dict[str, Any], str]] = [
    (
        "pattern",
        {"TrainingJobName": "under_score"},
        "1 validation error detected: Value 'under_score' at 'trainingJobName' failed to satisfy constraint: Member "
        r"must satisfy regular expression pattern: [a-zA-Z0-9](-*[a-zA-Z0-9]){0,62}",
    ),
    (
        "enum",
        {"ResourceConfig__InstanceType": "ml.huge"},
        "Value 'ml.huge' at 'resourceConfig.instanceType' failed to satisfy constraint: Member must satisfy enum value",
    ),
    (
        "number",
        {"ResourceConfig__KeepAlivePeriodInSeconds": 30000},
        "Value '30000' at 'resourceConfig.keepAlivePeriodInSeconds' failed to satisfy constraint: Member must have "
        "value less than or equal to 21600",
    ),
    (
        "hyperparameters",
        {"HyperParameters": {f"p{index}": "" for index in range(101)}},
        "at 'hyperParameters' failed to satisfy constraint: Member must have length less than or equal to 100",
    ),
    ("no instances", {"ResourceConfig__InstanceCount": 0}, "InstanceCount must be at least 1, not 0."),
    (
        "spot without wait",
        {"EnableManagedSpotTraining": True},
        "Invalid MaxWaitTimeInSeconds. It must be present and be greater than or equal to MaxRuntimeInSeconds",
    ),
    (
        "wait without spot",
        {"StoppingCondition": {"MaxRuntimeInSeconds": 1, "MaxWaitTimeInSeconds": 2}},
        "Invalid MaxWaitTimeInSeconds. It is only supported when EnableManagedSpotTraining is set to true",
    ),
    (
        "29 days",
        {"StoppingCondition": {"MaxRuntimeInSeconds": 29 * 86400}},
        "MaxRuntimeInSeconds must be between 1 and 2419200, not 2505600.",
    ),
    (
        "no such role",
        {"RoleArn": "arn:aws:iam::123456789012:role/nobody"},
        "Could not assume role arn:aws:iam::123456789012:role/nobody. Please ensure that the role exists and allows "
        "principal 'sagemaker.amazonaws.com' to assume the role.",
    ),
    (
        "no such subnet",
        {"VpcConfig": {"Subnets": ["subnet-0123456789abcdef0"], "SecurityGroupIds": ["sg-0123456789abcdef0"]}},
        "The subnet ID 'subnet-0123456789abcdef0' does not exist",
    ),
    (
        "no objects",
        {"InputDataConfig": [channel("train", "nothing/")]},
        f'No S3 objects found under S3 URL "s3://{BUCKET}/nothing/" given in input data source. Please ensure that the '
        "bucket exists in the selected region (us-east-1), that objects exist under that S3 prefix, and that the role "
        f'"arn:aws:iam::123456789012:role/training" has "s3:ListBucket" permissions on bucket "{BUCKET}".',
    ),
    (
        "same channels",
        {"InputDataConfig": [channel("train", "data"), channel("train", "data")]},
        "Channel names must be unique, but they are train, train.",
    ),
    (
        "no source",
        {"InputDataConfig": [{"ChannelName": "train", "DataSource": {}}]},
        "Channel train: DataSource must have exactly one of",
    ),
    (
        "augmented manifest in File mode",
        {"InputDataConfig": [channel("train", "data", S3DataType="AugmentedManifestFile", AttributeNames=["a"])]},
        "Channel train: AugmentedManifestFile can only be used if the channel's input mode is Pipe.",
    ),
    (
        "gzip in File mode",
        {"InputDataConfig": [channel("train", "data", extra={"CompressionType": "Gzip"})]},
        "Channel train: CompressionType Gzip can only be used in Pipe mode, not in File mode.",
    ),
    (
        "unknown group",
        {"InputDataConfig": [channel("train", "data", InstanceGroupNames=["a"])]},
        "Channel train: no such instance group: a.",
    ),
    (
        "checkpoints in a reserved folder",
        {"CheckpointConfig": {"S3Uri": f"s3://{BUCKET}/c", "LocalPath": "/opt/ml/model/c"}},
        "The checkpoints' LocalPath /opt/ml/model/c is reserved by SageMaker.",
    ),
    (
        "checkpoints elsewhere",
        {"CheckpointConfig": {"S3Uri": f"s3://{BUCKET}/c", "LocalPath": "/checkpoints"}},
        "The checkpoints' LocalPath /checkpoints is not below /opt/ml/.",
    ),
    (
        "TensorBoard files elsewhere",
        {"TensorBoardOutputConfig": {"S3OutputPath": f"s3://{BUCKET}/t", "LocalPath": "/tmp/events"}},
        "The embedded cloud carries TensorBoard files from below /opt/ml alone; LocalPath is /tmp/events.",
    ),
    (
        "an image of another registry",
        {"AlgorithmSpecification__TrainingImage": "docker.io/library/python:3"},
        "TrainingImageConfig with TrainingRepositoryAccessMode set to VPC must be provided when using a training image "
        "from a private Docker registry.",
    ),
    (
        "a key for a disk of the instance's own",
        {"ResourceConfig__InstanceType": "ml.g5.xlarge", "ResourceConfig__VolumeKmsKeyId": "alias/k"},
        "VolumeKmsKeyId cannot be used with ml.g5.xlarge: these instances have local storage.",
    ),
    (
        "file system without a network",
        {
            "InputDataConfig": [
                {
                    "ChannelName": "train",
                    "DataSource": {
                        "FileSystemDataSource": {
                            "FileSystemId": "fs-0123456789abcdef0",
                            "FileSystemType": "FSxLustre",
                            "FileSystemAccessMode": "ro",
                            "DirectoryPath": "/fsx",
                        }
                    },
                }
            ]
        },
        "Channel train: a FileSystemDataSource needs a VpcConfig with a way to the file system.",
    ),
    (
        "metric without a group",
        {"AlgorithmSpecification__MetricDefinitions": [{"Name": "loss", "Regex": "loss"}]},
        "The regex 'loss' of metric loss must have one group, not 0.",
    ),
    (
        "groups and a count",
        {
            "ResourceConfig__InstanceGroups": [
                {"InstanceGroupName": "a", "InstanceType": "ml.m5.large", "InstanceCount": 1}
            ]
        },
        "InstanceGroups cannot be used together with InstanceType and InstanceCount in ResourceConfig.",
    ),
    (
        "preferences and a type",
        {"ResourceConfig__InstancePreferences": [{"InstanceType": "ml.m5.large"}]},
        "InstancePreferences cannot be used together with InstanceType in ResourceConfig.",
    ),
]


@pytest.mark.parametrize(("fields", "message"), [entry[1:] for entry in REFUSED], ids=[entry[0] for entry in REFUSED])
def test_what_the_service_refuses(cloud: TrainingCloud, fields: dict[str, Any], message: str) -> None:
    request = cloud.request("refused", cloud.image("sleep", SLEEP), **fields)
    client = cloud.client("sagemaker")
    with pytest.raises(ClientError) as caught:
        client.create_training_job(**request)
    assert caught.value.response["Error"]["Code"] == "ValidationException"
    assert message in caught.value.response["Error"]["Message"]


def test_all_that_breaks_the_model_is_said_at_once(cloud: TrainingCloud) -> None:
    with pytest.raises(ClientError) as caught:
        cloud.create("b_d", "x", ResourceConfig__InstanceType="ml.huge")
    assert caught.value.response["Error"]["Message"].startswith("2 validation errors detected: ")


def test_a_name_is_used_once(cloud: TrainingCloud) -> None:
    image = cloud.image("quick", "")
    cloud.run("once", image)
    client = cloud.client("sagemaker")
    with pytest.raises(client.exceptions.ResourceInUse, match=r"names must be unique .*training-job/once"):
        cloud.create("once", image)
    client.delete_training_job(TrainingJobName="once")
    with pytest.raises(ClientError, match="Requested resource not found"):
        cloud.describe("once")
    assert cloud.run("once", image)["TrainingJobStatus"] == "Completed"


def test_jobs_that_are_not_there_or_not_to_be_touched(cloud: TrainingCloud) -> None:
    client = cloud.client("sagemaker")
    for call in (client.describe_training_job, client.stop_training_job, client.delete_training_job):
        with pytest.raises(ClientError) as caught:
            call(TrainingJobName="nobody")
        assert caught.value.response["Error"] == {
            "Code": "ValidationException",
            "Message": "Requested resource not found.",
        }
    cloud.create("busy", cloud.image("sleep", SLEEP))
    with pytest.raises(client.exceptions.ResourceInUse):
        client.delete_training_job(TrainingJobName="busy")
    cloud.wait_for_line("busy", "ready")
    client.stop_training_job(TrainingJobName="busy")
    with pytest.raises(ClientError, match="The request was rejected because the training job is in status Stop"):
        client.stop_training_job(TrainingJobName="busy")
    cloud.finished("busy")


def test_a_job_can_be_stopped_before_its_nodes_run(cloud: TrainingCloud) -> None:
    cloud.admin("capacity", instance_type="ml.m5.xlarge", count=0)
    cloud.admin("settings", capacity_wait_seconds=30)
    cloud.create("early", cloud.image("sleep", SLEEP), ResourceConfig__InstanceType="ml.m5.xlarge")
    cloud.client("sagemaker").stop_training_job(TrainingJobName="early")
    described = cloud.finished("early")
    assert described["TrainingJobStatus"] == described["SecondaryStatus"] == "Stopped"
    assert "ModelArtifacts" not in described
    cloud.admin("capacity", instance_type="ml.m5.xlarge")


def test_listing(cloud: TrainingCloud) -> None:
    image = cloud.image("quick", "")
    names = [f"listed-{index}" for index in range(3)]
    for name in names:
        cloud.run(name, image)
    client = cloud.client("sagemaker")

    def listed(**query: Any) -> list[str]:
        pages = client.get_paginator("list_training_jobs").paginate(NameContains="listed", **query)
        return [entry["TrainingJobName"] for page in pages for entry in page["TrainingJobSummaries"]]

    assert listed() == names[::-1], "newest first"
    assert listed(SortBy="Name", SortOrder="Ascending", PaginationConfig={"PageSize": 2}) == names
    assert listed(StatusEquals="Failed") == []
    # clients send whole seconds
    later = cloud.describe("listed-1")["CreationTime"] + timedelta(hours=1)
    assert listed(CreationTimeAfter=later) == listed(LastModifiedTimeAfter=later) == []
    assert listed(CreationTimeBefore=later) == listed(LastModifiedTimeBefore=later) == names[::-1]
    summary = client.list_training_jobs(NameContains="listed-0")["TrainingJobSummaries"][0]
    assert summary["TrainingJobStatus"] == "Completed"
    assert summary["TrainingEndTime"] >= summary["CreationTime"]
    with pytest.raises(ClientError, match="NextToken is invalid"):
        client.list_training_jobs(NextToken="?")


def test_tags_of_jobs_and_of_other_things(cloud: TrainingCloud) -> None:
    client = cloud.client("sagemaker")
    described = cloud.run("tagged", cloud.image("quick", ""), Tags=[{"Key": "a", "Value": "1"}])
    arn = described["TrainingJobArn"]
    client.add_tags(ResourceArn=arn, Tags=[{"Key": "b", "Value": "2"}, {"Key": "a", "Value": "3"}])
    assert client.list_tags(ResourceArn=arn)["Tags"] == [{"Key": "a", "Value": "3"}, {"Key": "b", "Value": "2"}]
    client.delete_tags(ResourceArn=arn, TagKeys=["a"])
    assert client.list_tags(ResourceArn=arn)["Tags"] == [{"Key": "b", "Value": "2"}]
    group = client.create_model_package_group(ModelPackageGroupName="group")["ModelPackageGroupArn"]
    client.add_tags(ResourceArn=group, Tags=[{"Key": "c", "Value": "4"}])
    assert client.list_tags(ResourceArn=group)["Tags"] == [{"Key": "c", "Value": "4"}]
    client.delete_tags(ResourceArn=group, TagKeys=["c"])
    assert client.list_tags(ResourceArn=group)["Tags"] == []


def test_a_warm_pool_is_kept_reused_and_ended(cloud: TrainingCloud) -> None:
    cloud.admin("quota", name="ml.m5.large for training warm pool usage", value=2)
    client = cloud.client("sagemaker")
    image = cloud.image("quick", "")
    warm = {"ResourceConfig__KeepAlivePeriodInSeconds": 60}

    def pool(name: str) -> dict[str, Any]:
        status: dict[str, Any] = cloud.describe(name)["WarmPoolStatus"]
        return status

    cloud.run("warm-1", image, **warm)
    wait_until(lambda: pool("warm-1")["Status"] == "Available", 5, "the warm pool")
    assert [
        entry["TrainingJobName"]
        for entry in client.list_training_jobs(WarmPoolStatusEquals="Available")["TrainingJobSummaries"]
    ] == ["warm-1"]
    with pytest.raises(client.exceptions.ResourceInUse, match="still holds its warm pool"):
        client.delete_training_job(TrainingJobName="warm-1")
    cloud.run("warm-2", image, **warm)
    assert pool("warm-1")["Status"] == "Reused"
    assert pool("warm-1")["ReusedByJob"] == "warm-2"
    wait_until(lambda: pool("warm-2")["Status"] == "Available", 5, "the warm pool")
    client.update_training_job(TrainingJobName="warm-2", ResourceConfig={"KeepAlivePeriodInSeconds": 0})
    wait_until(lambda: pool("warm-2")["Status"] == "Terminated", 5, "the end of the warm pool")
    with pytest.raises(ClientError, match="has no warm pool to update"):
        client.update_training_job(TrainingJobName="warm-2", ResourceConfig={"KeepAlivePeriodInSeconds": 60})


def test_accounts_and_regions_are_apart(cloud: TrainingCloud) -> None:
    import boto3

    cloud.run("here", cloud.image("quick", ""))
    for key, region in (("test", "eu-west-1"), ("210987654321", "us-east-1")):
        other = boto3.client(
            "sagemaker",
            endpoint_url=cloud.endpoint,
            region_name=region,
            aws_access_key_id=key,
            aws_secret_access_key="test",
        )
        assert other.list_training_jobs()["TrainingJobSummaries"] == []


def test_settings_are_strict(cloud: TrainingCloud) -> None:
    assert cloud.admin("settings")["stop_grace_seconds"] == 3
    with pytest.raises(AssertionError, match="no such setting: 'grace'"):
        cloud.admin("settings", grace=1)
    with pytest.raises(AssertionError, match="stop_grace_seconds: 'soon' is not a number"):
        cloud.admin("settings", stop_grace_seconds="soon", metric_seconds=99)
    assert cloud.admin("settings")["metric_seconds"] == 0.5, "all or nothing"


def test_describe_shows_the_request(cloud: TrainingCloud) -> None:
    request = cloud.request(
        "shown",
        cloud.image("quick", ""),
        HyperParameters={"a": "1"},
        Environment={"E": "1"},
        CheckpointConfig={"S3Uri": f"s3://{BUCKET}/shown"},
        InputDataConfig=[channel("train", "data")],
        RetryStrategy={"MaximumRetryAttempts": 2},
        EnableInterContainerTrafficEncryption=True,
    )
    began = datetime.now(UTC).replace(microsecond=0)
    cloud.client("sagemaker").create_training_job(**request)
    described = cloud.finished("shown")
    for name, value in request.items():
        assert described[name] == value, name
    assert began <= described["CreationTime"] <= datetime.now(UTC)
