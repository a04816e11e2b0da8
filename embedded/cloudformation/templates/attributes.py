"""Attributes that no resource of a type has: said before anything is made."""

from collections.abc import Iterator, Mapping
from typing import Any

from embedded.cloudformation.templates.intrinsics import Resolver, attribute_references
from embedded.cloudformation.templates.schemas import has_attribute
from embedded.cloudformation.templates.template import Resource, Template


def unsupported(template: Template, wanted: Mapping[str, Resource], resolver: Resolver) -> list[str]:
    """CloudFormation's sentence for each attribute that its resource's type does not have."""
    found = [
        f"[Error] {path}: Resource type {wanted[name].type} does not support attribute {{{attribute}}}"
        for part, value in _parts(template, wanted, resolver)
        for path, reference in _references(value, part)
        for name, _, attribute in [reference.partition(".")]
        if name in wanted and not has_attribute(wanted[name].type, attribute)
    ]
    return list(dict.fromkeys(found))


def _parts(template: Template, wanted: Mapping[str, Resource], resolver: Resolver) -> Iterator[tuple[str, Any]]:
    for name, resource in wanted.items():
        yield f"/Resources/{name}/Properties", resource.properties
    for name, output in template.outputs.items():
        condition = output.get("Condition")
        if condition is None or resolver.holds(condition):
            yield f"/Outputs/{name}/Value", output["Value"]


def _references(value: Any, path: str) -> Iterator[tuple[str, str]]:
    """Where a value asks for attributes, and for which."""
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, item in items:
        if key in ("Fn::GetAtt", "Fn::Sub"):
            for reference in sorted(attribute_references({key: item})):
                yield f"{path}/{key}", reference
        else:
            yield from _references(item, f"{path}/{key}")
