"""What the stacks cost per month without any training, from their templates and a dated price snapshot."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from shardyard.spec.catalogue.hosting import hosting_usd
from shardyard.spec.catalogue.prices import HOURS_PER_MONTH

_DATA: Mapping[str, Any] = json.loads((Path(__file__).parent / "data/idle_prices.json").read_text())

READ_ON: str = _DATA["read_on"]
"""The day on which the prices were read."""
REGION: str = _DATA["region"]
"""The region of the prices."""
FILE_SYSTEM_GB_USD: float = _DATA["file_system_gb_monthly_usd"]
"""A gigabyte in a file system of EFS for a month; an empty one costs nothing."""


@dataclass(frozen=True, kw_only=True, slots=True)
class IdleItem:
    """One resource that bills while it exists."""

    logical_id: str
    kind: str
    monthly_usd: float
    why: str


_NONE: Mapping[str, str] = {}


def idle_items(template: Mapping[str, Any], given: Mapping[str, str] = _NONE) -> Iterator[IdleItem]:
    """The resources of a template that bill while nothing runs. A notebook counts as stopped: its disk bills.

    `given` are the parameters of its stack, where it is deployed. What waits for a value that a parameter lacks is not
    there: an endpoint without a model.
    """
    absent = set(_absent_conditions(template, given))
    for logical_id, resource in template.get("Resources", {}).items():
        if resource.get("Condition") in absent:
            continue
        kind, properties = resource["Type"], resource.get("Properties", {})
        found = _price(kind, properties)
        if found is not None:
            monthly_usd, why = found
            yield IdleItem(logical_id=logical_id, kind=kind, monthly_usd=monthly_usd, why=why)


def idle_usd(templates: Mapping[str, Mapping[str, Any]]) -> float:
    """The sum over all stacks."""
    return sum(item.monthly_usd for template in templates.values() for item in idle_items(template))


def _absent_conditions(template: Mapping[str, Any], given: Mapping[str, str]) -> Iterator[str]:
    """The conditions that do not hold because a parameter is empty, as by default all are."""
    conditions = template.get("Conditions", {})
    defaults = {name: one.get("Default") for name, one in template.get("Parameters", {}).items()}
    empty = {name for name, value in defaults.items() if given.get(name, value) == ""}

    def fails(expression: Any) -> bool:
        """Whether it asks for a parameter that is not given."""
        if "Condition" in expression:
            return fails(conditions[expression["Condition"]])
        if "Fn::And" in expression:
            return any(map(fails, expression["Fn::And"]))
        return any(expression == {"Fn::Not": [{"Fn::Equals": [{"Ref": name}, ""]}]} for name in empty)

    return (name for name, expression in conditions.items() if fails(expression))


def _price(kind: str, properties: Mapping[str, Any]) -> tuple[float, str] | None:
    known = _DATA["monthly_usd"].get(kind)
    if known is not None:
        return float(known["usd"]), str(known["why"])
    if kind == "AWS::EC2::VPCEndpoint" and properties.get("VpcEndpointType") == "Interface":
        zones = len(properties["SubnetIds"])
        where = "one zone" if zones == 1 else f"{zones} zones"
        return zones * float(_DATA["interface_endpoint_zone_monthly_usd"]), f"interface endpoint in {where}"
    if kind == "AWS::SageMaker::NotebookInstance":
        gigabytes = int(properties.get("VolumeSizeInGB", 5))
        return gigabytes * float(_DATA["notebook_volume_gb_monthly_usd"]), f"{gigabytes} GB disk of a stopped notebook"
    if kind == "AWS::SageMaker::EndpointConfig":
        return _instances(properties)
    return None


def _instances(config: Mapping[str, Any]) -> tuple[float, str] | None:
    """The instances that an endpoint begins with; one whose price nobody read counts nothing, and says so."""
    variants = [*config.get("ProductionVariants", ()), *config.get("ShadowProductionVariants", ())]
    total, words = 0.0, []
    for variant in variants:
        kind, count = variant.get("InstanceType"), variant.get("InitialInstanceCount", 0)
        if kind is not None:
            usd = hosting_usd(kind, REGION)
            total += 0.0 if usd is None else count * usd * HOURS_PER_MONTH
            words.append(f"{count} x {kind}{' (price not known)' if usd is None else ''}")
    return (total, f"endpoint on {', '.join(words)}") if words else None
