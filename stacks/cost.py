"""What the synthesised stacks cost in a month in which nobody trains."""

import json
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from shardyard.spec.catalogue.idle_cost import READ_ON, REGION, IdleItem, idle_items
from shardyard.spec.endpoints.cost import monthly_cost
from shardyard.spec.endpoints.endpoint import EndpointSpec
from shardyard.spec.names import ENDPOINT_METADATA


def idle_sentence(folder: Path) -> str:
    """The sum and its largest parts, from the templates that a synth wrote."""
    items = list(_items(folder))
    total = sum(item.monthly_usd for item in items)
    alike = Counter((item.why, item.monthly_usd) for item in items)
    ranked = sorted(alike.items(), key=lambda group: group[0][1] * group[1], reverse=True)
    largest = ", ".join(
        f"{why} {each * count:.2f}" if count == 1 else f"{count} x {why} {each * count:.2f}"
        for (why, each), count in ranked[:3]
    )
    return f"idle cost: {total:.2f} USD a month, stopped notebooks included (prices of {READ_ON}); largest: {largest}"


def endpoint_sentences(folder: Path) -> Iterator[str]:
    """What a month of each endpoint costs, all scaled out or in, from the definitions in their templates."""
    for template in _templates(folder):
        tables = template.get("Metadata", {}).get(ENDPOINT_METADATA)
        if tables is not None:
            spec = EndpointSpec.from_dict(tables)
            waits = ", once it has a model" if "HasModel" in template.get("Conditions", {}) else ""
            yield f"endpoint {spec.name}: {monthly_cost(spec, REGION).said}, in {REGION}{waits}"


def _templates(folder: Path) -> Iterator[Any]:
    for path in sorted(folder.glob("*.template.json")):
        yield json.loads(path.read_text(encoding="utf-8"))


def _items(folder: Path) -> Iterator[IdleItem]:
    for template in _templates(folder):
        yield from idle_items(template)
