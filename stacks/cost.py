"""What the synthesised stacks cost in a month in which nobody trains."""

import json
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from shardyard.spec.catalogue.idle_cost import READ_ON, IdleItem, idle_items


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


def _items(folder: Path) -> Iterator[IdleItem]:
    for path in folder.glob("*.template.json"):
        yield from idle_items(json.loads(path.read_text(encoding="utf-8")))
