"""Prices and the worst case: nothing guessed, everything with its source."""

import json
from pathlib import Path

import pytest

from shardyard.spec.catalogue.cost import Cost, price_table, snapshot_prices, worst_case
from shardyard.spec.catalogue.instances import INSTANCES
from shardyard.spec.catalogue.prices import Price, hourly_usd, snapshot_hourly_usd
from tests.support.some import some
from tests.support.spec.spec_tables import make

DATA = Path(__file__).parents[3] / "constructs/shardyard/spec/catalogue/data/prices.json"
PRICES = price_table(
    {
        "ml.m5.xlarge": Price(hourly_usd=1.0, storage_usd_per_gb_month=0.73, source="a test"),
        "ml.g5.xlarge": Price(hourly_usd=2.0, storage_usd_per_gb_month=0.73, source="a test"),
    }
)


def test_every_price_is_of_a_known_type_and_every_block_says_its_source() -> None:
    assert set(snapshot_hourly_usd()) <= set(INSTANCES)
    blocks = json.loads(DATA.read_text())["blocks"]
    assert all(block["source"] for block in some(blocks))
    names = [name for block in blocks for name in block["hourly_usd"]]
    assert len(names) == len(set(names)), "a type has two prices"
    assert all(0.01 < usd < 200 for usd in snapshot_hourly_usd().values())


def test_a_larger_machine_of_a_family_costs_no_less_a_gpu_hour_than_half() -> None:
    """A slip of the decimal point would break this."""
    prices = snapshot_hourly_usd()
    for name, usd in some(prices.items()):
        same = [other for other in prices if INSTANCES[other].family == INSTANCES[name].family]
        for other in same:
            ratio = usd / INSTANCES[name].vcpus / (prices[other] / INSTANCES[other].vcpus)
            assert 0.15 < ratio < 6.5, (name, other)


def test_what_the_snapshot_does_not_hold_has_no_price() -> None:
    assert hourly_usd("ml.p5en.48xlarge", "us-east-1") is None
    assert hourly_usd("ml.g5.xlarge", "eu-west-1") is None
    price = hourly_usd("ml.g5.xlarge", "us-east-1")
    assert price is not None and (price.hourly_usd, price.source) == (1.408, "snapshot of 2026-09-01")


def test_the_worst_case_is_price_by_instances_by_longest_time_and_storage() -> None:
    spec = make(compute={"instance_type": "ml.m5.xlarge", "count": 3, "volume": "100GB"}, limits={"max_runtime": "10h"})
    cost = worst_case(spec, PRICES)
    assert cost.usd == pytest.approx(3 * 10 * 1.0 + 3 * 100 * 10 / 730 * 0.73)
    assert cost.lines == (
        "3 x ml.m5.xlarge x 10h x 1 USD per hour = 30.00 USD",
        "3 x 100 GB of volume for the same time = 3.00 USD",
        "at most 33.00 USD (a test)",
    )


def test_local_disks_cost_nothing_extra() -> None:
    assert worst_case(make(limits={"max_runtime": "1h"}), PRICES).usd == 2.0


def test_waiting_for_spot_does_not_bill() -> None:
    spot = {"spot": {"enabled": True, "max_wait": "20h"}, "checkpoints": {"enabled": True}}
    assert worst_case(make(**spot, limits={"max_runtime": "1h"}), PRICES).usd == 2.0


def test_a_warm_pool_bills_until_its_end() -> None:
    assert worst_case(make(compute={"keep_alive": "1h"}, limits={"max_runtime": "1h"}), PRICES).usd == 4.0


def test_the_dearest_of_fallbacks_and_preferences_counts() -> None:
    cheap_first = {"instance_type": "ml.m5.xlarge", "volume": "1GB", "fallback": [{"instance_type": "ml.g5.xlarge"}]}
    assert worst_case(make(compute=cheap_first, limits={"max_runtime": "1h"}), PRICES).usd == 2.0
    wanted = [{"instance_type": "ml.m5.xlarge"}, {"instance_type": "ml.g5.xlarge", "count": 4}]
    preferred = {"instance_type": None, "volume": "1GB", "preferences": wanted}
    assert worst_case(make(compute=preferred, limits={"max_runtime": "1h"}), PRICES).usd == 8.0


def test_groups_add_up() -> None:
    kinds = [{"name": name, "instance_type": name} for name in ("ml.m5.xlarge", "ml.g5.xlarge")]
    groups = {"instance_type": None, "volume": "73GB", "groups": kinds}
    assert worst_case(make(compute=groups, limits={"max_runtime": "10h"}), PRICES).usd == 30.73


def test_an_unknown_price_makes_the_worst_case_unknown_and_says_so() -> None:
    cost = worst_case(make(compute={"instance_type": "ml.p5en.48xlarge"}), snapshot_prices("us-east-1"))
    assert cost == Cost(
        usd=None,
        source="none",
        lines=(
            "no price is known for ml.p5en.48xlarge, so the worst case is unknown, and a launch is refused unless "
            "the Pricing API has one (or set it in cost.hourly_usd)",
        ),
        unpriced=("ml.p5en.48xlarge",),
    )
