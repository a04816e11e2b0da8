"""Templates as the rules see them: several stacks at once, with their references followed."""

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

Template = Mapping[str, Any]


@dataclass(frozen=True, kw_only=True, slots=True)
class Finding:
    """One refusal by a rule."""

    rule: str
    """The rule's name."""
    where: str
    """Stack and logical id."""
    message: str
    """What is wrong and what to do."""

    def __str__(self) -> str:
        return f"{self.where}: {self.message} [{self.rule}]"


@dataclass(frozen=True, kw_only=True, slots=True)
class Resource:
    """One resource of one stack."""

    stack: str
    """The stack's name."""
    logical_id: str
    """Its name in the template."""
    type: str
    """Its CloudFormation type."""
    properties: Mapping[str, Any]
    """Its properties as they stand in the template."""

    @property
    def where(self) -> str:
        """How a finding names it."""
        return f"{self.stack}/{self.logical_id}"


class Assembly:
    """All templates of one synth, and what their references point to."""

    def __init__(self, templates: Mapping[str, Template]) -> None:
        self.templates = templates
        self._exports = {
            json.dumps(output["Export"]["Name"], sort_keys=True): (stack, output["Value"])
            for stack, template in templates.items()
            for output in template.get("Outputs", {}).values()
            if "Export" in output
        }

    def resources(self, *types: str) -> Iterator[Resource]:
        """All resources, or those of some types."""
        for stack, template in self.templates.items():
            for logical_id, raw in template.get("Resources", {}).items():
                if not types or raw["Type"] in types:
                    yield Resource(
                        stack=stack, logical_id=logical_id, type=raw["Type"], properties=raw.get("Properties", {})
                    )

    def exported(self, name: Any) -> tuple[str, Any]:
        """The stack and the value behind an export's name."""
        return self._exports[json.dumps(name, sort_keys=True)]

    def target(self, stack: str, value: Any) -> Resource | None:
        """The resource that a value refers to, also through an export of another stack."""
        if isinstance(value, Mapping) and len(value) == 1:
            ((function, argument),) = value.items()
            if function == "Fn::ImportValue":
                exported = self._exports.get(json.dumps(argument, sort_keys=True))
                return self.target(*exported) if exported is not None else None
            if function == "Fn::If":
                found = (self.target(stack, branch) for branch in argument[1:])
                return next((resource for resource in found if resource is not None), None)
            logical_id = argument if function == "Ref" else argument[0] if function == "Fn::GetAtt" else None
            raw = self.templates[stack].get("Resources", {}).get(logical_id) if isinstance(logical_id, str) else None
            if raw is not None:
                return Resource(
                    stack=stack,
                    logical_id=str(logical_id),
                    type=raw["Type"],
                    properties=raw.get("Properties", {}),
                )
        return None


Rule = Callable[[Assembly], Iterator[Finding]]


def read_assembly(folder: Path) -> Assembly:
    """Read the templates that a synth wrote."""
    return Assembly(
        {
            path.name.removesuffix(".template.json"): json.loads(path.read_text(encoding="utf-8"))
            for path in sorted(folder.glob("*.template.json"))
        }
    )


def as_list(value: Any) -> list[Any]:
    """One value or many as a list; None as an empty one."""
    if value is None:
        return []
    return list(value) if isinstance(value, list | tuple) else [value]


def is_known(value: Any) -> bool:
    """Whether a value is literal, not a reference that only the deploy resolves."""
    return not isinstance(value, Mapping)


def at(properties: Mapping[str, Any], path: str) -> Any:
    """The value at a dotted path, or None; a list in between stands for its first member."""
    value: Any = properties
    for name in path.split("."):
        if isinstance(value, list):
            value = value[0] if value else None
        if not isinstance(value, Mapping):
            return None
        value = value.get(name)
    return value
