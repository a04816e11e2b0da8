"""The API of processing jobs: what is refused, described, listed, tagged and deleted."""

from typing import Any

import pytest
from botocore.exceptions import ClientError

from embedded.services.servicequotas.catalogue import by_name
from tests.support.clouds.processing_cloud import ProcessingCloud, result, source
from tests.support.clouds.training_cloud import BUCKET

ATHENA = {
    "Catalog": "c",
    "Database": "d",
    "QueryString": "select 1",
    "OutputS3Uri": f"s3://{BUCKET}/q",
    "OutputFormat": "PARQUET",
}
CLUSTER = {"InstanceType": "ml.m5.large", "InstanceCount": 1, "VolumeSizeInGB": 10}


def cluster(**fields: Any) -> dict[str, Any]:
    return {"ProcessingResources": {"ClusterConfig": {"VolumeSizeInGB": 10, **fields}}}


def preferences(*counts: int | None) -> list[dict[str, Any]]:
    types = ("ml.m5.large", "ml.m5.xlarge", "ml.m5.2xlarge")
    pairs = zip(types, counts, strict=False)
    return [{"InstanceType": one} | ({} if count is None else {"InstanceCount": count}) for one, count in pairs]


def without_path(entry: dict[str, Any], field: str) -> dict[str, Any]:
    return {**entry, field: {key: value for key, value in entry[field].items() if key != "LocalPath"}}


@pytest.mark.parametrize(
    ("fields", "says"),
    [
        ({"AppSpecification": {"ImageUri": "docker.io/x:1"}}, "is not an image of Amazon ECR"),
        (cluster(), "exactly one of InstanceType and InstancePreferences"),
        (cluster(InstanceType="ml.m5.large", InstancePreferences=preferences(1)), "exactly one of InstanceType and"),
        (cluster(InstancePreferences=preferences(1, None)), "must be set on every preference in"),
        (cluster(InstancePreferences=preferences(1, 2), InstanceCount=1), "cannot be set both on the preferences and"),
        (cluster(InstancePreferences=preferences(None, None)), "on every preference in InstancePreferences, or in"),
        (cluster(InstancePreferences=preferences(1) * 2), "can appear only once in InstancePreferences"),
        (cluster(InstanceType="ml.m5.large", SelectedInstanceType="ml.m5.large"), "SelectedInstanceType is read-only"),
        (cluster(InstanceType="ml.g5.xlarge", VolumeKmsKeyId="k"), "VolumeKmsKeyId cannot be used with ml.g5.xlarge"),
        (cluster(InstanceType="ml.g5.xlarge", VolumeSizeInGB=9000), "VolumeSizeInGB 9000 is more than the"),
        ({"ProcessingInputs": [{"InputName": "a"}]}, "exactly one of S3Input and DatasetDefinition"),
        (
            {"ProcessingInputs": [{"InputName": "a", "DatasetDefinition": {"LocalPath": "/opt/ml/processing/a"}}]},
            "exactly one of AthenaDatasetDefinition and RedshiftDatasetDefinition",
        ),
        (
            {"ProcessingInputs": [{"InputName": "a", "DatasetDefinition": {"AthenaDatasetDefinition": ATHENA}}]},
            "AthenaDatasetDefinition is not emulated: the embedded cloud has no engine that runs its query",
        ),
        ({"ProcessingInputs": [source("a", "a", "/opt/ml/input/a")]}, "must begin with /opt/ml/processing/"),
        ({"ProcessingInputs": [source("a", "a", "/opt/ml/processing/../b")]}, "must begin with /opt/ml/processing/"),
        ({"ProcessingInputs": [without_path(source("a", "a"), "S3Input")]}, "LocalPath is a required parameter when"),
        ({"ProcessingInputs": [source("a", "a", S3CompressionType="Gzip")]}, "Gzip can only be used in Pipe mode"),
        (
            {"ProcessingInputs": [source("a", "a"), source("a", "b")]},
            "names of inputs must be unique, but they are a, a",
        ),
        ({"ProcessingOutputConfig": {"Outputs": [{"OutputName": "o"}]}}, "exactly one of S3Output and FeatureStore"),
        (
            {
                "ProcessingOutputConfig": {
                    "Outputs": [{"OutputName": "o", "FeatureStoreOutput": {"FeatureGroupName": "g"}}]
                }
            },
            "FeatureStoreOutput is only supported when AppManaged is specified",
        ),
        (
            {"ProcessingOutputConfig": {"Outputs": [without_path(result("o", "o"), "S3Output")]}},
            "LocalPath is a required",
        ),
        ({"ProcessingOutputConfig": {"Outputs": [result("o", "o")] * 2}}, "names of outputs must be unique"),
        ({"RoleArn": "arn:aws:iam::123456789012:role/nobody"}, "Could not assume role"),
        ({"NetworkConfig": {"VpcConfig": {"SecurityGroupIds": ["sg-1"], "Subnets": ["subnet-1"]}}}, "subnet"),
        ({"StoppingCondition": {"MaxRuntimeInSeconds": 777601}}, "777600"),
    ],
)
def test_what_the_service_refuses(cloud: ProcessingCloud, fields: dict[str, Any], says: str) -> None:
    with pytest.raises(ClientError, match=says) as error:
        cloud.create("refused", cloud.image("quick", ""), **fields)
    assert error.value.response["Error"]["Code"] == "ValidationException"
    assert cloud.client("sagemaker").list_processing_jobs(NameContains="refused")["ProcessingJobSummaries"] == []


