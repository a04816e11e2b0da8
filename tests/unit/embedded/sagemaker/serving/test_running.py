"""Deployments over fleets that are only counted: steps, rollbacks, what is retained, what scaling forbids."""

from collections.abc import Callable, Mapping
from types import SimpleNamespace
from typing import Any, cast

import pytest

from embedded import clock
from embedded.operations import ServiceError
from embedded.services.sagemaker.serving.containers.container import NotWell
from embedded.services.sagemaker.serving.deployments import alarms, retained, running, scaled
from embedded.services.sagemaker.serving.deployments.policy import Policy, Size
from embedded.services.sagemaker.serving.deployments.running import Deployment
from embedded.services.sagemaker.serving.endpoints.endpoint import Endpoint
from embedded.services.sagemaker.serving.fleets.generation import Generation
from embedded.services.sagemaker.serving.fleets.plan import FleetPlan


class Counted:
    """A fleet without containers."""

    def __init__(self, plan: FleetPlan, *, fails: bool = False) -> None:
        self.plan, self.count, self.fails = plan, 0, fails
        self.most = 0

    def grow(self, count: int, check: Callable[[], None] = lambda: None) -> None:
        check()
        if self.fails:
            raise NotWell("no capacity")
        self.count += count
        self.most = max(self.most, self.count)

    def shrink(self, count: int) -> None:
        self.count = max(0, self.count - count)

    def stop(self) -> None:
        self.count = 0


def generation(config: str, counts: Mapping[str, int], *, fails: bool = False, kind: str = "ml.m5.large") -> Generation:
    plans = [
        FleetPlan(
            account="1",
            region="r",
            endpoint="e",
            config=config,
            variant={
                "VariantName": name,
                "InitialVariantWeight": 1.0,
                "InitialInstanceCount": count,
                "InstanceType": kind,
            },
            model={},
            definitions=[{"Image": "i"}],
        )
        for name, count in counts.items()
    ]
    made = Generation(config, {}, plans, (), cast(Any, None))
    made.fleets = {plan.name: cast(Any, Counted(plan, fails=fails)) for plan in plans}
    return made


@pytest.fixture
def endpoint(monkeypatch: pytest.MonkeyPatch) -> Endpoint:
    """In service with four instances of `a` and one of `b`."""
    monkeypatch.setattr(alarms, "tripped", lambda *_: [])
    monkeypatch.setattr(running.announcements, "status_changed", lambda _: None)
    monkeypatch.setattr(running.announcements, "deployment_changed", lambda _: None)
    made, blue = Endpoint("1", "r", "e", "blue", {}), generation("blue", {"a": 4, "b": 1})
    blue.start(blue.desired, lambda: None)
    made.route((1.0, blue))
    made.status = "Updating"
    return made


def counts(found: Generation) -> dict[str, int]:
    return {name: fleet.count for name, fleet in found.fleets.items()}


def traffic(endpoint: Endpoint) -> list[str]:
    return [one.what.removeprefix("traffic: ") for one in endpoint.history if one.what.startswith("traffic: ")][1:]


HALF = Size(kind="CAPACITY_PERCENT", value=50)


def test_a_linear_deployment_moves_all_of_the_traffic_in_steps(endpoint: Endpoint) -> None:
    green = generation("green", {"a": 4})
    Deployment(endpoint, green, Policy(kind="LINEAR", size=HALF)).run()
    assert traffic(endpoint) == ["50 % to blue, 50 % to green", "100 % to green", "100 % to green"]
    assert (endpoint.status, endpoint.config, endpoint.pending) == ("InService", "green", None)
    assert counts(green) == {"a": 4}


def test_a_rolling_deployment_replaces_batch_by_batch_and_is_never_much_larger(endpoint: Endpoint) -> None:
    blue, green = endpoint.routes[0][1], generation("green", {"a": 4, "b": 1})
    Deployment(endpoint, green, Policy(kind="ROLLING", size=HALF)).run()
    assert traffic(endpoint)[0] == "40 % to blue, 60 % to green"
    assert counts(green) == {"a": 4, "b": 1} and counts(blue) == {"a": 0, "b": 0}
    assert (endpoint.status, endpoint.config) == ("InService", "green")


