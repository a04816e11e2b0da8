"""What a change set says of each resource: the action, what it replaces, why, and the values before and after."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from embedded.cloudformation.plan import Step
from embedded.cloudformation.templates.intrinsics import UNKNOWN, attribute_references, references

_ACTIONS = {"create": "Add", "remove": "Remove"}
_REPLACED = {"Retain": "ReplaceAndRetain", "Snapshot": "ReplaceAndSnapshot"}
"""What becomes of a replaced resource by its UpdateReplacePolicy; by default it is deleted."""

_VALUES = ("AttributeChangeType", "BeforeValue", "AfterValue", "Path")
"""What of a detail's target only who asks for property values is told."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Subject:
    """One resource of a plan."""

    logical_id: str
    type: str
    step: Step
    physical_id: str | None
    before: Mapping[str, Any] | None
    """The properties that it has, resolved; None for a resource that is added."""

    after: Mapping[str, Any] | None
    """The properties that it will have, as far as they are known; None for one that is removed."""

    expressions: Mapping[str, Any]
    """The properties as the new template writes them."""

    metadata: Any
    """The metadata as the new template writes it."""

    removal: str
    """The policy that decides what becomes of the old resource when it is removed or replaced."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Causes:
    """What else changes, and so changes whoever refers to it."""

    parameters: frozenset[str]
    replaced: frozenset[str]
    """The resources that will be replaced."""

    perhaps: frozenset[str]
    """The resources that may be replaced."""

    def of(self, expression: Any) -> list[tuple[str, str, str]]:
        """The source, the causing entity and how certain it is, for each reason why this expression changes."""
        found = []
        names = references(expression)
        for name in sorted(names & self.parameters):
            found.append(("ParameterReference", name, "Static"))
        attributes = attribute_references(expression)
        for name in sorted(names & (self.replaced | self.perhaps)):
            certainty = "Static" if name in self.replaced else "Dynamic"
            of_name = sorted(item for item in attributes if item.split(".", 1)[0] == name)
            sources = [("ResourceAttribute", item) for item in of_name] or [("ResourceReference", name)]
            found += [(source, entity, certainty) for source, entity in sources]
        return found


def change(subject: Subject, causes: Causes) -> dict[str, Any]:
    """One entry of DescribeChangeSet's Changes, with all values."""
    step = subject.step
    action = _ACTIONS.get(step.action, "Modify")
    told: dict[str, Any] = {
        "Action": action,
        "LogicalResourceId": subject.logical_id,
        "ResourceType": subject.type,
        "Scope": [],
        "Details": [],
    }
    if subject.physical_id is not None:
        told["PhysicalResourceId"] = subject.physical_id
    if subject.before is not None:
        told["BeforeContext"] = _context(subject.before)
    if subject.after is not None:
        told["AfterContext"] = _context(subject.after)
    if action == "Remove":
        told["PolicyAction"] = "Delete" if subject.removal in ("Delete", "RetainExceptOnCreate") else subject.removal
    if action == "Modify":
        told["Replacement"] = step.replacement
        if step.replacement != "False":
            told["PolicyAction"] = _REPLACED.get(subject.removal, "ReplaceAndDelete")
        told["Details"] = _details(subject, causes)
        told["Scope"] = sorted({detail["Target"]["Attribute"] for detail in told["Details"]})
    return {"Type": "Resource", "ResourceChange": told}


def _context(properties: Mapping[str, Any]) -> str:
    return json.dumps({"Properties": _texts(properties)})


def _texts(value: Any) -> Any:
    """A change set tells every scalar as text."""
    if isinstance(value, Mapping):
        return {key: _texts(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_texts(item) for item in value]
    return _text(value)


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return value if isinstance(value, str) else str(value)


def _details(subject: Subject, causes: Causes) -> list[dict[str, Any]]:
    details = []
    before, after = subject.before or {}, subject.after or {}
    for name in subject.step.properties:
        target = {
            "Attribute": "Properties",
            "Name": name,
            "RequiresRecreation": subject.step.recreation(name),
            "Path": f"/Properties/{name}",
            "AttributeChangeType": "Add" if name not in before else "Remove" if name not in after else "Modify",
        }
        for key, values in (("BeforeValue", before), ("AfterValue", after)):
            if name in values:
                value = _texts(values[name])
                target[key] = value if isinstance(value, str) else json.dumps(value)
        reasons = causes.of(subject.expressions.get(name))
        details += _with_reasons(target, reasons, unknown=UNKNOWN in str(after.get(name)))
    if subject.step.automatic:
        details.append(_detail({"Attribute": "Properties", "RequiresRecreation": "Never"}, "Dynamic", "Automatic"))
    for attribute in subject.step.attributes:
        reasons = causes.of(subject.metadata) if attribute == "Metadata" else []
        details += _with_reasons({"Attribute": attribute, "RequiresRecreation": "Never"}, reasons)
    return details


def _with_reasons(
    target: Mapping[str, Any], reasons: list[tuple[str, str, str]], *, unknown: bool = False
) -> list[dict[str, Any]]:
    """The details of one target: each reason, and the modification itself, which is certain where it has none."""
    found = [_detail(target, certainty, source) | {"CausingEntity": entity} for source, entity, certainty in reasons]
    return [*found, _detail(target, "Dynamic" if reasons or unknown else "Static", "DirectModification")]


def dynamic_change(
    logical_id: str, type_name: str, physical_id: str, causes: Mapping[str, list[str]]
) -> dict[str, Any]:
    """An entry for a resource that changes only if the attributes that its properties name turn out to have changed."""
    details = []
    for name, attributes in causes.items():
        target = {"Attribute": "Properties", "Name": name, "RequiresRecreation": "Never"}
        details += [_detail(target, "Dynamic", "ResourceAttribute") | {"CausingEntity": item} for item in attributes]
    told = {
        "Action": "Modify",
        "LogicalResourceId": logical_id,
        "PhysicalResourceId": physical_id,
        "ResourceType": type_name,
        "Replacement": "False",
        "Scope": ["Properties"],
        "Details": details,
    }
    return {"Type": "Resource", "ResourceChange": told}


def _detail(target: Mapping[str, Any], evaluation: str, source: str) -> dict[str, Any]:
    return {"Target": dict(target), "Evaluation": evaluation, "ChangeSource": source}


def without_values(told: Mapping[str, Any]) -> dict[str, Any]:
    """A change as it is told to who did not ask for property values."""
    resource = {
        key: value for key, value in told["ResourceChange"].items() if key not in ("BeforeContext", "AfterContext")
    }
    resource["Details"] = [
        {**detail, "Target": {key: value for key, value in detail["Target"].items() if key not in _VALUES}}
        for detail in resource["Details"]
        if not _follows_resources(detail, resource["Details"])
    ]
    return {**told, "ResourceChange": resource}


def _follows_resources(detail: Mapping[str, Any], others: list[dict[str, Any]]) -> bool:
    """Whether this is the direct modification of a property that changes only with other resources."""
    if (detail["ChangeSource"], detail["Evaluation"]) != ("DirectModification", "Dynamic"):
        return False
    where = _place(detail)
    sources = {other["ChangeSource"] for other in others if _place(other) == where} - {"DirectModification"}
    return bool(sources) and sources <= {"ResourceAttribute", "ResourceReference"}


def _place(detail: Mapping[str, Any]) -> tuple[str, str | None]:
    return detail["Target"]["Attribute"], detail["Target"].get("Name")
