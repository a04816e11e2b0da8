"""Application Auto Scaling changes how many instances a variant has: targets, steps, schedules, stacks."""

import json
import threading
from collections.abc import Iterator
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.support.clouds.serving_cloud import ServingCloud
from tests.support.clouds.training_cloud import wait_until

pytestmark = pytest.mark.e2e

INSTANCES = "sagemaker:variant:DesiredInstanceCount"


@pytest.fixture(scope="module")
def endpoint(cloud: ServingCloud) -> Iterator[str]:
    """An endpoint of one instance, and a clock on which a cooldown is over in seconds."""
    cloud.serve("scaled", cloud.simple("scaled"))
    cloud.admin("clock", rate="60x")
    yield "scaled"
    cloud.admin("clock", rate="1x")


def place(endpoint: str) -> dict[str, str]:
    resource = f"endpoint/{endpoint}/variant/main"
    return {"ServiceNamespace": "sagemaker", "ResourceId": resource, "ScalableDimension": INSTANCES}


def count(cloud: ServingCloud, endpoint: str) -> int:
    return int(cloud.describe_endpoint(endpoint)["ProductionVariants"][0]["DesiredInstanceCount"])


def publish(cloud: ServingCloud, name: str, value: float) -> None:
    datum: dict[str, Any] = {"MetricName": name, "Value": value, "Dimensions": []}
    cloud.client("cloudwatch").put_metric_data(Namespace="Own", MetricData=[datum])


def own(name: str, **fields: Any) -> dict[str, Any]:
    metric = {"MetricName": name, "Namespace": "Own", "Statistic": "Average"}
    return {"TargetValue": 10.0, "CustomizedMetricSpecification": metric, **fields}


def wait_for_count(cloud: ServingCloud, endpoint: str, wanted: int, name: str, value: float) -> None:
    """Publish a value until the endpoint has so many instances."""

    def reached() -> bool:
        publish(cloud, name, value)
        return count(cloud, endpoint) == wanted and cloud.describe_endpoint(endpoint)["EndpointStatus"] == "InService"

    wait_until(reached, 60, f"{wanted} instances")


def test_a_target_is_tracked_out_and_in(cloud: ServingCloud, endpoint: str) -> None:
    api = cloud.client("application-autoscaling")
    api.register_scalable_target(**place(endpoint), MinCapacity=1, MaxCapacity=3)
    made = api.put_scaling_policy(
        **place(endpoint),
        PolicyName="track",
        PolicyType="TargetTrackingScaling",
        TargetTrackingScalingPolicyConfiguration=own("Load", ScaleOutCooldown=60, ScaleInCooldown=60),
    )
    assert [alarm["AlarmName"].split("-")[-6] for alarm in made["Alarms"]] == ["AlarmHigh", "AlarmLow"]
    wait_for_count(cloud, endpoint, 3, "Load", 25.0)
    cloud.invoke(endpoint)
    wait_until(lambda: _not_scaled(api, endpoint), 20, "a look at a target at its limit")
    wait_for_count(cloud, endpoint, 1, "Load", 1.0)
    done = api.describe_scaling_activities(ServiceNamespace="sagemaker", ResourceId=place(endpoint)["ResourceId"])
    newest, oldest = done["ScalingActivities"][0], done["ScalingActivities"][-1]
    assert newest["Description"] == "Setting desired instance count to 1."
    assert "in state ALARM triggered policy track" in newest["Cause"]
    assert oldest["StatusCode"] == "Successful"
    assert oldest["StatusMessage"].endswith("Change successfully fulfilled by sagemaker.")
    api.delete_scaling_policy(**place(endpoint), PolicyName="track")
    assert not cloud.client("cloudwatch").describe_alarms(AlarmNamePrefix="TargetTracking-")["MetricAlarms"]


def _not_scaled(api: Any, endpoint: str) -> bool:
    found = api.describe_scaling_activities(ServiceNamespace="sagemaker", IncludeNotScaledActivities=True)
    reasons = [one["NotScaledReasons"][0] for one in found["ScalingActivities"] if "NotScaledReasons" in one]
    return {"Code": "AlreadyAtMaxCapacity", "MaxCapacity": 3, "CurrentCapacity": 3} in reasons