@pytest.mark.parametrize("back", [None, Size(kind="INSTANCE_COUNT", value=1)])
def test_a_rolling_deployment_gives_back_what_it_took(
    endpoint: Endpoint, back: Size | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    blue, green = endpoint.routes[0][1], generation("green", {"a": 4, "b": 1})
    monkeypatch.setattr(alarms, "tripped", lambda *_: ["errors"] if counts(blue)["a"] < 4 else [])
    Deployment(endpoint, green, Policy(kind="ROLLING", size=HALF, alarms=("errors",), rollback_size=back)).run()
    assert counts(blue) == {"a": 4, "b": 1} and counts(green) == {"a": 0, "b": 0}
    assert (endpoint.status, endpoint.config, endpoint.failure_reason) == ("InService", "blue", None)
    assert traffic(endpoint)[-1] == "100 % to blue"
    assert "rolling back: in ALARM: errors" in [one.what for one in endpoint.history]


def test_a_deployment_that_takes_too_long_is_rolled_back(endpoint: Endpoint) -> None:
    clock.set_rate(1000)
    try:
        policy = Policy(kind="CANARY", size=HALF, wait_seconds=300, limit_seconds=600)
        green = generation("green", {"a": 4})
        green.fleets["a"].grow = lambda count, check=None: clock.sleep(400)  # type: ignore[method-assign]
        Deployment(endpoint, green, policy).run()
    finally:
        clock.set_rate(1)
    assert endpoint.config == "blue"
    said = [one.what for one in endpoint.history]
    assert "rolling back: MaximumExecutionTimeoutInSeconds of 600 has passed" in said


def test_what_cannot_come_back_leaves_an_endpoint_that_says_so(
    endpoint: Endpoint, monkeypatch: pytest.MonkeyPatch
) -> None:
    blue, green = endpoint.routes[0][1], generation("green", {"a": 4, "b": 1})
    for fleet in blue.fleets.values():
        cast(Any, fleet).fails = True
    monkeypatch.setattr(alarms, "tripped", lambda *_: ["errors"] if counts(blue)["a"] < 4 else [])
    Deployment(endpoint, green, Policy(kind="ROLLING", size=HALF, alarms=("errors",))).run()
    assert (endpoint.status, endpoint.failure_reason) == ("UpdateRollbackFailed", "no capacity")


def test_a_fleet_that_cannot_start_changes_nothing(endpoint: Endpoint) -> None:
    blue = endpoint.routes[0][1]
    Deployment(endpoint, generation("green", {"a": 4}, fails=True), Policy()).run()
    assert (endpoint.status, endpoint.config) == ("InService", "blue") and counts(blue) == {"a": 4, "b": 1}
    assert traffic(endpoint) == ["100 % to blue"]


def test_an_alarm_that_is_not_there_is_refused_and_one_that_was_deleted_counts(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    states = {"MetricAlarms": [{"AlarmName": "a", "StateValue": "OK"}, {"AlarmName": "b", "StateValue": "ALARM"}]}
    monkeypatch.setattr(alarms, "client", lambda *_: SimpleNamespace(describe_alarms=lambda **_: states))
    assert alarms.tripped("1", "r", ("a", "b", "gone")) == ["b", "gone"]
    alarms.check_known("1", "r", ("a", "b"))
    with pytest.raises(ServiceError, match="Could not find the alarms of AutoRollbackConfiguration: gone"):
        alarms.check_known("1", "r", ("a", "gone"))


def test_what_is_retained_is_what_the_request_says(endpoint: Endpoint) -> None:
    current = endpoint.routes[0][1]
    current.desired["a"], current.weights["a"] = 7, 3.0
    current.request = {"DataCaptureConfig": {"kept": True}}

    def taken(**params: Any) -> Generation:
        made = generation("green", {"a": 1, "c": 1})
        retained.take_over(made, current, params)
        return made

    assert (taken().desired["a"], taken().capture) == (1, None)
    kept = taken(RetainAllVariantProperties=True)
    assert (kept.desired, kept.weights["a"], kept.capture) == ({"a": 7, "c": 1}, 3.0, {"kept": True})
    without = [{"VariantPropertyType": "DesiredWeight"}, {"VariantPropertyType": "DataCaptureConfig"}]
    some = taken(RetainAllVariantProperties=True, ExcludeRetainedVariantProperties=without)
    assert (some.desired["a"], some.weights["a"], some.capture) == (7, 1.0, None)
    with pytest.raises(ServiceError, match="needs RetainAllVariantProperties"):
        taken(ExcludeRetainedVariantProperties=without)


def test_a_scaled_variant_keeps_its_name_and_its_instance_type(
    endpoint: Endpoint, monkeypatch: pytest.MonkeyPatch
) -> None:
    ours = {"ResourceId": "endpoint/e/variant/a", "ScalableDimension": "sagemaker:variant:DesiredInstanceCount"}
    all_targets = {"ScalableTargets": [ours, {"ResourceId": "endpoint/other/variant/a"}]}
    gone: list[str] = []
    api = SimpleNamespace(
        describe_scalable_targets=lambda **_: all_targets,
        deregister_scalable_target=lambda **what: gone.append(what["ResourceId"]),
    )
    monkeypatch.setattr(scaled, "client", lambda *_: api)
    scaled.check_update(endpoint, generation("green", {"a": 1}))
    with pytest.raises(ServiceError, match=r"would change from ml\.m5\.large to ml\.c5\.large"):
        scaled.check_update(endpoint, generation("green", {"a": 1}, kind="ml.c5.large"))
    with pytest.raises(ServiceError, match="the new configuration has no such variant"):
        scaled.check_update(endpoint, generation("green", {"z": 1}))
    scaled.deregister(endpoint)
    assert gone == ["endpoint/e/variant/a"]
