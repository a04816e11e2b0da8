"""What an hour costs: a dated snapshot of public prices, for when the Pricing API cannot be asked.

A type or a region that the snapshot does not hold has no price here: nothing is guessed.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from shardyard.spec.catalogue.data_files import read_data

HOURS_PER_MONTH = 730
"""By which AWS turns a monthly price into an hourly one."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Price:
    """What one instance costs, and who says so."""

    hourly_usd: float
    """One instance for one hour, on demand."""

    storage_usd_per_gb_month: float
    """One gigabyte of the training volume for one month."""

    source: str
    """`Pricing API, 2026-11-21` or `snapshot of 2026-09-01`."""


@cache
def _snapshot() -> Any:
    return read_data("prices.json")


def snapshot_date() -> str:
    """When the prices of the snapshot held."""
    date: str = _snapshot()["date"]
    return date


def snapshot_hourly_usd() -> Mapping[str, float]:
    """Every price of the snapshot, by instance type."""
    return {kind: usd for block in _snapshot()["blocks"] for kind, usd in block["hourly_usd"].items()}


def hourly_usd(instance_type: str, region: str) -> Price | None:
    """The snapshot's price of a training instance in a region; None where it holds none."""
    if region not in _snapshot()["regions"]:
        return None
    usd = snapshot_hourly_usd().get(instance_type)
    if usd is None:
        return None
    return Price(hourly_usd=usd, storage_usd_per_gb_month=storage_usd(), source=f"snapshot of {snapshot_date()}")


def storage_usd() -> float:
    """The snapshot's price of a gigabyte of training volume for a month."""
    usd: float = _snapshot()["storage_usd_per_gb_month"]
    return usd
