"""The two sides of a comparison: the stacks that are deployed, and those that the app would deploy."""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

_PATH = "aws:cdk:path"
_HASH = re.compile(r"(?<=.)[0-9A-F]{8}$")
_NOT_ASCII = re.compile(r"[^\x00-\x7f]")


@dataclass(frozen=True, kw_only=True, slots=True)
class Stack:
    """One stack, on either side."""

    name: str
    template: Mapping[str, Any]
    parameters: Mapping[str, str] = field(default_factory=dict)
    """The values that are not empty; of a deployed stack alone."""
    physical: Mapping[str, str] = field(default_factory=dict)
    """The resources' names in the account by logical id; of a deployed stack alone."""

    @property
    def resources(self) -> Mapping[str, Mapping[str, Any]]:
        """The resources by logical id, without the one with which CDK counts its users."""
        found: Mapping[str, Mapping[str, Any]] = self.template.get("Resources", {})
        return {name: one for name, one in found.items() if one["Type"] != "AWS::CDK::Metadata"}

    def label(self, logical_id: str) -> str:
        """A resource as the code names it: its path of constructs, else its logical id without the hash."""
        path = self.resources.get(logical_id, {}).get("Metadata", {}).get(_PATH)
        return _HASH.sub("", logical_id) if path is None else str(path).partition("/")[2].removesuffix("/Resource")


@dataclass(frozen=True)
class Side:
    """All stacks of one side, in the order in which a deploy takes them."""

    stacks: Sequence[Stack]

    @cached_property
    def by_name(self) -> Mapping[str, Stack]:
        """The stacks by name."""
        return {stack.name: stack for stack in self.stacks}

    @cached_property
    def exports(self) -> Mapping[str, tuple[Stack, Any]]:
        """What each export is called, the stack that makes it and its value."""
        return {
            output["Export"]["Name"]: (stack, output["Value"])
            for stack in self.stacks
            for output in stack.template.get("Outputs", {}).values()
            if isinstance(output.get("Export", {}).get("Name"), str)
        }

    @cached_property
    def imports(self) -> Mapping[str, Sequence[str]]:
        """The names of the stacks that import each export."""
        found: dict[str, list[str]] = {}
        for stack in self.stacks:
            for name in sorted(_imported(stack.template)):
                found.setdefault(name, []).append(stack.name)
        return found


def as_stored(template: Mapping[str, Any]) -> dict[str, Any]:
    """A template as CloudFormation gives it back: it keeps ASCII alone, and writes ? for every other letter."""
    text = json.dumps(template, ensure_ascii=False)
    return dict(json.loads(_NOT_ASCII.sub("?", text)))


def _imported(value: Any) -> set[str]:
    if isinstance(value, list):
        return set().union(*map(_imported, value))
    if not isinstance(value, Mapping):
        return set()
    name = value.get("Fn::ImportValue")
    found = {name} if isinstance(name, str) else set()
    return found.union(*map(_imported, value.values()))
