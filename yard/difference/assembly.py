"""What the app would deploy: the templates of a cloud assembly."""

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from yard.difference.sides import Side, Stack, as_stored
from yard.errors import UserError


def read(folder: Path) -> Side:
    """The stacks of a cloud assembly, in the order of their dependencies."""
    try:
        stacks = dict(_stacks(folder))
    except FileNotFoundError as error:
        raise UserError(
            f"{folder} is not a cloud assembly: there is no {Path(str(error.filename)).name} in it.",
            "Make one (npx cdk synth --quiet), or leave --app out.",
        ) from None
    return Side([stack for _, stack in sorted(stacks.items(), key=lambda item: _depth(item[0], _needs(folder)))])


def tags_of(folder: Path) -> Mapping[str, str]:
    """The tags of the first stack that has any: project and stage are on all of them."""
    for artifact in _artifacts(folder).values():
        found = artifact.get("properties", {}).get("tags", {})
        if found:
            return dict(found)
    return {}


def _artifacts(folder: Path) -> Mapping[str, Any]:
    manifest: Mapping[str, Any] = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
    found: Mapping[str, Any] = manifest.get("artifacts", {})
    return found


def _stacks(folder: Path) -> Iterator[tuple[str, Stack]]:
    for name, artifact in _artifacts(folder).items():
        properties = artifact.get("properties", {})
        if artifact["type"] == "aws:cloudformation:stack":
            text = (folder / properties["templateFile"]).read_text(encoding="utf-8")
            stack = Stack(name=properties.get("stackName", name), template=as_stored(json.loads(text)))
            yield name, stack
        elif artifact["type"] == "cdk:cloud-assembly":  # a stage of a pipeline
            yield from _stacks(folder / properties["directoryName"])


def _needs(folder: Path) -> dict[str, list[str]]:
    found = {}
    for name, artifact in _artifacts(folder).items():
        found[name] = list(artifact.get("dependencies", ()))
        if artifact["type"] == "cdk:cloud-assembly":
            found |= _needs(folder / artifact["properties"]["directoryName"])
    return found


def _depth(name: str, needs: Mapping[str, Sequence[str]]) -> int:
    return 1 + max((_depth(one, needs) for one in needs.get(name, ())), default=0)
