"""How variants scale: targets, steps upwards and downwards, and the way back from zero."""

from typing import Any

import pytest

from shardyard.spec.endpoints.endpoint import EndpointSpec
from shardyard.spec.errors import SpecError
from shardyard.spec.requests.endpoint_scaling import step_policies, target, target_policy
from tests.support.spec.endpoints import endpoint

NAME = "vision-dev-digits"


def scaled(kind: str = "realtime", **scaling: Any) -> Any:
    return endpoint(kind=kind, variants={"main": {"scaling": {"most": 4, **scaling}}})


def scheduled(name: str, schedule: dict[str, str]) -> EndpointSpec:
    schedules = {name: {"least": 1, "most": 2, **schedule}}
    return endpoint(variants={"main": {"scaling": {"most": 3, "schedules": schedules}}})


def adjustments(**steps: Any) -> list[tuple[Any, Any, int]]:
    """Lower bound, upper bound and change of each step, relative to the threshold."""
    given = {"metric": "cpu", "threshold": 50, **steps}
    (one,) = step_policies(scaled(steps=given), "main", NAME)
    found = one.policy["StepScalingPolicyConfiguration"]["StepAdjustments"]
    bounds = ("MetricIntervalLowerBound", "MetricIntervalUpperBound")
    return [(*(step.get(bound) for bound in bounds), step["ScalingAdjustment"]) for step in found]


def test_steps_upwards_cover_everything_above_the_threshold() -> None:
    changes = [{"beyond": 0, "add": 1}, {"beyond": 15, "add": 3}]
    assert adjustments(changes=changes) == [(0, 15, 1), (15, None, 3)]


def test_steps_downwards_cover_everything_below_it() -> None:
    changes = [{"beyond": 0, "add": -1}, {"beyond": 20, "add": -2}]
    assert adjustments(changes=changes, below=True) == [(-20, 0, -1), (None, -20, -2)]


@pytest.mark.parametrize(("kind", "key"), [("realtime", "invocations"), ("realtime", "concurrency")])
def test_a_target_is_one_of_the_service_s_own_metrics(kind: str, key: str) -> None:
    policy = target_policy(scaled(kind, **{key: 70}).scaled["main"], NAME)
    assert policy is not None
    tracking = policy["TargetTrackingScalingPolicyConfiguration"]
    assert tracking["TargetValue"] == 70 and "PredefinedMetricSpecification" in tracking


def test_a_queue_is_tracked_by_the_backlog_of_each_instance_and_woken_by_a_step() -> None:
    spec = scaled("asynchronous", backlog=5, least=0)
    policy = target_policy(spec.scaled["main"], NAME)
    assert policy is not None
    metric = policy["TargetTrackingScalingPolicyConfiguration"]["CustomizedMetricSpecification"]
    assert metric["MetricName"] == "ApproximateBacklogSizePerInstance"
    (wake,) = step_policies(spec, "main", NAME)
    assert wake.alarm["MetricName"] == "HasBacklogWithoutCapacity"
    assert target(spec, "main", NAME)["MinCapacity"] == 0


def test_a_queue_that_keeps_an_instance_needs_no_waking() -> None:
    assert list(step_policies(scaled("asynchronous", backlog=5), "main", NAME)) == []


def test_a_serverless_variant_scales_what_is_kept_warm() -> None:
    one = {"instance_type": None, "serverless": {"provisioned": 1}, "scaling": {"most": 4, "utilization": 0.7}}
    scalable = target(endpoint(kind="serverless", variants={"main": one}), "main", NAME)
    assert scalable["ScalableDimension"] == "sagemaker:variant:DesiredProvisionedConcurrency"
    assert scalable["ResourceId"] == f"endpoint/{NAME}/variant/main"


@pytest.mark.parametrize(
    ("schedule", "says"),
    [
        ({"at": "rate(0 days)"}, "at: 'rate(0 days)' is not allowed"),
        ({"at": "rate(1 days)"}, "at: 'rate(1 days)' is not allowed"),
        ({"at": "at(2026-99-01T08:00:00)"}, "there is no such time"),
        ({"at": "cron(0 8 ? * MON-FRI)"}, "six fields"),
        ({"at": "cron(0 8 * * MON-FRI *)"}, "exactly one of the day of the month and the day of the week is ?"),
        ({"at": "rate(1 day)", "timezone": "Mars/Base"}, "timezone: 'Mars/Base' is no time zone"),
    ],
)
def test_a_schedule_that_a_deploy_would_refuse_is_refused_before(schedule: dict[str, str], says: str) -> None:
    """The embedded cloud refuses each of them as well, in the middle of the deploy."""
    with pytest.raises(SpecError) as error:
        scheduled("morning", schedule)
    (problem,) = error.value.problems
    assert str(problem).startswith("variants.main.scaling.schedules.morning.") and says in str(problem)
    assert scheduled("morning", {"at": "cron(0 8 ? * MON-FRI *)", "timezone": "Europe/Berlin"})


@pytest.mark.parametrize("name", ["", "a:b", "a/b", "a|b", " a", "a ", "a\nb", "x" * 257])
def test_the_name_of_a_schedule_is_one_of_the_service(name: str) -> None:
    with pytest.raises(SpecError, match="is not allowed as a name"):
        scheduled(name, {"at": "rate(1 day)"})


def test_a_step_policy_has_no_more_steps_than_the_quota() -> None:
    def steps(count: int) -> EndpointSpec:
        changes = [{"beyond": number, "add": 1} for number in range(count)]
        return endpoint(
            variants={"main": {"scaling": {"most": 3, "steps": {"metric": "cpu", "threshold": 1, "changes": changes}}}}
        )

    assert steps(20)
    with pytest.raises(SpecError, match=r"changes: 21 are not allowed \(20 or fewer\)"):
        steps(21)
