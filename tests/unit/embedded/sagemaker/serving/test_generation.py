"""Who gets a request, without containers: weights within 3 sigma, and strategies."""

import math
from collections import Counter
from types import SimpleNamespace
from typing import Any, cast

import pytest

from embedded.operations import Call
from embedded.services.sagemaker.serving.containers.http import Answer
from embedded.services.sagemaker.serving.endpoints import store
from embedded.services.sagemaker.serving.endpoints.endpoint import Endpoint
from embedded.services.sagemaker.serving.fleets.generation import Generation
from embedded.services.sagemaker.serving.fleets.plan import FleetPlan
from embedded.services.sagemaker.serving.invocations import errors, realtime, routing
from embedded.services.sagemaker.serving.invocations.request import Inference

DRAWS = 20_000
ANY = Inference(body=b"", headers={}, variant=None, model=None, container=None, inference_id=None)


def plan(name: str, weight: float, **variant: Any) -> FleetPlan:
    return FleetPlan(
        account="1",
        region="r",
        endpoint="e",
        config="c",
        variant={"VariantName": name, "InitialVariantWeight": weight, "InitialInstanceCount": 2, **variant},
        model={},
        definitions=[{"Image": "i"}],
    )


def generation(config: str, *plans: FleetPlan) -> Generation:
    return Generation(config, {}, plans, (), cast(Any, None))


def within_3_sigma(count: int, share: float) -> bool:
    return abs(count - DRAWS * share) <= 3 * math.sqrt(DRAWS * share * (1 - share))


def test_traffic_follows_the_weights_within_3_sigma() -> None:
    made = generation("c", plan("a", 1), plan("b", 3), plan("none", 0))
    found = Counter(cast(Any, made.choose(None)).plan.name for _ in range(DRAWS))
    assert set(found) == {"a", "b"} and within_3_sigma(found["a"], 0.25), found
    made.weights = {"a": 0.0, "b": 0.0, "none": 0.0}
    assert made.choose(None) is None and made.choose("a") is made.fleets["a"]


def test_traffic_follows_a_deployments_shares_within_3_sigma() -> None:
    endpoint = Endpoint("1", "r", "e", "old", {})
    old, new = generation("old", plan("a", 1), plan("gone", 1)), generation("new", plan("a", 1))
    endpoint.route((0.9, old), (0.1, new))
    found = Counter(routing.choose(endpoint, ANY)[0].config for _ in range(DRAWS))
    assert within_3_sigma(found["new"], 0.1), found
    asked = Inference(body=b"", headers={}, variant="gone", model=None, container=None, inference_id=None)
    assert {routing.choose(endpoint, asked)[1].plan.name for _ in range(100)} == {"gone"}


@pytest.mark.parametrize(
    ("strategy", "busy", "chosen"),
    [
        ("RANDOM", [3, 0, 0], {0, 1, 2}),
        ("LEAST_OUTSTANDING_REQUESTS", [3, 0, 0], {1, 2}),
        ("LEAST_OUTSTANDING_REQUESTS", [1, 2, 3], {0}),
    ],
)
def test_a_strategy_chooses_among_the_instances_that_are_well(strategy: str, busy: list[int], chosen: set[int]) -> None:
    made = generation("c", plan("a", 1, RoutingConfig={"RoutingStrategy": strategy})).fleets["a"]
    members = [SimpleNamespace(state="well", outstanding=count, id=number) for number, count in enumerate(busy)]
    made.members = [*cast(Any, members), cast(Any, SimpleNamespace(state="sick", outstanding=0, id=9))]
    assert {cast(Any, made.pick()).id for _ in range(200)} == chosen
    assert made.pick(made.members[:3]) is None


def test_a_request_whose_fleet_goes_under_it_is_given_to_the_next_one(monkeypatch: pytest.MonkeyPatch) -> None:
    endpoint = Endpoint("1", "r", "e", "old", {})
    old, new = generation("old", plan("a", 1)), generation("new", plan("a", 1))
    endpoint.route((1.0, old))
    endpoint.status = "Updating"
    monkeypatch.setattr(store, "find", lambda *key: endpoint)

    def infer(endpoint: Endpoint, fleet: Any, inference: Inference, began: float) -> Answer:
        if fleet is old.fleets["a"]:
            endpoint.route((1.0, new))
            raise errors.Nobody("a")
        return Answer(status=200, headers={}, body=b"from the new one")

    monkeypatch.setattr(realtime, "infer", infer)
    call = Call(account="1", region="r", principal="")
    assert realtime.invoke_endpoint(call, {"EndpointName": "e", "Body": b"1"})["Body"] == b"from the new one"
    monkeypatch.setattr(realtime, "infer", lambda *_: (_ for _ in ()).throw(errors.Nobody("a")))
    with pytest.raises(errors.Nobody):
        realtime.invoke_endpoint(call, {"EndpointName": "e", "Body": b"1"})
