"""Jobs that wait for capacity or pass a quota, in the service's words."""

from typing import Any

import pytest

from tests.support.clouds.training_cloud import TrainingCloud, wait_until
from tests.support.clouds.training_programs import POLITE, spot, statuses


def test_no_capacity(cloud: TrainingCloud) -> None:
    image = cloud.image("well", "")
    cloud.admin("capacity", instance_type="ml.p5.48xlarge", count=0)
    cloud.admin("settings", capacity_wait_seconds=0.3)
    cloud.admin("quota", name="ml.p5.48xlarge for training job usage", value=10)
    cloud.admin("quota", name="ml.p5.48xlarge for spot training job usage", value=10)
    described = cloud.run("no-capacity", image, ResourceConfig__InstanceType="ml.p5.48xlarge")
    assert described["FailureReason"].startswith("CapacityError: Unable to provision requested ML compute capacity")
    assert statuses(described) == ["Starting", "Failed"]
    assert "TrainingTimeInSeconds" not in described

    waited = cloud.run("max-wait", image, **spot(2, ResourceConfig__InstanceType="ml.p5.48xlarge") | _short())
    assert waited["TrainingJobStatus"] == "Stopped"
    assert waited["SecondaryStatus"] == "MaxWaitTimeExceeded"

    preferences = [{"InstanceType": "ml.p5.48xlarge"}, {"InstanceType": "ml.m5.large"}]
    config = {"InstancePreferences": preferences, "InstanceCount": 1, "VolumeSizeInGB": 10}
    image = cloud.image("type", "import json; print(open('/opt/ml/input/config/resourceconfig.json').read())")
    chosen = cloud.run("preferences", image, ResourceConfig=config)
    assert chosen["TrainingJobStatus"] == "Completed"
    assert cloud.said("preferences")["current_instance_type"] == "ml.m5.large"
    cloud.admin("capacity", instance_type="ml.p5.48xlarge")


def _short() -> dict[str, Any]:
    return {"StoppingCondition": {"MaxRuntimeInSeconds": 1, "MaxWaitTimeInSeconds": 1}}


def test_a_job_waits_for_capacity_that_comes_back(cloud: TrainingCloud) -> None:
    cloud.admin("settings", capacity_wait_seconds=20)
    cloud.admin("capacity", instance_type="ml.m5.xlarge", count=1)
    image = cloud.image("polite", POLITE)
    small = {"ResourceConfig__InstanceType": "ml.m5.xlarge"}
    cloud.create("first", image, **small)
    cloud.wait_for_line("first", "ready")
    cloud.create("second", image, **small)

    def message() -> str:
        text: str = cloud.describe("second")["SecondaryStatusTransitions"][-1]["StatusMessage"]
        return text

    wait_until(lambda: "Insufficient capacity" in message(), 10, "the word about capacity")
    cloud.client("sagemaker").stop_training_job(TrainingJobName="first")
    cloud.wait_for_line("second", "ready")
    cloud.client("sagemaker").stop_training_job(TrainingJobName="second")
    cloud.finished("second")
    cloud.admin("capacity", instance_type="ml.m5.xlarge")


def test_quotas_are_enforced_in_the_service_s_words(cloud: TrainingCloud) -> None:
    name = "ml.m5.4xlarge for training job usage"
    cloud.admin("quota", name=name, value=1)
    sagemaker = cloud.client("sagemaker")
    with pytest.raises(sagemaker.exceptions.ResourceLimitExceeded) as caught:
        cloud.create(
            "too-many",
            cloud.image("well", ""),
            ResourceConfig={"InstanceType": "ml.m5.4xlarge", "InstanceCount": 2, "VolumeSizeInGB": 1},
        )
    assert caught.value.response["Error"]["Message"] == (
        f"The account-level service limit '{name}' is 1 Instances, with current utilization of 0 Instances and a "
        "request delta of 2 Instances. Please use AWS Service Quotas to request an increase for this quota. If AWS "
        "Service Quotas is not available, contact AWS support to request an increase for this quota."
    )
    with pytest.raises(sagemaker.exceptions.ClientError, match="Requested resource not found"):
        cloud.describe("too-many")