def test_requests_under_way_are_tracked_out_and_in(cloud: ServingCloud, endpoint: str) -> None:
    name, over = "crowded", threading.Event()
    cloud.serve(name, cloud.simple(name, SLOW="0.3"))
    api = cloud.client("application-autoscaling")
    api.register_scalable_target(**place(name), MinCapacity=1, MaxCapacity=2)
    kind = "SageMakerVariantConcurrentRequestsPerModelHighResolution"
    api.put_scaling_policy(
        **place(name),
        PolicyName="crowd",
        PolicyType="TargetTrackingScaling",
        TargetTrackingScalingPolicyConfiguration={
            "TargetValue": 2.0,
            "PredefinedMetricSpecification": {"PredefinedMetricType": kind},
            "ScaleOutCooldown": 60,
            "ScaleInCooldown": 60,
        },
    )

    def ask() -> None:
        while not over.is_set():
            cloud.invoke(name)

    clients = [threading.Thread(target=ask) for _ in range(6)]
    for one in clients:
        one.start()
    try:
        wait_until(lambda: count(cloud, name) == 2, 30, "a second instance")
        assert cloud.metric("ConcurrentRequestsPerModel", name, "Maximum") == 6
    finally:
        over.set()
        for one in clients:
            one.join()
    wait_until(lambda: count(cloud, name) == 1, 60, "one instance, where nobody asks")
    cloud.settled(name)
    api.deregister_scalable_target(**place(name))
    cloud.client("sagemaker").delete_endpoint(EndpointName=name)


def test_a_step_follows_an_alarm_of_ones_own(cloud: ServingCloud, endpoint: str) -> None:
    api = cloud.client("application-autoscaling")
    api.register_scalable_target(**place(endpoint), MinCapacity=1, MaxCapacity=3)
    adjustment = {"MetricIntervalLowerBound": 0, "ScalingAdjustment": 2}
    steps = {"AdjustmentType": "ExactCapacity", "StepAdjustments": [adjustment]}
    policy = api.put_scaling_policy(**place(endpoint), PolicyName="step", StepScalingPolicyConfiguration=steps)
    cloud.client("cloudwatch").put_metric_alarm(
        AlarmName="busy",
        Namespace="Own",
        MetricName="Busy",
        Statistic="Maximum",
        Period=60,
        EvaluationPeriods=1,
        Threshold=5,
        ComparisonOperator="GreaterThanThreshold",
        AlarmActions=[policy["PolicyARN"]],
    )
    (described,) = api.describe_scaling_policies(ServiceNamespace="sagemaker")["ScalingPolicies"]
    assert [alarm["AlarmName"] for alarm in described["Alarms"]] == ["busy"]
    wait_for_count(cloud, endpoint, 2, "Busy", 6.0)
    api.delete_scaling_policy(**place(endpoint), PolicyName="step")
    cloud.client("cloudwatch").delete_alarms(AlarmNames=["busy"])


def test_a_schedule_moves_the_limits_and_the_capacity_with_them(cloud: ServingCloud, endpoint: str) -> None:
    api = cloud.client("application-autoscaling")
    api.register_scalable_target(**place(endpoint), MinCapacity=1, MaxCapacity=3)
    api.put_scheduled_action(
        **place(endpoint),
        ScheduledActionName="up",
        Schedule="rate(1 minute)",
        ScalableTargetAction={"MinCapacity": 3, "MaxCapacity": 3},
    )
    wait_until(lambda: count(cloud, endpoint) == 3, 30, "the schedule")
    (target,) = api.describe_scalable_targets(ServiceNamespace="sagemaker")["ScalableTargets"]
    assert (target["MinCapacity"], target["MaxCapacity"]) == (3, 3)
    found = api.describe_scaling_activities(ServiceNamespace="sagemaker")["ScalingActivities"]
    assert found[0]["Cause"].startswith("scheduled action name up: minimum capacity was set to 3")
    api.delete_scheduled_action(**place(endpoint), ScheduledActionName="up")
    cloud.settled(endpoint)
    api.register_scalable_target(**place(endpoint), MinCapacity=1, MaxCapacity=1)
    wait_until(lambda: count(cloud, endpoint) == 1, 30, "the new limits")
    cloud.settled(endpoint)
    api.deregister_scalable_target(**place(endpoint))


