"""UpdateEndpoint under its policies: traffic that moves, bakes, alarms, rollbacks, and no request lost on the way."""

import time
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.support.clouds.endpoint_traffic import alarm, traffic
from tests.support.clouds.serving_cloud import ServingCloud, variant
from tests.support.clouds.training_cloud import wait_until


@pytest.fixture(scope="module", autouse=True)
def fast(cloud: ServingCloud) -> None:
    cloud.admin("clock", rate=60)


def blue_green(kind: str, wait: int = 60, **fields: Any) -> dict[str, Any]:
    routing = {"Type": kind, "WaitIntervalInSeconds": wait, **fields}
    return {"BlueGreenUpdatePolicy": {"TrafficRoutingConfiguration": routing, "TerminationWaitInSeconds": 30}}


def percent(value: int) -> dict[str, Any]:
    return {"Type": "CAPACITY_PERCENT", "Value": value}


POLICIES = {
    "plain": None,
    "at-once": blue_green("ALL_AT_ONCE"),
    "canary": blue_green("CANARY", CanarySize=percent(50)),
    "linear": blue_green("LINEAR", LinearStepSize=percent(50)),
    "rolling": {"RollingUpdatePolicy": {"MaximumBatchSize": percent(50), "WaitIntervalInSeconds": 60}},
}


@pytest.fixture(scope="module")
def two(cloud: ServingCloud) -> str:
    """An endpoint of two instances."""
    assert cloud.serve("live", cloud.simple("start", count=2))["EndpointStatus"] == "InService"
    return "live"


QUICK = ("plain", "canary")


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=() if name in QUICK else pytest.mark.slow) for name in POLICIES]
)
def test_traffic_moves_to_the_new_fleet_and_no_request_is_lost(cloud: ServingCloud, two: str, name: str) -> None:
    sagemaker, policy = cloud.client("sagemaker"), POLICIES[name]
    before = cloud.describe_endpoint(two)["EndpointConfigName"]
    cloud.simple(name, count=2)
    statuses: list[str] = []
    with traffic(cloud, two) as made:
        given = {} if policy is None else {"DeploymentConfig": policy}
        sagemaker.update_endpoint(EndpointName=two, EndpointConfigName=name, **given)
        said = cloud.describe_endpoint(two)
        assert said["EndpointStatus"] == "Updating"
        with pytest.raises(ClientError, match="Cannot update in-progress endpoint"):
            sagemaker.update_endpoint(EndpointName=two, EndpointConfigName="start")
        while said["EndpointStatus"] == "Updating":
            pending = said.get("PendingDeploymentSummary")
            statuses += [] if pending is None else [pending["ProductionVariants"][0]["VariantStatus"][0]["Status"]]
            time.sleep(0.05)
            said = cloud.describe_endpoint(two)
    assert (said["EndpointStatus"], said["EndpointConfigName"]) == ("InService", name)
    assert said["ProductionVariants"][0]["CurrentInstanceCount"] == 2 and "PendingDeploymentSummary" not in said
    assert said.get("LastDeploymentConfig") == policy
    assert made.errors == []
    assert set(made.answers) == {f"{before}:1", f"{name}:1"} and sum(made.answers.values()) > 20
    assert statuses[0] == "Creating" and (policy is None or "Baking" in statuses)
    assert cloud.invoke(two, "1") == f"{name}:1"


@pytest.mark.parametrize("name", ["canary", pytest.param("rolling", marks=pytest.mark.slow)])
def test_an_alarm_of_the_new_fleet_rolls_back_before_the_bake_ends(cloud: ServingCloud, two: str, name: str) -> None:
    before, bad = cloud.describe_endpoint(two)["EndpointConfigName"], f"bad-{name}"
    cloud.simple(bad, count=2, BROKEN="yes")
    policy = {**blue_green("CANARY", 1200, CanarySize=percent(50)), **alarm(cloud, f"errors-{name}", two, bad)}
    if name == "rolling":
        rolling = {"MaximumBatchSize": percent(50), "WaitIntervalInSeconds": 1200}
        policy = {"RollingUpdatePolicy": rolling, **alarm(cloud, f"errors-{name}", two, bad)}
    began = time.monotonic()
    with traffic(cloud, two) as made:
        cloud.client("sagemaker").update_endpoint(EndpointName=two, EndpointConfigName=bad, DeploymentConfig=policy)
        said = cloud.settled(two)
    assert time.monotonic() - began < 20, "the bake of 20 minutes would have ended after 20 s"
    assert (said["EndpointStatus"], said["EndpointConfigName"]) == ("InService", before)
    assert "FailureReason" not in said and said["ProductionVariants"][0]["CurrentInstanceCount"] == 2
    assert made.answers[f"{before}:1"] and made.errors and all("ModelError" in one for one in made.errors)
    assert {cloud.invoke(two, "1") for _ in range(20)} == {f"{before}:1"}


