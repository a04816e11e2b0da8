"""What the stacks cost per month without any training, from their templates and a dated price snapshot."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

_DATA: Mapping[str, Any] = json.loads((Path(__file__).parent / "data/idle_prices.json").read_text())

READ_ON: str = _DATA["read_on"]
"""The day on which the prices were read."""
REGION: str = _DATA["region"]
"""The region of the prices."""


@dataclass(frozen=True, kw_only=True, slots=True)
class IdleItem:
    """One resource that bills while it exists."""

    logical_id: str
    kind: str
    monthly_usd: float
    why: str


def idle_items(template: Mapping[str, Any]) -> Iterator[IdleItem]:
    """The resources of a template that bill while nothing runs. A notebook counts as stopped: its disk bills."""
    for logical_id, resource in template.get("Resources", {}).items():
        kind, properties = resource["Type"], resource.get("Properties", {})
        found = _price(kind, properties)
        if found is not None:
            monthly_usd, why = found
            yield IdleItem(logical_id=logical_id, kind=kind, monthly_usd=monthly_usd, why=why)


def idle_usd(templates: Mapping[str, Mapping[str, Any]]) -> float:
    """The sum over all stacks."""
    return sum(item.monthly_usd for template in templates.values() for item in idle_items(template))


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
    return None
