"""Matching: an event is a set of named values, and values out of one array must come from the same element."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from embedded.patterns.compiling import Alternative, Wanted

Membership = Mapping[int, int]
"""Which element of which array: arrays are numbered through the event."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Value:
    """One value of an event, and the array elements that it lies in."""

    value: Any
    within: Membership


Fields = Mapping[str, list[Value]]
"""The values of an event by their dotted paths: a dot inside a name and one between two names are the same."""


def fields_of(event: Mapping[str, Any]) -> Fields:
    """The event, flat. Empty objects and empty arrays have no values."""
    found: dict[str, list[Value]] = {}
    arrays = 0

    def add(path: tuple[str, ...], value: Any, within: Membership) -> None:
        nonlocal arrays
        if isinstance(value, Mapping):
            for name, item in value.items():
                add((*path, name), item, within)
        elif isinstance(value, list | tuple):
            array, arrays = arrays, arrays + 1
            for index, item in enumerate(value):
                nested = isinstance(item, Mapping | list | tuple)
                add(path, item, {**within, array: index} if nested else within)
        else:
            found.setdefault(".".join(path), []).append(Value(value=value, within=within))

    add((), event, {})
    return found


def holds(alternative: Alternative, fields: Fields) -> bool:
    """Whether every field of the alternative can be had from the event at once."""
    return _rest_holds(sorted(alternative.items()), fields, {})


def _rest_holds(wanted: list[tuple[str, Wanted]], fields: Fields, chosen: Membership) -> bool:
    if not wanted:
        return True
    (path, one), *rest = wanted
    reachable = [item for item in fields.get(path, ()) if _agree(item.within, chosen)]
    if one.absent and not reachable and _rest_holds(rest, fields, chosen):
        return True
    tried: list[Membership] = []
    for item in reachable:
        if item.within in tried or not (one.exists or any(test(item.value) for test in one.tests)):
            continue
        tried.append(item.within)
        if _rest_holds(rest, fields, {**chosen, **item.within}):
            return True
    return False


def _agree(one: Membership, other: Membership) -> bool:
    return all(other.get(array, index) == index for array, index in one.items())
