"""Templates: JSON or YAML text to a checked structure."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import yaml

from embedded.cloudformation.errors import TemplateError

SECTIONS = frozenset(
    {
        "AWSTemplateFormatVersion",
        "Conditions",
        "Description",
        "Hooks",
        "Mappings",
        "Metadata",
        "Outputs",
        "Parameters",
        "Resources",
        "Rules",
        "Transform",
    }
)
_RESOURCE_KEYS = frozenset(
    {
        "Condition",
        "CreationPolicy",
        "DeletionPolicy",
        "DependsOn",
        "Metadata",
        "Properties",
        "Type",
        "UpdatePolicy",
        "UpdateReplacePolicy",
        "Version",
    }
)
_OF_OBJECTS = frozenset({"Mappings", "Outputs", "Parameters", "Rules"})
_MOST_DESCRIPTION = 1024
_MOST_RESOURCES = 500
_POLICIES = frozenset({"Delete", "Retain", "Snapshot", "RetainExceptOnCreate"})


@dataclass(frozen=True, kw_only=True, slots=True)
class Resource:
    """One resource as the template writes it, with its intrinsic functions unresolved."""

    logical_id: str
    type: str
    properties: dict[str, Any]
    metadata: Any = None
    condition: str | None = None
    depends_on: tuple[str, ...] = ()
    deletion_policy: str = "Delete"
    update_replace_policy: str = "Delete"


@dataclass(frozen=True, kw_only=True, slots=True)
class Template:
    """A template, parsed."""

    body: str
    """The text as it came: GetTemplate answers it."""

    document: Mapping[str, Any]
    """The whole document."""

    resources: Mapping[str, Resource]
    parameters: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    mappings: Mapping[str, Any] = field(default_factory=dict)
    conditions: Mapping[str, Any] = field(default_factory=dict)
    outputs: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    rules: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)

    @property
    def description(self) -> str | None:
        """What the template says of itself."""
        return self.document.get("Description")


class _Loader(yaml.SafeLoader):  # type: ignore[misc]
    """YAML as CloudFormation reads it: dates stay text, and `!Ref x` is `{"Ref": "x"}`."""


_Loader.yaml_implicit_resolvers = {
    first: [(tag, regexp) for tag, regexp in resolvers if tag != "tag:yaml.org,2002:timestamp"]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}


def _short_form(loader: yaml.SafeLoader, suffix: str, node: yaml.Node) -> dict[str, Any]:
    if isinstance(node, yaml.ScalarNode):
        value: Any = loader.construct_scalar(node)
    elif isinstance(node, yaml.SequenceNode):
        value = loader.construct_sequence(node, deep=True)
    else:
        value = loader.construct_mapping(node, deep=True)
    if suffix == "GetAtt" and isinstance(value, str):
        value = value.split(".", 1)
    return {suffix if suffix in ("Ref", "Condition") else f"Fn::{suffix}": value}


_Loader.add_multi_constructor("!", _short_form)


def parse(body: str) -> Template:
    """Parse a template and check its outer structure; the error names what is wrong."""
    document = _document(body)
    unknown = sorted(set(document) - SECTIONS)
    if unknown:
        raise TemplateError(f"Invalid template property or properties [{', '.join(unknown)}]")
    transforms = sorted(set(_transforms(document)))
    if transforms:
        raise TemplateError(f"the embedded cloud runs no transforms: {', '.join(transforms)}")
    resources = document.get("Resources")
    if not isinstance(resources, dict) or not resources:
        raise TemplateError("At least one Resources member must be defined.")
    if len(resources) > _MOST_RESOURCES:
        raise TemplateError(
            f"Template format error: Number of resources, {len(resources)}, is greater than maximum allowed, 500"
        )
    if len(str(document.get("Description") or "")) > _MOST_DESCRIPTION:
        raise TemplateError("Template format error: 'Description' length is greater than 1024.")
    return Template(
        body=body,
        document=document,
        resources={name: _resource(name, value) for name, value in resources.items()},
        **{
            name.lower(): _section(document, name)
            for name in ("Parameters", "Mappings", "Conditions", "Outputs", "Rules")
        },
    )


def _transforms(value: Any, depth: int = 0) -> Iterator[str]:
    """What only a transform or a macro could make into a template."""
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, item in items:
        if key == "Transform" and depth == 0 and item:
            yield from (str(name) for name in (item if isinstance(item, list) else [item]))
        elif isinstance(key, str) and key.startswith(("Fn::Transform", "Fn::ForEach::")):
            yield key
        else:
            yield from _transforms(item, depth + 1)


def _document(body: str) -> dict[str, Any]:
    try:
        document = json.loads(body) if body.lstrip().startswith("{") else yaml.load(body, Loader=_Loader)
    except (ValueError, yaml.YAMLError) as error:
        raise TemplateError(f"Template format error: {error}") from None
    if not isinstance(document, dict):
        raise TemplateError("Template format error: unsupported structure.")
    return document


def _section(document: Mapping[str, Any], name: str) -> dict[str, Any]:
    section = document.get(name)
    if section is None:
        return {}
    if not isinstance(section, dict):
        raise TemplateError(f"Template format error: [/{name}] must be an object")
    for key, item in section.items():
        if name in _OF_OBJECTS and not isinstance(item, dict):
            raise TemplateError(f"Template format error: [/{name}/{key}] must be an object")
        if name == "Outputs" and "Value" not in item:
            raise TemplateError(f"Template format error: [/Outputs/{key}] every Outputs member must contain a Value")
    return section


def _resource(logical_id: str, value: Any) -> Resource:
    if not logical_id.isalnum():
        raise TemplateError(f"Template format error: Resource name {logical_id} is non alphanumeric.")
    if not isinstance(value, dict) or "Type" not in value:
        raise TemplateError(
            f"Template format error: [/Resources/{logical_id}] Every Resources object must contain a Type member."
        )
    unknown = sorted(set(value) - _RESOURCE_KEYS)
    if unknown:
        raise TemplateError(f"Invalid template resource property '{unknown[0]}' of {logical_id}")
    policies = {
        key: value.get(name, "Delete")
        for key, name in (("deletion_policy", "DeletionPolicy"), ("update_replace_policy", "UpdateReplacePolicy"))
    }
    for policy in policies.values():
        if policy not in _POLICIES:
            raise TemplateError(f"Template format error: Unrecognized policy {policy} for resource {logical_id}")
    properties = value.get("Properties") or {}
    if not isinstance(properties, dict):
        raise TemplateError(f"Template format error: [/Resources/{logical_id}/Properties] must be an object")
    depends_on = value.get("DependsOn", [])
    names = [depends_on] if isinstance(depends_on, str) else depends_on
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        raise TemplateError(
            f"Template format error: [/Resources/{logical_id}/DependsOn] must be a name or a list of them"
        )
    return Resource(
        logical_id=logical_id,
        type=value["Type"],
        properties=properties,
        metadata=value.get("Metadata"),
        condition=value.get("Condition"),
        depends_on=tuple(names),
        **policies,
    )
