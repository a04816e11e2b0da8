"""Resources of two sides: what comes, goes, changes, and what a change turns into another resource."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from yard.difference.expressions import holds_expression, is_expression, readable, referred
from yard.difference.fields import Field, differences
from yard.difference.report import ResourceChange
from yard.difference.sides import Side, Stack


@dataclass(frozen=True, kw_only=True, slots=True)
class Schema:
    """What the registry says about a type, as far as replacement goes. Paths as `BucketName`, `Budget/BudgetName`."""

    create_only: Sequence[str] = ()
    """A change of any of these makes another resource."""
    conditionally_create_only: Sequence[str] = ()
    """A change of any of these does so in some cases."""


Registry = Callable[[str], Schema]
"""Tells a type's schema by its name."""

_ATTRIBUTES = ("Condition", "CreationPolicy", "DeletionPolicy", "UpdatePolicy", "UpdateReplacePolicy")


def changes(before: Side, after: Side, registry: Registry) -> Iterator[ResourceChange]:
    """Every resource that a deploy would touch, stack by stack."""
    for stack in after.stacks:
        old = before.by_name.get(stack.name, Stack(name=stack.name, template={}))
        yield from _of_stack(_Pair(old=old, new=stack, before=before, after=after), registry)


@dataclass(frozen=True, kw_only=True, slots=True)
class _Pair:
    """One stack on both sides."""

    old: Stack
    new: Stack
    before: Side
    after: Side

    def in_words(self, field: Field) -> Field:
        """A field whose references are written out."""
        return Field(
            path=field.path,
            before=_written(field.before, self.old, self.before),
            after=_written(field.after, self.new, self.after),
        )


def _of_stack(pair: _Pair, registry: Registry) -> Iterator[ResourceChange]:
    old, new = pair.old, pair.new
    replaced = _replaced(old, new, registry)
    for name in dict.fromkeys([*old.resources, *new.resources]):
        then, now = old.resources.get(name), new.resources.get(name)
        told = now if now is not None else old.resources[name]
        change = ResourceChange(
            stack=new.name,
            resource=(new if now is not None else old).label(name),
            type=told["Type"],
            action="changed",
            physical=old.physical.get(name),
        )
        if then is None:
            yield replace(change, action="added")
        elif now is None:
            yield replace(change, action="removed", keeps=_keeps(then, "DeletionPolicy"))
        elif name in replaced:
            why, certain = replaced[name]
            fields = list(map(pair.in_words, _fields(then, now)))
            keeps = _keeps(now, "UpdateReplacePolicy")
            yield replace(change, action="replaced", fields=fields, replacing=why, certain=certain, keeps=keeps)
        else:
            fields = list(map(pair.in_words, _fields(then, now)))
            if fields:
                yield replace(change, fields=fields)


def _replaced(old: Stack, new: Stack, registry: Registry) -> dict[str, tuple[tuple[str, ...], bool]]:
    """The resources that become others, each with the properties that do it and whether that is certain.

    A reference to a replaced resource takes another value, so that whatever is made from it is replaced as well.
    """
    found: dict[str, tuple[tuple[str, ...], bool]] = {}
    shared = [name for name in new.resources if name in old.resources]
    again = True
    while again:
        again = False
        for name in shared:
            if name not in found:
                why, certain = _replacing(old.resources[name], new.resources[name], registry, found)
                if why:
                    found[name] = (why, certain)
                    again = True
    return found


def _replacing(
    then: Mapping[str, Any], now: Mapping[str, Any], registry: Registry, replaced: Mapping[str, tuple[Any, bool]]
) -> tuple[tuple[str, ...], bool]:
    if then["Type"] != now["Type"]:
        return ("Type",), True
    had, has = then.get("Properties", {}), now.get("Properties", {})
    if had == has and not referred(has) & replaced.keys():
        return (), True
    schema = registry(now["Type"])
    always = _touched(schema.create_only, had, has, replaced)
    perhaps = _touched(schema.conditionally_create_only, had, has, replaced)
    paths = always if always else perhaps
    certain = any(_surely(path.split("/"), had, has, replaced) for path in always)
    return tuple(path.replace("/", ".") for path in paths), certain


def _surely(
    parts: Sequence[str], had: Mapping[str, Any], has: Mapping[str, Any], replaced: Mapping[str, tuple[Any, bool]]
) -> bool:
    """Whether the value will certainly be another: written out on both sides, or of something surely replaced."""
    then, now = _at(had, parts), _at(has, parts)
    if any(replaced[one][1] for one in referred(now) & replaced.keys()):
        return True
    return then != now and not holds_expression(then) and not holds_expression(now)


def _touched(
    paths: Iterable[str], had: Mapping[str, Any], has: Mapping[str, Any], replaced: Mapping[str, Any]
) -> list[str]:
    found = []
    for path in paths:
        then, now = _at(had, path.split("/")), _at(has, path.split("/"))
        if then != now or referred(now) & replaced.keys():
            found.append(path)
    return found


def _at(value: Any, parts: Sequence[str]) -> Any:
    for index, part in enumerate(parts):
        if part == "*":
            return [_at(item, parts[index + 1 :]) for item in value] if isinstance(value, list) else None
        if not isinstance(value, Mapping) or is_expression(value):
            return value if index and is_expression(value) else None
        value = value.get(part)
    return value


def _fields(then: Mapping[str, Any], now: Mapping[str, Any]) -> Iterator[Field]:
    yield from differences(then.get("Properties", {}), now.get("Properties", {}))
    for attribute in _ATTRIBUTES:
        yield from differences(then.get(attribute), now.get(attribute), attribute)
    yield from differences(_metadata(then), _metadata(now), "Metadata")


def _metadata(resource: Mapping[str, Any]) -> dict[str, Any]:
    """What is said about a resource, without what CDK says to itself: it depends on how the app was synthesised."""
    return {key: value for key, value in resource.get("Metadata", {}).items() if not key.startswith("aws:cdk:")}


def _keeps(resource: Mapping[str, Any], policy: str) -> bool:
    return str(resource.get(policy, "Delete")).startswith("Retain")


def _written(value: Any, stack: Stack, side: Side) -> Any:
    return readable(value, stack, side) if holds_expression(value) else value
