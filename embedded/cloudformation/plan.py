"""Plans: what a template would add, change, replace and remove, before anything happens."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from embedded.cloudformation.providers.base import PROVIDERS
from embedded.cloudformation.stack import STORE, Deployed, Inputs, Stack
from embedded.cloudformation.templates import graph, schemas
from embedded.cloudformation.templates.intrinsics import Resolver
from embedded.cloudformation.templates.template import Resource, Template
from embedded.cloudformation.values import PlanLookup, resolver_of


def desired(template: Template, resolver: Resolver) -> dict[str, Resource]:
    """The template's resources whose conditions hold."""
    return {
        name: resource
        for name, resource in template.resources.items()
        if resource.condition is None or resolver.holds(resource.condition)
    }


@dataclass(frozen=True, kw_only=True, slots=True)
class Step:
    """What is to be done with one resource."""

    action: str
    """create, update, replace, remove or none."""

    properties: tuple[str, ...] = ()
    """The properties that differ."""

    metadata: bool = False
    """Whether the metadata differs."""

    replacing: tuple[str, ...] = ()
    """The properties that make it a replacement."""

    @classmethod
    def of(cls, resource: Resource, old: Deployed, properties: Mapping[str, Any]) -> "Step":
        """Compare a resource's wanted properties with those it was made with."""
        names = sorted(set(properties) | set(old.properties))
        differing = tuple(name for name in names if properties.get(name) != old.properties.get(name))
        metadata = resource.metadata != old.metadata
        if resource.type != old.type:
            return cls(action="replace", properties=differing, metadata=metadata, replacing=differing)
        replacing = schemas.create_only_changes(resource.type, old.properties, dict(properties))
        provider = PROVIDERS.get(resource.type)
        if not replacing and provider is not None and differing and provider.replaces(old.properties, dict(properties)):
            replacing = differing
        if replacing:
            return cls(action="replace", properties=differing, metadata=metadata, replacing=replacing)
        if differing:
            return cls(action="update", properties=differing, metadata=metadata)
        return cls(action="none", metadata=metadata)


@dataclass(frozen=True, kw_only=True, slots=True)
class Plan:
    """Every step, by logical id, and whether anything else of the stack changes."""

    steps: Mapping[str, Step]
    types: Mapping[str, str]
    physical_ids: Mapping[str, str]
    outputs_change: bool
    tags_change: bool

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to do: CloudFormation then refuses the update."""
        touched = any(step.action != "none" or step.metadata for step in self.steps.values())
        return not (touched or self.outputs_change or self.tags_change)

    def changes(self) -> list[dict[str, Any]]:
        """As DescribeChangeSet tells it."""
        return [
            {"Type": "Resource", "ResourceChange": self._change(name, step)}
            for name, step in self.steps.items()
            if step.action != "none" or step.metadata
        ]

    def _change(self, name: str, step: Step) -> dict[str, Any]:
        action = {"create": "Add", "remove": "Remove"}.get(step.action, "Modify")
        change: dict[str, Any] = {
            "Action": action,
            "LogicalResourceId": name,
            "ResourceType": self.types[name],
            "Scope": [],
            "Details": [],
        }
        if name in self.physical_ids:
            change["PhysicalResourceId"] = self.physical_ids[name]
        if action != "Modify":
            return change
        change["Replacement"] = "True" if step.action == "replace" else "False"
        for prop in step.properties:
            recreation = "Always" if prop in step.replacing else "Never"
            target = {"Attribute": "Properties", "Name": prop, "RequiresRecreation": recreation}
            change["Details"].append({"Target": target, "Evaluation": "Static", "ChangeSource": "DirectModification"})
        if step.metadata:
            target = {"Attribute": "Metadata", "RequiresRecreation": "Never"}
            change["Details"].append({"Target": target, "Evaluation": "Static", "ChangeSource": "DirectModification"})
        change["Scope"] = sorted({detail["Target"]["Attribute"] for detail in change["Details"]})
        return change


def make_plan(stack: Stack, inputs: Inputs) -> Plan:
    """Work out the plan; nothing is called but the stack's own memory."""
    lookup = PlanLookup(stack, inputs, STORE)
    resolver = resolver_of(stack, inputs, lookup)
    wanted = desired(inputs.template, resolver)
    steps: dict[str, Step] = {}
    for name in graph.in_order(wanted):
        old = stack.resources.get(name)
        properties = resolver.resolve(wanted[name].properties)
        step = Step(action="create") if old is None else Step.of(wanted[name], old, properties)
        if step.action in ("create", "replace"):
            lookup.replaced.add(name)
        steps[name] = step
    for name in stack.resources:
        if name not in wanted:
            steps[name] = Step(action="remove")
    return Plan(
        steps=steps,
        types={name: item.type for name, item in stack.resources.items()}
        | {name: resource.type for name, resource in wanted.items()},
        physical_ids={name: item.physical_id for name, item in stack.resources.items()},
        outputs_change=_outputs_change(stack, inputs, resolver),
        tags_change=stack.inputs is not None and dict(stack.inputs.tags) != dict(inputs.tags),
    )


def _outputs_change(stack: Stack, inputs: Inputs, resolver: Resolver) -> bool:
    wanted: dict[str, tuple[Any, Any]] = {}
    for name, output in inputs.template.outputs.items():
        condition = output.get("Condition")
        if condition is None or resolver.holds(condition):
            export = output.get("Export")
            value = resolver.resolve(output["Value"])
            text = str(value).lower() if isinstance(value, bool) else str(value)
            wanted[name] = (text, None if export is None else resolver.resolve(export["Name"]))
    return wanted != {name: (output.value, output.export) for name, output in stack.outputs.items()}
