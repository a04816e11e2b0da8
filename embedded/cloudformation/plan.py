"""Plans: what a template would add, change, replace and remove, before anything happens."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from typing import Any

from embedded.cloudformation.providers.base import PROVIDERS
from embedded.cloudformation.stack import STORE, Deployed, Inputs, Stack
from embedded.cloudformation.templates import graph, schemas
from embedded.cloudformation.templates.intrinsics import UNKNOWN, Resolver, references
from embedded.cloudformation.templates.template import Resource, Template, check_policy
from embedded.cloudformation.values import PlanLookup, resolver_of

_JOINS_NO_LIST = (
    "Template error: every Fn::Join object requires two parameters, (1) a string delimiter and (2) a list of strings "
    "to be joined or a function that returns a list of strings (such as Fn::GetAZs) to be joined."
)


def desired(template: Template, resolver: Resolver) -> dict[str, Resource]:
    """The template's resources whose conditions hold, with their policies and their metadata worked out."""
    return {
        name: _worked_out(resource, resolver, template.resources.keys())
        for name, resource in template.resources.items()
        if resource.condition is None or resolver.holds(resource.condition)
    }


def _worked_out(resource: Resource, resolver: Resolver, names: Collection[str]) -> Resource:
    deletion, replacement = resolver.resolve(resource.deletion_policy), resolver.resolve(resource.update_replace_policy)
    check_policy(resource.logical_id, "DeletionPolicy", deletion)
    check_policy(resource.logical_id, "UpdateReplacePolicy", replacement)
    # metadata makes no order: what names other resources stays as it is written
    metadata = resource.metadata if references(resource.metadata) & set(names) else resolver.resolve(resource.metadata)
    return replace(resource, metadata=metadata, deletion_policy=deletion, update_replace_policy=replacement)


@dataclass(frozen=True, kw_only=True, slots=True)
class Step:
    """What is to be done with one resource."""

    action: str
    """create, update, replace, remove or none."""

    properties: tuple[str, ...] = ()
    """The properties that differ."""

    attributes: tuple[str, ...] = ()
    """What else of the resource differs: its metadata, its policies."""

    replacing: tuple[str, ...] = ()
    """The properties that make it a replacement."""

    perhaps: tuple[str, ...] = ()
    """The properties that make it a replacement in some cases, which only its service knows."""

    automatic: bool = False
    """Whether it is updated though nothing of it differs: what lies in a nested stack is seen by asking it alone."""

    @classmethod
    def of(
        cls, resource: Resource, old: Deployed, properties: Mapping[str, Any], rewritten: Collection[str] = ()
    ) -> "Step":
        """Compare a resource's wanted properties with those it was made with.

        `rewritten` are the policies that only one of the templates writes: a default that is written is a change.
        """
        names = sorted(set(properties) | set(old.properties))
        differing = tuple(name for name in names if properties.get(name) != old.properties.get(name))
        compared = {
            "DeletionPolicy": resource.deletion_policy != old.deletion_policy,
            "Metadata": resource.metadata != old.metadata,
            "UpdateReplacePolicy": resource.update_replace_policy != old.update_replace_policy,
        }
        attributes = tuple(name for name, differs in compared.items() if differs or name in rewritten)
        if resource.type != old.type:
            return cls(action="replace", properties=differing, attributes=attributes, replacing=differing)
        replacing = schemas.create_only_changes(resource.type, old.properties, dict(properties))
        provider = PROVIDERS.get(resource.type)
        if not replacing and provider is not None and differing and provider.replaces(old.properties, dict(properties)):
            replacing = differing
        if replacing:
            return cls(action="replace", properties=differing, attributes=attributes, replacing=replacing)
        if differing:
            perhaps = schemas.conditional_changes(resource.type, old.properties, dict(properties))
            return cls(action="update", properties=differing, attributes=attributes, perhaps=perhaps)
        if provider is not None and provider.looks_inside:
            return cls(action="update", attributes=attributes, automatic=True)
        return cls(action="none", attributes=attributes)

    @property
    def replacement(self) -> str:
        """Whether the resource is replaced, in DescribeChangeSet's words."""
        return "True" if self.action == "replace" else "Conditional" if self.perhaps else "False"

    def recreation(self, name: str) -> str:
        """Whether a change of this property makes another resource, in DescribeChangeSet's words."""
        return "Always" if name in self.replacing else "Conditionally" if name in self.perhaps else "Never"


