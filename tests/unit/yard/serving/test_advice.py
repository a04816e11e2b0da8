"""Which kind of hosting is cheapest: by arithmetic that a person can follow, and honest where it cannot be had."""

from typing import Any

import pytest

from yard.serving.advice import Hosting, Traffic, compare


def kinds(traffic: dict[str, Any], **more: Any) -> dict[str, Hosting]:
    given = {"requests_a_day": 1000, "seconds_each": 0.1, "hours_a_day": 24, "peak": 3, "at_once": 1, **traffic}
    known = {"instance_type": "ml.m5.large", "hourly_usd": 0.1, "memory_mb": 2048, "region": "us-east-1", **more}
    return {one.kind: one for one in compare(Traffic(**given), **known)}


def test_little_traffic_is_cheapest_without_instances_and_much_with_them() -> None:
    assert next(iter(kinds({"requests_a_day": 100}))) == "serverless"
    assert next(iter(kinds({"requests_a_day": 1_000_000, "at_once": 8}))) == "realtime"


def test_serverless_bills_its_seconds_by_its_memory() -> None:
    found = kinds({"requests_a_day": 1000, "seconds_each": 0.5})["serverless"]
    assert found.usd_a_month == pytest.approx(1000 * 730 / 24 * 0.5 * 0.00002 * 2, abs=0.01)
    assert found.idle_usd == 0


def test_real_time_bills_what_the_peak_needs_for_the_whole_month() -> None:
    traffic = {"requests_a_day": 86400, "seconds_each": 0.5, "peak": 4}
    found = kinds(traffic)["realtime"]
    assert found.usd_a_month == found.idle_usd == pytest.approx(2 * 0.1 * 730)
    assert kinds({**traffic, "at_once": 2})["realtime"].usd_a_month == pytest.approx(0.1 * 730)


def test_a_queue_bills_the_hours_of_the_traffic_and_its_tail() -> None:
    found = kinds({"hours_a_day": 8})["asynchronous, to zero"]
    assert found.usd_a_month == pytest.approx(0.1 * 8.5 * 730 / 24, abs=0.01)
    assert found.idle_usd == 0 and "minutes" in found.first_request


@pytest.mark.parametrize(
    ("traffic", "more", "why"),
    [
        ({"seconds_each": 61}, {}, "an answer may take 60 seconds"),
        ({}, {"instance_type": "ml.g5.xlarge"}, "ml.g5.xlarge has A10G, and a serverless endpoint has none"),
        ({"requests_a_day": 10_000_000, "seconds_each": 1}, {}, "and 200 is the most"),
    ],
)
def test_what_cannot_be_had_says_why_and_stands_last(traffic: dict[str, Any], more: dict[str, Any], why: str) -> None:
    found = kinds(traffic, **more)
    assert why in found["serverless"].refused
    assert next(iter(found)) != "serverless"


def test_a_price_that_nobody_read_is_no_price() -> None:
    found = kinds({}, hourly_usd=None, region="eu-west-1")
    assert {one.usd_a_month for one in found.values()} == {None}
