"""The picture of the house on docs/why/architecture.md shows the rooms and layers that import-linter checks."""

import itertools
import re
import tomllib
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs/why/architecture.md").read_text(encoding="utf-8")
CONTRACTS = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["importlinter"]


def house() -> str:
    """The source of the second picture."""
    return PAGE.partition("\n## The house\n")[2].partition("```mermaid\n")[2].partition("```")[0]


def arrows() -> set[tuple[str, str]]:
    """Who may import whom by the picture; a row of arrows is several, a dotted one is none."""
    found = set()
    for line in house().splitlines():
        names = re.split(r"\s*-->(?:\|[^|]*\|)?\s*", re.sub(r"\[.*?\]", "", line).strip())
        found |= set(itertools.pairwise(names))
    return found


def layers(contract: str) -> list[list[str]]:
    found = next(one["layers"] for one in CONTRACTS["contracts"] if one["id"] == contract)
    return [re.split(r" [:|] ", layer) for layer in found]


def reach(start: str) -> set[str]:
    """Everything below a node."""
    below = {target for source, target in arrows() if source == start}
    return below | {deeper for target in below for deeper in reach(target)}


def test_every_room_is_in_the_picture() -> None:
    shown = {name for pair in arrows() for name in pair}
    rooms = {{"shardyard": "constructs"}.get(name, name) for name in CONTRACTS["root_packages"]}
    assert len(rooms) > 5
    assert rooms <= shown


def test_an_arrow_never_goes_up() -> None:
    for contract in ("rooms", "constructs"):
        order = layers(contract)
        for number, names in enumerate(order):
            above = {{"shardyard": "constructs"}.get(name, name) for upper in order[:number] for name in upper}
            for name in names:
                assert reach({"shardyard": "constructs"}.get(name, name)) & above == set(), name


def test_the_layers_of_the_constructs_stand_on_one_another() -> None:
    order = layers("constructs")
    for upper, lower in itertools.pairwise(order):
        assert {(one, lower[0]) for one in upper} <= arrows()
