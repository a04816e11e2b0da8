"""Requests that the service refuses, each with the service's own words."""

from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.support.clouds.training_cloud import BUCKET, TrainingCloud, channel


@pytest.fixture(scope="module")
def cloud(cloud: TrainingCloud) -> TrainingCloud:
    cloud.put("data/a", "a")
    return cloud


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
        "a channel that is no folder",
        {"InputDataConfig": [channel("..", "data")]},
        "Channel ..: no folder can have this name.",
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
        "checkpoints by a way out of /opt/ml",
        {"CheckpointConfig": {"S3Uri": f"s3://{BUCKET}/c", "LocalPath": "/opt/ml/../../home/x"}},
        "The checkpoints' LocalPath /home/x is not below /opt/ml/.",
    ),
    (
        "checkpoints in a reserved folder by a detour",
        {"CheckpointConfig": {"S3Uri": f"s3://{BUCKET}/c", "LocalPath": "/opt/ml/c/../model"}},
        "The checkpoints' LocalPath /opt/ml/model is reserved by SageMaker.",
    ),
    (
        "TensorBoard files by a way out of /opt/ml",
        {"TensorBoardOutputConfig": {"S3OutputPath": f"s3://{BUCKET}/t", "LocalPath": "/opt/ml/../../tmp/events"}},
        "The embedded cloud carries TensorBoard files from below /opt/ml alone; LocalPath is /tmp/events.",
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
    request = cloud.request("refused", cloud.image("quick", ""), **fields)
    client = cloud.client("sagemaker")
    with pytest.raises(ClientError) as caught:
        client.create_training_job(**request)
    assert caught.value.response["Error"]["Code"] == "ValidationException"
    assert message in caught.value.response["Error"]["Message"]


def test_all_that_breaks_the_model_is_said_at_once(cloud: TrainingCloud) -> None:
    with pytest.raises(ClientError) as caught:
        cloud.create("b_d", "x", ResourceConfig__InstanceType="ml.huge")
    assert caught.value.response["Error"]["Message"].startswith("2 validation errors detected: ")


def test_a_model_package_is_held_against_the_model_too(cloud: TrainingCloud) -> None:
    with pytest.raises(ClientError) as caught:
        cloud.client("sagemaker").create_model_package(
            ModelPackageGroupName="models", CustomerMetadataProperties={"data.train": "s3://data/a/#0123"}
        )
    assert "Value 's3://data/a/#0123' at 'customerMetadataProperties.data.train'" in str(caught.value)