def test_a_stack_has_a_target_with_its_policy(cloud: ServingCloud, endpoint: str) -> None:
    cloudformation = cloud.client("cloudformation")
    predefined = {"PredefinedMetricType": "SageMakerVariantInvocationsPerInstance"}
    resources = {
        "Target": {
            "Type": "AWS::ApplicationAutoScaling::ScalableTarget",
            "Properties": {
                **place(endpoint),
                "MinCapacity": 1,
                "MaxCapacity": 2,
                "ScheduledActions": [
                    {
                        "ScheduledActionName": "night",
                        "Schedule": "cron(0 3 * * ? *)",
                        "ScalableTargetAction": {"MaxCapacity": 2},
                    }
                ],
            },
        },
        "Policy": {
            "Type": "AWS::ApplicationAutoScaling::ScalingPolicy",
            "Properties": {
                "PolicyName": "track",
                "PolicyType": "TargetTrackingScaling",
                "ScalingTargetId": {"Ref": "Target"},
                "TargetTrackingScalingPolicyConfiguration": {
                    "TargetValue": 100,
                    "PredefinedMetricSpecification": predefined,
                },
            },
        },
    }
    template = {"Resources": resources}
    cloudformation.create_stack(StackName="scaling", TemplateBody=json.dumps(template))
    cloudformation.get_waiter("stack_create_complete").wait(StackName="scaling", WaiterConfig={"Delay": 1})
    checked = cloud.admin("verify", stack="scaling")
    assert checked["right"], checked["rows"]
    api = cloud.client("application-autoscaling")
    (policy,) = api.describe_scaling_policies(ServiceNamespace="sagemaker")["ScalingPolicies"]
    assert len(policy["Alarms"]) == 2
    (action,) = api.describe_scheduled_actions(ServiceNamespace="sagemaker")["ScheduledActions"]
    assert action["ScheduledActionName"] == "night"
    resources["Target"]["Properties"]["MaxCapacity"] = 4  # type: ignore[index]
    cloudformation.update_stack(StackName="scaling", TemplateBody=json.dumps(template))
    cloudformation.get_waiter("stack_update_complete").wait(StackName="scaling", WaiterConfig={"Delay": 1})
    (target,) = api.describe_scalable_targets(ServiceNamespace="sagemaker")["ScalableTargets"]
    assert target["MaxCapacity"] == 4
    cloudformation.delete_stack(StackName="scaling")
    cloudformation.get_waiter("stack_delete_complete").wait(StackName="scaling", WaiterConfig={"Delay": 1})
    assert api.describe_scalable_targets(ServiceNamespace="sagemaker")["ScalableTargets"] == []


@pytest.mark.parametrize(
    ("operation", "fields", "says"),
    [
        ("register_scalable_target", {"ServiceNamespace": "ecs"}, "The service namespace ecs is not emulated"),
        ("register_scalable_target", {"ResourceId": "endpoint/nowhere/variant/x"}, "does not exist: no such variant"),
        ("register_scalable_target", {"ResourceId": "service/a/b"}, "Unsupported resource type"),
        ("register_scalable_target", {"MinCapacity": 3, "MaxCapacity": 2}, "Maximum capacity cannot be less than"),
        (
            "register_scalable_target",
            {"ScalableDimension": "sagemaker:inference-component:DesiredCopyCount"},
            "DesiredCopyCount is not emulated",
        ),
        ("put_scaling_policy", {"PolicyName": "p"}, "No scalable target registered for service namespace: sagemaker"),
        ("deregister_scalable_target", {}, "No scalable target registered for service namespace: sagemaker"),
    ],
)
def test_what_the_service_refuses(
    cloud: ServingCloud, endpoint: str, operation: str, fields: dict[str, Any], says: str
) -> None:
    bounds = {"MinCapacity": 1, "MaxCapacity": 2} if operation.startswith("register") else {}
    api = cloud.client("application-autoscaling")
    with pytest.raises(ClientError, match=says):
        getattr(api, operation)(**{**place(endpoint), **bounds, **fields})


@pytest.mark.parametrize(
    ("fields", "says"),
    [
        ({"PolicyType": "PredictiveScaling"}, "The policy type PredictiveScaling is not emulated"),
        ({"PolicyType": "TargetTrackingScaling"}, "must have TargetTrackingScalingPolicyConfiguration"),
        ({"StepScalingPolicyConfiguration": {}}, "must have an AdjustmentType and at least one StepAdjustment"),
        (
            {
                "PolicyType": "TargetTrackingScaling",
                "TargetTrackingScalingPolicyConfiguration": {
                    "TargetValue": 1,
                    "PredefinedMetricSpecification": {"PredefinedMetricType": "ECSServiceAverageCPUUtilization"},
                },
            },
            "The predefined metric ECSServiceAverageCPUUtilization is not emulated",
        ),
    ],
)
def test_what_is_no_policy_is_refused(cloud: ServingCloud, endpoint: str, fields: dict[str, Any], says: str) -> None:
    api = cloud.client("application-autoscaling")
    api.register_scalable_target(**place(endpoint), MinCapacity=1, MaxCapacity=1)
    with pytest.raises(ClientError, match=says):
        api.put_scaling_policy(**place(endpoint), PolicyName="p", **fields)
    api.deregister_scalable_target(**place(endpoint))
