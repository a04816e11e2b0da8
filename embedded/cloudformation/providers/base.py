"""What a provider is: how one type of resource is made, changed, taken away and read back."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar

from embedded.cloudformation.context import Context
from embedded.cloudformation.errors import NotEmulated

Props = dict[str, Any]


@dataclass(frozen=True, kw_only=True, slots=True)
class Made:
    """What came of a creation or an update."""

    physical_id: str
    """What Ref answers."""

    attributes: Mapping[str, Any] = field(default_factory=dict)
    """What GetAtt answers, by the attribute's name; nested ones with a dot."""


class Provider:
    """The base of all providers; a type that cannot change in place leaves `update` as it is."""

    type: ClassVar[str]
    unread: ClassVar[frozenset[str]] = frozenset()
    """Properties that no service answers back, so that `verify` cannot compare them: each is a limit of the service."""
    identifier: ClassVar[str | None] = None
    """The property by which an existing one is imported into a stack; None for a type that is not imported here."""

    looks_inside: ClassVar[bool] = False
    """Whether each update of the stack asks it, also where none of its properties changes."""

    def create(self, props: Props, ctx: Context) -> Made:
        """Make it."""
        raise NotImplementedError

    def mark(self, physical_id: str, ctx: Context) -> None:
        """Put the stack's tags on a new one, past its service's API; by default it has none."""

    def update(self, physical_id: str, old: Props, new: Props, ctx: Context) -> Made:
        """Change it in place."""
        raise NotEmulated(f"the embedded cloud cannot update {ctx.type} in place")

    def delete(self, physical_id: str, props: Props, ctx: Context) -> None:
        """Take it away; one that is already gone is no error."""
        raise NotImplementedError

    def read(self, physical_id: str, props: Props, ctx: Context) -> Props | None:
        """Its properties as the service answers them, or None if it does not exist."""
        raise NotImplementedError

    def replaces(self, old: Props, new: Props) -> bool:
        """Whether a change needs another resource, beyond what the schema's create-only properties say."""
        return False


CUSTOM_RESOURCE = "AWS::CloudFormation::CustomResource"
"""The type of all `Custom::` resources too."""

PROVIDERS: dict[str, Provider] = {}


def provider(cls: Callable[[], Provider]) -> Callable[[], Provider]:
    """Register a provider class under its type."""
    made = cls()
    PROVIDERS[made.type] = made
    return cls


def find(type_name: str) -> Provider:
    """The provider of a type; the error names a type that is not emulated."""
    if type_name.startswith("Custom::"):
        type_name = CUSTOM_RESOURCE
    found = PROVIDERS.get(type_name)
    if found is None:
        nested = " (nested stacks)" if type_name == "AWS::CloudFormation::Stack" else ""
        raise NotEmulated(f"the embedded cloud does not emulate the resource type {type_name}{nested}")
    return found
