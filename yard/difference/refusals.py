"""What CloudFormation would refuse, before anybody waits for it."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from yard.difference.expressions import referred
from yard.difference.report import ResourceChange
from yard.difference.resources import Registry
from yard.difference.sides import Side


def refusals(before: Side, after: Side, resources: list[ResourceChange], registry: Registry) -> Iterator[str]:
    """A sentence for each reason."""
    yield from _exports(before, after, resources)
    yield from _names(before, after, registry)
    for one in renewed(before, after, resources, registry):
        yield (
            f"{one.stack}: {one.type} {one.name!r} would have to be made anew ({', '.join(one.why)}), and its name is "
            "taken until it is gone; yard move tells what to do"
        )


@dataclass(frozen=True, kw_only=True, slots=True)
class Renewed:
    """A resource that a change makes anew under the name which the old one still has."""

    stack: str
    type: str
    name: str
    why: Sequence[str]
    """The properties whose change does it."""


def renewed(before: Side, after: Side, resources: Iterable[ResourceChange], registry: Registry) -> Iterator[Renewed]:
    """What is certainly replaced and keeps a name that somebody gave it."""
    replaced = {(one.stack, one.resource): one for one in resources if one.action == "replaced" and one.certain}
    names = {(stack, logical_id, key) for stack, logical_id, key in _named(before, registry)}
    for stack, logical_id, key in _named(after, registry):
        change = replaced.get((stack, after.by_name[stack].label(logical_id)))
        if change is not None and (stack, logical_id, key) in names:
            kind, _, name = key
            yield Renewed(stack=stack, type=kind, name=name, why=change.replacing)


def _exports(before: Side, after: Side, resources: list[ResourceChange]) -> Iterator[str]:
    """Exports in use that would go or take another value: the stack that makes them is deployed first."""
    replaced = {(one.stack, one.resource) for one in resources if one.action == "replaced"}
    found: dict[tuple[str, str, str], list[str]] = {}
    for name, (stack, value) in before.exports.items():
        users = [user for user in before.imports.get(name, ()) if user != stack.name]
        if not users or stack.name not in after.by_name:
            continue
        maker, new_value = after.exports.get(name, (None, None))
        if maker is None:
            fate = "would go"
        elif any((maker.name, maker.label(one)) in replaced for one in referred(new_value)):
            fate = "would take another value"
        else:
            continue
        labels = sorted(stack.label(one) for one in referred(value))
        found.setdefault((stack.name, fate, ", ".join(users)), []).append(", ".join(labels) if labels else name)
    for (maker_name, fate, used_by), labels in found.items():
        what = ", ".join(dict.fromkeys(labels))
        yield (
            f"{maker_name}: the export of {what} {fate}, and {used_by} in the account still use it; first deploy a "
            "state in which they do not"
        )


def _names(before: Side, after: Side, registry: Registry) -> Iterator[str]:
    """New resources whose names others still have when they are made."""
    taken = {key: (stack, logical_id) for stack, logical_id, key in _named(before, registry)}
    order = {stack.name: number for number, stack in enumerate(after.stacks)}
    for stack, logical_id, key in _named(after, registry):
        holder, held = taken.get(key, (stack, logical_id))
        if (holder, held) == (stack, logical_id) or logical_id in _resources(before, stack):
            continue
        goes_first = holder in order and order[holder] < order[stack]
        if goes_first and held not in _resources(after, holder):
            continue
        kind, _, name = key
        yield (
            f"{stack}: {kind} {name!r} already exists in {holder}, and has to go before it is made anew; deploy once "
            "without it, then with it"
        )


def _named(side: Side, registry: Registry) -> Iterator[tuple[str, str, tuple[str, str, str]]]:
    for stack in side.stacks:
        for logical_id, resource in stack.resources.items():
            properties: Mapping[str, Any] = resource.get("Properties", {})
            for key in properties:
                name = properties[key]
                if key.endswith("Name") and isinstance(name, str) and key in registry(resource["Type"]).create_only:
                    yield stack.name, logical_id, (resource["Type"], key, name)


def _resources(side: Side, stack: str) -> Mapping[str, Any]:
    return side.by_name[stack].resources if stack in side.by_name else {}
