"""Hourly prices: a dated snapshot of public prices, for when the Pricing API is not available.

A type or region that is not in the snapshot has no price here; there are no estimates.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from shardyard.spec.catalogue.data_files import read_data

HOURS_PER_MONTH = 730
"""AWS divides a monthly price by this to get an hourly one."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Price:
    """The price of one instance, and its source."""

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
    """The date of the snapshot."""
    date: str = _snapshot()["date"]
    return date


def snapshot_hourly_usd() -> Mapping[str, float]:
    """Every price of the snapshot, by instance type."""
    return {kind: usd for block in _snapshot()["blocks"] for kind, usd in block["hourly_usd"].items()}


def hourly_usd(instance_type: str, region: str) -> Price | None:
    """The snapshot's price of a training instance in a region, or None."""
    if region not in _snapshot()["regions"]:
        return None
    usd = snapshot_hourly_usd().get(instance_type)
    if usd is None:
        return None
    return Price(hourly_usd=usd, storage_usd_per_gb_month=storage_usd(), source=f"snapshot of {snapshot_date()}")


def storage_usd() -> float:
    """The snapshot's price per gigabyte-month of training volume."""
    usd: float = _snapshot()["storage_usd_per_gb_month"]
    return usd
