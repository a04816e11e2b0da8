"""How many instances a policy asks for, by the user guide's own rules and examples."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from embedded.services.applicationautoscaling import alarms, decisions
from embedded.services.applicationautoscaling.records import CONCURRENCY, INSTANCES, Policy, Target


@pytest.mark.parametrize(
    ("current", "value", "target", "wanted"),
    [
        (2, 150.0, 100.0, 3),
        (2, 210.0, 100.0, 5),
        (4, 20.0, 100.0, 1),
        (4, 0.0, 100.0, 0),
        (0, 5.0, 1.0, 1),
        (0, 0, 1, 0),
    ],
)
def test_a_tracked_metric_is_brought_to_its_target(current: int, value: float, target: float, wanted: int) -> None:
    assert decisions.tracked(current, value, target) == wanted


@given(current=st.integers(1, 100), value=st.floats(0, 1e4), target=st.floats(0.5, 1e3))
def test_at_the_capacity_asked_for_the_metric_is_no_higher_than_its_target(
    current: int, value: float, target: float
) -> None:
    wanted = decisions.tracked(current, value, target)
    if wanted:
        assert value * current / wanted <= target * (1 + 1e-9)


def steps(kind: str, *adjustments: tuple[float | None, float | None, int], **more: Any) -> dict[str, Any]:
    found = []
    for lower, upper, adjustment in adjustments:
        bounds = {"MetricIntervalLowerBound": lower, "MetricIntervalUpperBound": upper}
        given_bounds = {name: value for name, value in bounds.items() if value is not None}
        found.append({**given_bounds, "ScalingAdjustment": adjustment})
    return {"AdjustmentType": kind, "StepAdjustments": found, **more}


# The user guide's table: out by 0, 10 and 30 percent from the threshold on; a threshold of 50
_OUT = steps("PercentChangeInCapacity", (0, 10, 0), (10, 20, 10), (20, None, 30))
_IN = steps("PercentChangeInCapacity", (-10, 0, 0), (-20, -10, -10), (None, -20, -30))


@pytest.mark.parametrize(
    ("config", "current", "value", "wanted"),
    [
        (_OUT, 10, 55.0, 10),
        (_OUT, 10, 60.0, 11),
        (_OUT, 10, 70.0, 13),
        (_OUT, 3, 60.0, 4),  # 0.3 of an instance is one
        (_IN, 10, 45.0, 10),
        (_IN, 10, 41.0, 10),
        (_IN, 10, 40.0, 9),  # below the threshold the upper bound belongs to a step
        (_IN, 10, 25.0, 7),
        (steps("ChangeInCapacity", (0, None, 2)), 3, 51.0, 5),
        (steps("ChangeInCapacity", (None, 0, -5)), 3, 40.0, 0),
        (steps("ExactCapacity", (0, None, 7)), 3, 51.0, 7),
        (steps("PercentChangeInCapacity", (0, None, 10), MinAdjustmentMagnitude=2), 4, 51.0, 6),
        (steps("ChangeInCapacity", (10, None, 2)), 3, 51.0, None),
    ],
)
def test_a_step_changes_the_capacity(config: dict[str, Any], current: int, value: float, wanted: int | None) -> None:
    assert decisions.stepped(config, current, value, 50.0) == wanted


def test_limits_and_why_nothing_is_scaled() -> None:
    assert [decisions.clamped(wanted, 1, 4) for wanted in (0, 3, 9)] == [1, 3, 4]
    assert decisions.why_not(9, 4, 1, 4) == {"Code": "AlreadyAtMaxCapacity", "MaxCapacity": 4, "CurrentCapacity": 4}
    assert decisions.why_not(0, 1, 1, 4) == {"Code": "AlreadyAtMinCapacity", "MinCapacity": 1, "CurrentCapacity": 1}
    assert decisions.why_not(2, 2, 1, 4) == {"Code": "AlreadyAtDesiredCapacity", "CurrentCapacity": 2}


def test_cooldowns_are_five_minutes_where_a_policy_names_none() -> None:
    assert decisions.cooldowns("TargetTrackingScaling", {}) == (300, 300)
    assert decisions.cooldowns("TargetTrackingScaling", {"ScaleOutCooldown": 0, "ScaleInCooldown": 7}) == (0, 7)
    assert decisions.cooldowns("StepScaling", {"Cooldown": 60}) == (60, 60)
    assert decisions.is_cooling(100.0, 60, 159.0) and not decisions.is_cooling(100.0, 60, 160.0)
    assert not decisions.is_cooling(None, 60, 0.0)


def policy(dimension: str, **config: Any) -> Policy:
    place = {"account": "123456789012", "region": "us-east-1", "resource": "endpoint/digits/variant/main"}
    target = Target(**place, dimension=dimension, minimum=1, maximum=4, role_arn="r")  # type: ignore[arg-type]
    return Policy(name="p", target=target, kind="TargetTrackingScaling", config={"TargetValue": 100.0, **config})


def test_a_tracked_target_has_an_alarm_on_each_side() -> None:
    made = policy(
        INSTANCES, PredefinedMetricSpecification={"PredefinedMetricType": "SageMakerVariantInvocationsPerInstance"}
    )
    high, low = alarms.specs(made)
    assert high["AlarmName"] == f"TargetTracking-endpoint/digits/variant/main-AlarmHigh-{made.id}"
    assert (high["MetricName"], high["Statistic"], high["Period"], high["EvaluationPeriods"]) == (
        "InvocationsPerInstance",
        "Sum",
        60,
        3,
    )
    assert (high["Threshold"], low["Threshold"], low["EvaluationPeriods"]) == (100.0, 90.0, 15)
    assert high["Dimensions"] == [
        {"Name": "EndpointName", "Value": "digits"},
        {"Name": "VariantName", "Value": "main"},
    ]
    assert high["AlarmActions"] == low["AlarmActions"] == [made.arn]


def test_requests_under_way_add_capacity_within_seconds_and_take_it_away_as_slowly_as_ever() -> None:
    kind = "SageMakerVariantConcurrentRequestsPerModelHighResolution"
    high, low = alarms.specs(policy(INSTANCES, PredefinedMetricSpecification={"PredefinedMetricType": kind}))
    assert (high["MetricName"], high["Statistic"]) == ("ConcurrentRequestsPerModel", "Average")
    assert (high["Period"], high["EvaluationPeriods"]) == (10, 3)
    assert (low["MetricName"], low["Period"], low["EvaluationPeriods"]) == ("ConcurrentRequestsPerModel", 60, 15)


def test_without_scaling_in_there_is_no_lower_alarm_and_a_metric_of_ones_own_is_taken_as_it_is() -> None:
    own = {"MetricName": "Backlog", "Namespace": "Own", "Statistic": "Average", "Dimensions": []}
    (high,) = alarms.specs(policy(CONCURRENCY, CustomizedMetricSpecification=own, DisableScaleIn=True))
    assert (high["Namespace"], high["MetricName"], high["Statistic"]) == ("Own", "Backlog", "Average")
