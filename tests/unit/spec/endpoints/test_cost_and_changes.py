"""What a month costs, and what may not change about an endpoint that stands."""

from typing import Any

import pytest

from shardyard.spec.endpoints.changes import refused_changes
from shardyard.spec.endpoints.cost import monthly_cost
from tests.support.spec.endpoints import endpoint

SCALED: dict[str, Any] = {"variants": {"main": {"scaling": {"most": 3, "invocations": 100}}}}


def test_a_month_is_hours_by_instances_by_price() -> None:
    cost = monthly_cost(endpoint(variants={"main": {"count": 2}}), "us-east-1", lambda kind: 0.5)
    assert cost.least_usd == cost.most_usd == pytest.approx(2 * 0.5 * 730)
    assert cost.lines == ("main: 2 x ml.m5.large x 730h x 0.5 USD",)


def test_what_scales_costs_between_its_limits_and_schedules_count() -> None:
    cost = monthly_cost(endpoint(**SCALED), "us-east-1", lambda kind: 1.0)
    assert (cost.least_usd, cost.most_usd) == (730, 3 * 730)
    night = {"at": "cron(0 20 ? * MON-FRI *)", "least": 1, "most": 9}
    wide = endpoint(variants={"main": {"scaling": {"least": 2, "most": 3, "schedules": {"night": night}}}})
    cost = monthly_cost(wide, "us-east-1", lambda kind: 1.0)
    assert (cost.least_usd, cost.most_usd) == (730, 9 * 730)


def test_a_price_that_nobody_read_is_said_and_one_s_own_takes_its_place() -> None:
    spec = endpoint(variants={"main": {"instance_type": "ml.g5.xlarge"}})
    assert monthly_cost(spec, "us-east-1").unpriced == ("ml.g5.xlarge",)
    assert "no price is known for ml.g5.xlarge" in monthly_cost(spec, "us-east-1").said
    own = endpoint(variants={"main": {"instance_type": "ml.g5.xlarge"}}, cost={"hourly_usd": {"ml.g5.xlarge": 2}})
    assert monthly_cost(own, "us-east-1").most_usd == 1460
    assert monthly_cost(endpoint(), "eu-west-1").unpriced == ("ml.m5.large",), "the snapshot is one region's"


def test_serverless_costs_nothing_while_idle() -> None:
    spec = endpoint(kind="serverless", variants={"main": {"instance_type": None, "serverless": {"memory_mb": 4096}}})
    cost = monthly_cost(spec, "us-east-1")
    assert (cost.least_usd, cost.most_usd) == (0, 0)
    assert cost.lines == ("main: 8e-05 USD for each second of work, nothing while idle",)


def test_a_scaled_variant_keeps_its_type_and_stays() -> None:
    before = endpoint(**SCALED)
    other = endpoint(variants={"main": {"instance_type": "ml.c5.xlarge", "scaling": {"most": 3, "invocations": 100}}})
    (problem,) = refused_changes(before, other)
    assert str(problem) == (
        "variants.main.instance_type: ml.m5.large is deployed, and scales, so it cannot become ml.c5.xlarge at once "
        "(take [variants.main.scaling] out and deploy, then make this change and put it back)"
    )
    gone = endpoint(variants={"main": None, "next": {"instance_type": "ml.m5.large"}})
    assert [problem.where for problem in refused_changes(before, gone)] == ["variants.main"]


def test_what_does_not_scale_may_change_and_so_may_limits() -> None:
    assert list(refused_changes(endpoint(), endpoint(variants={"main": {"instance_type": "ml.c5.xlarge"}}))) == []
    wider = endpoint(variants={"main": {"scaling": {"most": 9, "invocations": 10}}})
    assert list(refused_changes(endpoint(**SCALED), wider)) == []


def test_serverless_and_instances_do_not_become_each_other() -> None:
    serverless = endpoint(kind="serverless", variants={"main": {"instance_type": None, "serverless": {}}})
    assert [problem.where for problem in refused_changes(endpoint(), serverless)] == ["kind"]
