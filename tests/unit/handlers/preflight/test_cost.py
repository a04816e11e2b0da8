"""Preflight on cost: the worst case against both caps, and where prices come from."""

from shardyard.handlers.launch.preflight.index import preflight
from tests.support.fakes.fake_aws import STARTED, FakeAws
from tests.support.launches import preflight_event, tiny
from tests.support.preflights import launch, refused


def test_the_dearest_case_is_held_against_both_caps(aws: FakeAws) -> None:
    cost = launch(aws)["cost"]
    assert (cost["worst_case_usd"], cost["source"]) == (4.0, "Pricing API, 2026-11-21")
    event = preflight_event(tiny()) | {"project_cap_usd": 3.0}
    said = refused(preflight(event, aws, STARTED))
    assert said.startswith(
        "cost: the worst case is 4.00 USD and the project's cap (training.cap_usd) is 3.00 USD: 2 x ml.g5.xlarge"
    )


def test_without_the_pricing_api_the_snapshot_is_named(aws: FakeAws) -> None:
    aws.prices = {}
    assert launch(aws)["cost"]["source"].startswith("snapshot of ")


def test_a_cap_that_cannot_be_checked_lets_nothing_pass(aws: FakeAws) -> None:
    kind = {"instance_type": "ml.p5en.48xlarge", "count": 1}
    assert refused(launch(aws, compute=kind)) == (
        "cost: no price is known for ml.p5en.48xlarge in us-east-1 (neither the Pricing API nor the snapshot of "
        "2026-09-01 has one), so the project's cap (training.cap_usd) of 500.00 USD cannot be checked; set its "
        'hourly price in jobs/tiny.toml and deploy: [cost] hourly_usd = { "ml.p5en.48xlarge" = ... }'
    )
    fallback = {"instance_type": "ml.g5.xlarge", "fallback": [{"instance_type": "ml.p5en.48xlarge"}]}
    assert "the job's cap (cost.cap_usd) of 9.00 USD" in refused(launch(aws, compute=fallback, cost={"cap_usd": 9}))


def test_a_price_of_the_job_s_own_is_for_a_type_that_has_none(aws: FakeAws) -> None:
    prices = {"ml.p5en.48xlarge": 60, "ml.g5.xlarge": 0.01}
    kind = {"instance_type": "ml.p5en.48xlarge", "count": 2}
    cost = launch(aws, compute=kind, cost={"hourly_usd": prices})["cost"]
    assert (cost["worst_case_usd"], cost["source"]) == (120.0, "cost.hourly_usd of the job's file")
    assert cost["hourly_usd"]["ml.p5en.48xlarge"] == 60
    assert launch(aws, cost={"hourly_usd": prices})["cost"]["worst_case_usd"] == 4.0
    dear = refused(launch(aws, compute=kind, cost={"hourly_usd": {"ml.p5en.48xlarge": 251}}))
    assert dear.startswith("cost: the worst case is 502.00 USD and the project's cap")
