"""Templates: JSON or YAML text to a checked structure."""

import json
import re
from collections.abc import Mapping
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
_LAST_COMMA = re.compile(r'("(?:\\.|[^"\\])*")|,(\s*[}\]])')
"""A string, which is left alone, or a comma after the last member of an object or a list."""

_OF_OBJECTS = frozenset({"Mappings", "Outputs", "Parameters", "Rules"})
_MOST_DESCRIPTION = 1024
_MOST_RESOURCES = 500
_DELETIONS = frozenset({"Delete", "Retain", "Snapshot", "RetainExceptOnCreate"})
_REPLACEMENTS = frozenset({"Delete", "Retain", "Snapshot"})


@dataclass(frozen=True, kw_only=True, slots=True)
class Resource:
    """One resource as the template writes it, with its intrinsic functions unresolved."""

    logical_id: str
    type: str
    properties: dict[str, Any]
    metadata: Any = None
    condition: str | None = None
    depends_on: tuple[str, ...] = ()
    deletion_policy: Any = "Delete"
    """A policy, or a function that gives one."""

    update_replace_policy: Any = "Delete"
    written_policies: frozenset[str] = frozenset()
    """Which of the two the template writes: the other one is the default."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Template:
    """A template, parsed."""

    body: str
    """The text as it came: GetTemplate answers it."""

    document: Mapping[str, Any]
    """The whole document, as its transforms have made it."""

    transforms: tuple[str, ...] = ()
    """The transforms of the whole template."""

    processed: bool = False
    """Whether the document is another than the text, by transforms."""

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


def parse(body: str, processed: Mapping[str, Any] | None = None) -> Template:
    """Parse a template and check its outer structure; `processed` is what transforms have made of it."""
    original = read_document(body)
    document = original if processed is None else processed
    unknown = sorted(set(document) - SECTIONS)
    if unknown:
        raise TemplateError(f"Invalid template property or properties [{', '.join(unknown)}]")
    resources = document.get("Resources")
    if resources is not None and not isinstance(resources, dict):
        raise TemplateError("Template format error: Any Resources member must be an object.")
    if not resources:
        raise TemplateError("Template format error: At least one Resources member must be defined.")
    _check_nulls(document, "")
    if len(resources) > _MOST_RESOURCES:
        raise TemplateError(
            f"Template format error: Number of resources, {len(resources)}, is greater than maximum allowed, 500"
        )
    if len(str(document.get("Description") or "")) > _MOST_DESCRIPTION:
        raise TemplateError("Template format error: 'Description' length is greater than 1024.")
    return Template(
        body=body,
        document=document,
        transforms=tuple(_transform_names(original.get("Transform"))),
        processed=processed is not None,
        resources={name: _resource(name, value) for name, value in resources.items()},
        **{
            name.lower(): _section(document, name)
            for name in ("Parameters", "Mappings", "Conditions", "Outputs", "Rules")
        },
    )


def _check_nulls(value: Any, path: str) -> None:
    if value is None:
        raise TemplateError(f"[{path}] 'null' values are not allowed in templates")
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, item in items:
        _check_nulls(item, f"{path}/{key}")


def undeployable(body: str) -> Template:
    """A template whose transforms fail: nothing is known of it but what it declares."""
    document = read_document(body)
    names = tuple(_transform_names(document.get("Transform")))
    parameters = _section(document, "Parameters")
    return Template(body=body, document=document, resources={}, transforms=names, parameters=parameters)


def _transform_names(given: Any) -> list[str]:
    items = given if isinstance(given, list) else [given] if given else []
    return [str(item.get("Name")) if isinstance(item, dict) else str(item) for item in items]


def read_document(body: str) -> dict[str, Any]:
    """A template's text as a document, its structure unchecked."""
    try:
        document = _read_json(body) if body.lstrip().startswith("{") else yaml.load(body, Loader=_Loader)
    except json.JSONDecodeError as error:
        # a column is counted when its character is read
        column = error.colno + (error.pos < len(error.doc))
        place = f"(line {error.lineno}, column {column})"
        raise TemplateError(f"Template format error: JSON not well-formed. {place}") from None
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        place = "" if mark is None else f" (line {mark.line + 1}, column {mark.column + 1})"
        raise TemplateError(f"Template format error: YAML not well-formed.{place}") from None
    if not isinstance(document, dict):
        raise TemplateError("Template format error: unsupported structure.")
    return document


def _read_json(body: str) -> Any:
    """JSON as CloudFormation reads it: with a comma after the last member, if need be."""
    try:
        return json.loads(body)
    except json.JSONDecodeError:
        # blanks take the commas' place: what is wrong elsewhere keeps its line and its column
        return json.loads(_LAST_COMMA.sub(lambda match: match[1] or f" {match[2]}", body))


def _section(document: Mapping[str, Any], name: str) -> dict[str, Any]:
    section = document.get(name)
    if section is None:
        return {}
    if not isinstance(section, dict):
        raise TemplateError(f"Template format error: [/{name}] must be an object")
    if name == "Mappings":
        _check_mappings(section)
    for key, item in section.items():
        if name in _OF_OBJECTS and not isinstance(item, dict):
            raise TemplateError(f"Template format error: [/{name}/{key}] must be an object")
        if name == "Outputs" and "Value" not in item:
            raise TemplateError("Template format error: Every Outputs member must contain a Value object")
        if name == "Parameters" and not key.isalnum():
            raise TemplateError(f"Template format error: Parameter name {key} is non alphanumeric.")
    return section


def _check_mappings(mappings: Mapping[str, Any]) -> None:
    for mapping in mappings.values():
        for name, member in mapping.items() if isinstance(mapping, dict) else ():
            if not isinstance(member, dict):
                raise TemplateError(f"Template format error: Every Mappings member {name} must be a map")
            if any(isinstance(value, dict) for value in member.values()):
                raise TemplateError("Template format error: Every Mappings attribute must be a String or a List.")


def _resource(logical_id: str, value: Any) -> Resource:
    if not logical_id.isalnum():
        raise TemplateError(f"Template format error: Resource name {logical_id} is non alphanumeric.")
    if not isinstance(value, dict):
        raise TemplateError("Template format error: Any Resources member must be an object.")
    if "Type" not in value:
        raise TemplateError(
            f"Template format error: [/Resources/{logical_id}] Every Resources object must contain a Type member."
        )
    unknown = sorted(set(value) - _RESOURCE_KEYS)
    if unknown:
        raise TemplateError(f"Invalid template resource property '{unknown[0]}'")
    for name in ("DeletionPolicy", "UpdateReplacePolicy"):
        if not isinstance(value.get(name, "Delete"), dict):
            check_policy(logical_id, name, value.get(name, "Delete"))
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
        deletion_policy=value.get("DeletionPolicy", "Delete"),
        update_replace_policy=value.get("UpdateReplacePolicy", "Delete"),
        written_policies=frozenset({"DeletionPolicy", "UpdateReplacePolicy"} & set(value)),
    )


def check_policy(logical_id: str, attribute: str, policy: Any) -> None:
    """Raise unless CloudFormation knows the policy."""
    known = _DELETIONS if attribute == "DeletionPolicy" else _REPLACEMENTS
    if not isinstance(policy, str) or policy not in known:
        raise TemplateError(
            f"Template error: {attribute} of {logical_id} is {policy!r}; it must be one of {', '.join(sorted(known))}"
        )
