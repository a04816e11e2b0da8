"""Where endpoints can be, on which types, and for how much: dated data, which scripts/make_hosting.py writes."""

from collections.abc import Mapping
from typing import Any

from shardyard.spec.catalogue.data_files import read_data

_raw: Any = read_data("hosting.json")

HOSTING_DATE: str = _raw["date"]
"""When the data was written."""
HOSTING_TYPES: frozenset[str] = frozenset(_raw["types"])
"""Every instance type that an endpoint can have."""
REGIONS: Mapping[str, frozenset[str]] = {feature: frozenset(known) for feature, known in _raw["regions"].items()}
"""The regions that have `endpoint`, `scaling` and `inference components`."""
CONTAINERS: Mapping[str, Mapping[str, Mapping[str, str]]] = _raw["containers"]["images"]
"""AWS's containers for inference by framework and version: the repository, and the tags for CPU and GPU."""
PRICE_DATE: str = _raw["prices"]["date"]
"""The day of the prices."""
_PRICES: Any = _raw["prices"]


def hosting_usd(instance_type: str, region: str) -> float | None:
    """What an instance of an endpoint costs an hour; None where no price was read. Training's prices are others."""
    if region != _PRICES["region"]:
        return None
    usd: float | None = _PRICES["instances"]["hourly_usd"].get(instance_type)
    return usd


def serverless_usd(region: str) -> float | None:
    """What a gigabyte of a serverless endpoint costs for a second of work; None where no price was read."""
    if region != _PRICES["region"]:
        return None
    usd: float = _PRICES["serverless"]["gigabyte_second_usd"]
    return usd


def price_source() -> str:
    """Where the prices come from, for a person."""
    return f"snapshot of {PRICE_DATE}"
