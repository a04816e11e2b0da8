"""The alarms of an endpoint: of a deployment's new fleet those that roll back, of the endpoint those that tell."""

from typing import Any

from shardyard.spec.requests.endpoint_alarms import alarms_of, rollback_names
from tests.support.spec.endpoints import endpoint

NAME = "vision-dev-digits"
BOTH = {"latency_p99_ms": 300, "errors_5xx_percent": 2}


def dimensions(alarm: Any) -> dict[str, str]:
    return {one["Name"]: one["Value"] for one in alarm.properties["Dimensions"]}


def test_what_rolls_back_looks_at_the_new_configuration_alone() -> None:
    spec = endpoint(alarms=BOTH)
    found = list(alarms_of(spec, NAME, "new-config"))
    rolling = [one for one in found if one.rolls_back]
    assert [one.name for one in rolling] == rollback_names(spec, NAME)
    assert len(rolling) == 2 and len(found) == 4
    for one in rolling:
        wanted = {"EndpointName": NAME, "VariantName": "main", "EndpointConfigName": "new-config"}
        assert dimensions(one) == wanted
    assert all("EndpointConfigName" not in dimensions(one) for one in found if not one.rolls_back)


def test_thresholds_are_in_the_metrics_own_units() -> None:
    found = {one.properties["MetricName"]: one.properties for one in alarms_of(endpoint(alarms=BOTH), NAME, "c")}
    latency, errors = found["ModelLatency"], found["Invocation5XXErrors"]
    assert (latency["Threshold"], latency["ExtendedStatistic"]) == (300_000, "p99"), "microseconds"
    assert (errors["Threshold"], errors["Statistic"]) == (0.02, "Average"), "the share of requests"


def test_every_variant_that_answers_has_its_own_alarms_and_a_shadow_none() -> None:
    spec = endpoint(
        alarms={"errors_5xx_percent": 1}, variants={"new": {"instance_type": "ml.m5.large", "shadow": True}}
    )
    assert rollback_names(spec, NAME) == [f"{NAME}-main-new-errors"]
    two = endpoint(
        alarms={"errors_5xx_percent": 1, "names": ["team"]}, variants={"b": {"instance_type": "ml.m5.large"}}
    )
    assert rollback_names(two, NAME) == [f"{NAME}-main-new-errors", f"{NAME}-b-new-errors", "team"]
    assert len({one.construct_id for one in alarms_of(two, NAME, "c")}) == 4


def test_what_only_tells_never_rolls_back() -> None:
    spec = endpoint(kind="asynchronous", alarms={"cpu_percent": 90, "backlog": "5m"})
    found = list(alarms_of(spec, NAME, "c"))
    assert [one.rolls_back for one in found] == [False, False]
    waiting = found[1]
    assert dimensions(waiting) == {"EndpointName": NAME}, "the queue is the endpoint's, not a variant's"
    # published with the endpoint's name alone, and while the queue stands still; TimeInBacklog is neither
    assert waiting.properties["MetricName"] == "ApproximateAgeOfOldestRequest"
    assert waiting.properties["Threshold"] == 300, "seconds"
