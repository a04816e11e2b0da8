"""The sweeper against the embedded cloud: what it finds is really there, and what it stops really ends."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from shardyard.handlers.watching.sweep.index import sweep
from shardyard.handlers.watching.sweep.leftover import Limits
from tests.support.clouds.training_cloud import TrainingCloud, training_cloud, wait_until

LIMITS = Limits(
    project="own", stage="dev", notebook_hours=12, endpoint_idle_hours=24, job_hours=72, warm_pool_minutes=60
)
OURS = [{"Key": "project", "Value": "own"}, {"Key": "stage", "Value": "dev"}]
NOW = datetime.now(UTC)


@pytest.fixture(scope="module")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TrainingCloud]:
    with training_cloud(tmp_path_factory.mktemp("cloud")) as running:
        yield running


def found(cloud: TrainingCloud, now: datetime, *stops: str) -> set[tuple[str, str, str]]:
    topic = cloud.client("sns").create_topic(Name="told")["TopicArn"]
    answer = sweep(cloud.client, LIMITS, now, stops=stops, topic_arn=topic)
    return {(row["kind"], row["name"], row["action"]) for row in answer["findings"]}


def test_a_warm_pool_is_ended(cloud: TrainingCloud) -> None:
    cloud.admin("quota", name="ml.m5.large for training warm pool usage", value=2)
    cloud.run("warm", cloud.image("quick", ""), ResourceConfig__KeepAlivePeriodInSeconds=3600, Tags=OURS)

    def status() -> Any:
        return cloud.describe("warm")["WarmPoolStatus"]["Status"]

    wait_until(lambda: status() == "Available", 5, "the warm pool")
    later = NOW + timedelta(hours=2)
    assert found(cloud, NOW, "warm pool") == set()
    assert found(cloud, later) == {("warm pool", "warm", "reported")}
    assert found(cloud, later, "warm pool") == {("warm pool", "warm", "ended")}
    wait_until(lambda: status() == "Terminated", 5, "the end of the warm pool")
    assert found(cloud, later) == set()


def test_a_long_job_is_stopped(cloud: TrainingCloud) -> None:
    image = cloud.image("slow", "import time\nprint('up', flush=True)\ntime.sleep(60)\n")
    cloud.create("long", image, Tags=OURS)
    cloud.create("foreign", image)
    cloud.wait_for_line("long", "up")
    later = NOW + timedelta(hours=80)
    assert found(cloud, later) == {("training job", "long", "reported")}
    assert found(cloud, later, "training job") == {("training job", "long", "stopped")}
    assert cloud.finished("long")["TrainingJobStatus"] == "Stopped"
    assert cloud.describe("foreign")["TrainingJobStatus"] == "InProgress"
    cloud.client("sagemaker").stop_training_job(TrainingJobName="foreign")
    cloud.finished("foreign")


def test_what_nothing_uses_and_no_stack_holds_is_reported(cloud: TrainingCloud) -> None:
    ec2 = cloud.client("ec2")
    subnet = ec2.describe_subnets()["Subnets"][0]
    zone = subnet["AvailabilityZone"]
    free, used, foreign = (ec2.create_volume(AvailabilityZone=zone, Size=1)["VolumeId"] for _ in range(3))
    (machine,) = ec2.run_instances(ImageId="ami-12345678", MinCount=1, MaxCount=1)["Instances"]
    ec2.attach_volume(VolumeId=used, InstanceId=machine["InstanceId"], Device="/dev/sdx")
    card = ec2.create_network_interface(SubnetId=subnet["SubnetId"])["NetworkInterface"]["NetworkInterfaceId"]
    gateway = ec2.create_nat_gateway(SubnetId=subnet["SubnetId"])["NatGateway"]["NatGatewayId"]
    ec2.create_tags(Resources=[free, used, card, gateway], Tags=OURS)
    shared = cloud.client("efs").create_file_system(CreationToken="t", Tags=OURS)["FileSystemId"]
    assert foreign not in {name for _, name, _ in found(cloud, NOW)}
    assert found(cloud, NOW, "endpoint", "notebook", "training job", "warm pool") == {
        ("volume", free, "reported"),
        ("network interface", card, "reported"),
        ("NAT gateway", gateway, "reported"),
        ("EFS file system", shared, "reported"),
    }