@dataclass(frozen=True, kw_only=True, slots=True)
class Plan:
    """Every step, by logical id, and whether anything else of the stack changes."""

    steps: Mapping[str, Step]
    properties: Mapping[str, Mapping[str, Any]]
    """The properties of what is to be there, as far as they are known."""

    outputs_change: bool
    settings_change: bool
    """Whether the stack's tags, its notifications or its rollback configuration change."""

    doubts: Mapping[str, str]
    """Why the properties cannot all be worked out before the deployment, by the resource."""

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to do: CloudFormation then refuses the update."""
        return self.is_empty_but_for(())

    def is_empty_but_for(self, unchanged: Collection[str]) -> bool:
        """Whether there is nothing to do, now that what lies in these nested stacks is known to stay as it is."""
        touched = any(
            step.attributes or (step.action != "none" and name not in unchanged) for name, step in self.steps.items()
        )
        return not (touched or self.outputs_change or self.settings_change)


def make_plan(stack: Stack, inputs: Inputs) -> Plan:
    """Work out the plan; nothing is called but the stack's own memory."""
    lookup = PlanLookup(stack, inputs, STORE)
    resolver = resolver_of(stack, inputs, lookup)
    wanted = desired(inputs.template, resolver)
    steps: dict[str, Step] = {}
    properties: dict[str, Mapping[str, Any]] = {}
    doubts: dict[str, str] = {}
    for name in graph.in_order(wanted):
        old = stack.resources.get(name)
        properties[name] = resolver.resolve(wanted[name].properties)
        if lookup.missing:
            doubts[name] = f"No export named {', '.join(sorted(lookup.missing))}"
        elif _joins_unknown(wanted[name].properties, resolver):
            doubts[name] = _JOINS_NO_LIST
        lookup.missing.clear()
        step = (
            Step(action="create")
            if old is None
            else Step.of(wanted[name], old, properties[name], _rewritten(stack.inputs, inputs, name))
        )
        if step.action in ("create", "replace"):
            lookup.replaced.add(name)
        steps[name] = step
    for name in stack.resources:
        if name not in wanted:
            steps[name] = Step(action="remove")
    return Plan(
        steps=steps,
        properties=properties,
        outputs_change=_outputs_change(stack, inputs, resolver),
        settings_change=stack.inputs is not None and _settings(stack.inputs) != _settings(inputs),
        doubts=doubts,
    )


def _joins_unknown(value: Any, resolver: Resolver) -> bool:
    """Whether a value joins the pieces of a text that nobody knows yet: there is no list to join."""
    if isinstance(value, list):
        return any(_joins_unknown(item, resolver) for item in value)
    if not isinstance(value, dict):
        return False
    joined = value.get("Fn::Join")
    pieces = joined[1] if isinstance(joined, list) and len(joined) == 2 else None
    if isinstance(pieces, dict) and "Fn::Split" in pieces and resolver.resolve(pieces) == UNKNOWN:
        return True
    return any(_joins_unknown(item, resolver) for item in value.values())


def _rewritten(before: Inputs | None, after: Inputs, name: str) -> set[str]:
    if before is None:
        return set()
    old, new = before.template.resources.get(name), after.template.resources[name]
    return set() if old is None else set(old.written_policies ^ new.written_policies)


def _settings(inputs: Inputs) -> tuple[Any, ...]:
    return dict(inputs.tags), inputs.notification_arns, dict(inputs.rollback)


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
