"""Deployment policies as pure functions: what is refused, and the steps of what is not."""

from typing import Any

import pytest

from embedded.operations import ServiceError
from embedded.services.sagemaker.serving.deployments.policy import (
    Policy,
    Size,
    batches,
    check_against_fleet,
    read,
    shares,
)


def percent(value: int) -> Size:
    return Size(kind="CAPACITY_PERCENT", value=value)


def instances(value: int) -> Size:
    return Size(kind="INSTANCE_COUNT", value=value)


@pytest.mark.parametrize(
    ("policy", "total", "steps"),
    [
        (Policy(), 3, [1.0]),
        (Policy(kind="CANARY", size=percent(10)), 3, [0.1, 1.0]),
        (Policy(kind="CANARY", size=instances(1)), 4, [0.25, 1.0]),
        (Policy(kind="CANARY", size=instances(1)), 1, [1.0]),
        (Policy(kind="LINEAR", size=percent(50)), 2, [0.5, 1.0]),
        (Policy(kind="LINEAR", size=percent(30)), 2, [0.3, 0.6, pytest.approx(0.9), 1.0]),
        (Policy(kind="LINEAR", size=percent(10)), 2, [pytest.approx(n / 10) for n in range(1, 10)] + [1.0]),
        (Policy(kind="LINEAR", size=instances(1)), 3, [pytest.approx(1 / 3), pytest.approx(2 / 3), 1.0]),
    ],
)
def test_the_shares_of_the_new_fleet_step_by_step(policy: Policy, total: int, steps: list[float]) -> None:
    assert shares(policy, total) == steps


@pytest.mark.parametrize(
    ("size", "counts", "found"),
    [
        (None, {"a": 3}, [{"a": 3}]),
        (percent(50), {"a": 3}, [{"a": 1}, {"a": 1}, {"a": 1}]),
        (instances(2), {"a": 3}, [{"a": 2}, {"a": 1}]),
        (percent(50), {"a": 4, "b": 1}, [{"a": 2, "b": 1}, {"a": 2, "b": 0}]),
        (percent(5), {"a": 2}, [{"a": 1}, {"a": 1}]),
    ],
)
def test_batches_replace_every_instance_once(
    size: Size | None, counts: dict[str, int], found: list[dict[str, int]]
) -> None:
    assert batches(size, counts) == found
    assert {name: sum(batch[name] for batch in found) for name in counts} == counts


CANARY = {"Type": "CANARY", "WaitIntervalInSeconds": 300, "CanarySize": {"Type": "CAPACITY_PERCENT", "Value": 60}}
WITHOUT = {"Type": "LINEAR", "WaitIntervalInSeconds": 300}
BATCH = {"Type": "CAPACITY_PERCENT", "Value": 4}


@pytest.mark.parametrize(
    ("config", "said"),
    [
        ({"BlueGreenUpdatePolicy": {"TrafficRoutingConfiguration": CANARY}}, "from 1 to 50 percent"),
        ({"BlueGreenUpdatePolicy": {"TrafficRoutingConfiguration": WITHOUT}}, "LINEAR needs LinearStepSize"),
        ({"RollingUpdatePolicy": {"MaximumBatchSize": BATCH, "WaitIntervalInSeconds": 1}}, "from 5 to 50 percent"),
        (
            {
                "BlueGreenUpdatePolicy": {
                    "TrafficRoutingConfiguration": {"Type": "ALL_AT_ONCE", "WaitIntervalInSeconds": 500},
                    "TerminationWaitInSeconds": 200,
                    "MaximumExecutionTimeoutInSeconds": 600,
                }
            },
            "must be larger than the total waiting time of 700 seconds",
        ),
    ],
)
def test_a_policy_that_the_service_refuses_is_refused(config: dict[str, Any], said: str) -> None:
    with pytest.raises(ServiceError, match=said):
        read(config)


def test_a_policy_is_read_with_its_alarms() -> None:
    rolling = {"MaximumBatchSize": {"Type": "INSTANCE_COUNT", "Value": 1}, "WaitIntervalInSeconds": 5}
    alarms = {"Alarms": [{"AlarmName": "a"}, {"AlarmName": "b"}]}
    found = read({"RollingUpdatePolicy": rolling, "AutoRollbackConfiguration": alarms})
    assert found == Policy(kind="ROLLING", size=instances(1), wait_seconds=5, alarms=("a", "b"))
    with pytest.raises(ServiceError, match="more than half of the fleet of 4"):
        check_against_fleet(Policy(kind="CANARY", size=instances(3)), 4)