@pytest.mark.parametrize(
    ("quota", "limit", "says"),
    [
        ("ml.m5.large for processing job usage", 1, "is 1 Instances, .* request delta of 2 Instances"),
        ("Number of instances for a processing job", 1, "'Number of instances for a processing job' is 1 Instances"),
        ("Longest run time for a processing job", 59, "is 59 Seconds, .* request delta of 60 Seconds"),
    ],
)
def test_quotas(cloud: ProcessingCloud, quota: str, limit: float, says: str) -> None:
    cloud.admin("quota", name=quota, value=limit)
    client = cloud.client("sagemaker")
    with pytest.raises(client.exceptions.ResourceLimitExceeded, match=says):
        cloud.create("too-much", cloud.image("quick", ""), ProcessingResources__ClusterConfig__InstanceCount=2)
    cloud.admin("quota", name=quota, value=by_name()[quota].default)


def test_describe_shows_the_request(cloud: ProcessingCloud) -> None:
    cloud.put("shown/a", "a")
    request = cloud.request(
        "shown",
        cloud.image("quick", ""),
        ProcessingInputs=[source("data", "shown/")],
        ProcessingOutputConfig={"Outputs": [result("o", "o")], "KmsKeyId": "alias/none"},
        Environment={"E": "1"},
        NetworkConfig={"EnableNetworkIsolation": True, "EnableInterContainerTrafficEncryption": True},
        ExperimentConfig={"ExperimentName": "e"},
        AppSpecification__ContainerArguments=["a"],
    )
    cloud.client("sagemaker").create_processing_job(**request)
    described = cloud.finished("shown")
    for name, value in request.items():
        assert described[name] == value, name


def test_a_life_in_lists_and_tags(cloud: ProcessingCloud) -> None:
    client, image = cloud.client("sagemaker"), cloud.image("quick", "")
    for name in ("life-a", "life-b"):
        cloud.create(name, image, Tags=[{"Key": "n", "Value": name}])
        cloud.finished(name)
    with pytest.raises(client.exceptions.ResourceInUse, match="a job with this name already exists"):
        cloud.create("life-a", image)
    page = client.list_processing_jobs(NameContains="life", MaxResults=1)
    assert [job["ProcessingJobName"] for job in page["ProcessingJobSummaries"]] == ["life-b"]
    page = client.list_processing_jobs(NameContains="life", MaxResults=1, NextToken=page["NextToken"])
    assert [job["ProcessingJobName"] for job in page["ProcessingJobSummaries"]] == ["life-a"]
    assert "NextToken" not in page
    found = client.list_processing_jobs(StatusEquals="Completed", SortBy="Name", SortOrder="Ascending")
    names = [job["ProcessingJobName"] for job in found["ProcessingJobSummaries"]]
    assert names == sorted(names) and {"life-a", "life-b"} <= set(names)
    arn = cloud.describe("life-a")["ProcessingJobArn"]
    assert arn.endswith(":processing-job/life-a")
    client.add_tags(ResourceArn=arn, Tags=[{"Key": "m", "Value": "2"}])
    assert client.list_tags(ResourceArn=arn)["Tags"] == [{"Key": "n", "Value": "life-a"}, {"Key": "m", "Value": "2"}]
    client.delete_processing_job(ProcessingJobName="life-a")
    with pytest.raises(ClientError, match="Could not find requested job with name: life-a"):
        cloud.describe("life-a")
    with pytest.raises(ClientError, match="Could not find requested job with name: life-a"):
        client.delete_processing_job(ProcessingJobName="life-a")
    cloud.create("life-a", image)
    waiter = client.get_waiter("processing_job_completed_or_stopped")
    waiter.wait(ProcessingJobName="life-a", WaiterConfig={"Delay": 1, "MaxAttempts": 60})