def test_a_fleet_that_is_never_well_changes_nothing(cloud: ServingCloud, two: str) -> None:
    before = cloud.describe_endpoint(two)["EndpointConfigName"]
    cloud.simple("crashes", CRASHES="yes")
    cloud.client("sagemaker").update_endpoint(EndpointName=two, EndpointConfigName="crashes")
    said = cloud.settled(two)
    assert (said["EndpointStatus"], said["EndpointConfigName"]) == ("InService", before)
    history = [one["what"] for one in cloud.admin("endpoints", name=two)["endpoints"][0]["history"]]
    assert any("rolling back" in line and "cannot read the weights" in line for line in history)


def test_weights_and_counts_change_while_it_serves_and_an_update_keeps_them_if_asked(cloud: ServingCloud) -> None:
    sagemaker = cloud.client("sagemaker")
    cloud.config("ab", variant("main", cloud.model("ab-a", "a")), variant("other", cloud.model("ab-b", "b")))
    cloud.serve("ab", "ab")
    wanted = [
        {"VariantName": "main", "DesiredWeight": 9.0, "DesiredInstanceCount": 2},
        {"VariantName": "other", "DesiredWeight": 0.0},
    ]
    sagemaker.update_endpoint_weights_and_capacities(EndpointName="ab", DesiredWeightsAndCapacities=wanted)
    assert cloud.describe_endpoint("ab")["EndpointStatus"] == "Updating"
    said = cloud.settled("ab")["ProductionVariants"]
    assert [(one["CurrentInstanceCount"], one["CurrentWeight"]) for one in said] == [(2, 9.0), (1, 0.0)]
    assert {cloud.invoke("ab") for _ in range(20)} == {"a:1"}
    with pytest.raises(ClientError, match="only an asynchronous endpoint can have no instances"):
        none = [{"VariantName": "main", "DesiredInstanceCount": 0}]
        sagemaker.update_endpoint_weights_and_capacities(EndpointName="ab", DesiredWeightsAndCapacities=none)
    cloud.config("ab2", variant("main", "ab-a"), variant("other", "ab-b"))
    sagemaker.update_endpoint(EndpointName="ab", EndpointConfigName="ab2", RetainAllVariantProperties=True)
    said = cloud.settled("ab")["ProductionVariants"]
    assert [(one["DesiredInstanceCount"], one["CurrentWeight"]) for one in said] == [(2, 9.0), (1, 0.0)]
    sagemaker.update_endpoint(EndpointName="ab", EndpointConfigName="ab")
    said = cloud.settled("ab")["ProductionVariants"]
    assert [(one["DesiredInstanceCount"], one["CurrentWeight"]) for one in said] == [(1, 1.0), (1, 1.0)]


def test_events_tell_of_each_status(cloud: ServingCloud, two: str) -> None:
    queue = cloud.client("sqs").create_queue(QueueName="told")["QueueUrl"]
    arn = f"arn:aws:sqs:us-east-1:123456789012:{queue.rpartition('/')[2]}"
    policy = {"Effect": "Allow", "Principal": {"Service": "events.amazonaws.com"}, "Action": "sqs:SendMessage"}
    cloud.allow(queue, policy | {"Resource": arn})
    events = cloud.client("events")
    events.put_rule(Name="told", EventPattern='{"source": ["aws.sagemaker"]}')
    events.put_targets(Rule="told", Targets=[{"Id": "q", "Arn": arn}])
    cloud.simple("told")
    cloud.admin("weather", training_events="doubled")
    cloud.client("sagemaker").update_endpoint(EndpointName=two, EndpointConfigName="told")
    cloud.settled(two)
    found: list[tuple[str, str]] = []

    def all_there() -> bool:
        found.extend(cloud.received(queue))
        return ("SageMaker Endpoint State Change", "IN_SERVICE") in found

    wait_until(all_there, 20, "the event of the end")
    cloud.admin("weather", preset="fair")
    assert found.count(("SageMaker Endpoint State Change", "UPDATING")) == 2, "a consumer must bear it"
    assert ("SageMaker Endpoint Deployment State Change", "UPDATING") in found
