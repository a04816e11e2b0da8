"""Requests are answered as the service would: the same errors, the same shapes, the same paging."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.support.clouds.training_cloud import BUCKET, TrainingCloud, channel, wait_until

SLEEP = "import time; print('ready', flush=True); time.sleep(60)"


@pytest.fixture(scope="module")
def cloud(cloud: TrainingCloud) -> TrainingCloud:
    cloud.put("data/a", "a")
    return cloud


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


def test_jobs_are_searched_by_tags_and_properties(cloud: TrainingCloud) -> None:
    image = cloud.image("quick", "")
    for number, color in enumerate(("red", "blue", "red")):
        cloud.run(f"searched-{number}", image, Tags=[{"Key": "color", "Value": color}])
    client = cloud.client("sagemaker")

    def found(*filters: dict[str, str], **query: Any) -> list[str]:
        pages = client.get_paginator("search").paginate(
            Resource="TrainingJob",
            SearchExpression={"Filters": list(filters)},
            SortBy="CreationTime",
            PaginationConfig={"PageSize": 1},
            **query,
        )
        return [one["TrainingJob"]["TrainingJobName"] for page in pages for one in page["Results"]]

    red = {"Name": "Tags.color", "Operator": "Equals", "Value": "red"}
    assert found(red) == ["searched-2", "searched-0"]
    assert found(red, SortOrder="Ascending") == ["searched-0", "searched-2"]
    ended = {"Name": "TrainingJobStatus", "Operator": "In", "Value": "Stopped,Completed"}
    assert found(red, ended, {"Name": "TrainingJobName", "Operator": "Contains", "Value": "-0"}) == ["searched-0"]
    assert found({"Name": "Tags.color", "Operator": "Exists"}) == ["searched-2", "searched-1", "searched-0"]
    assert found(red, {**ended, "Value": "Failed"}) == []
    (record,) = client.search(
        Resource="TrainingJob", SearchExpression={"Filters": [{"Name": "Tags.color", "Value": "blue"}]}
    )["Results"]
    assert record["TrainingJob"]["Tags"] == [{"Key": "color", "Value": "blue"}]
    with pytest.raises(ClientError, match="does not search by GreaterThan"):
        found({**red, "Operator": "GreaterThan"})


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
            aws_secret_access_key=cloud.state.secret,
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
