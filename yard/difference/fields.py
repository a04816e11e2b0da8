"""Where two values differ, path by path."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from yard.difference.expressions import is_expression

_NAMES = ("Key", "Name", "Sid", "Id")
"""What tells the members of a list apart, in the order in which they are tried."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Field:
    """One value that differs."""

    path: str
    """Where it stands: `compute.count`, `Tags.owner`."""
    before: Any
    """None where it was not given."""
    after: Any
    """None where it is no longer given."""


def differences(before: Any, after: Any, path: str = "") -> Iterator[Field]:
    """Every value that differs, the deepest that can be named; equal values give none."""
    if before == after:
        return
    then, now = _members(before, beside=after), _members(after, beside=before)
    found = False
    if then is not None and now is not None:
        for key in dict.fromkeys([*then, *now]):
            for one in differences(then.get(key), now.get(key), f"{path}.{key}" if path else key):
                found = True
                yield one
    if not found:  # another order, another spelling of the same JSON, an empty table: CloudFormation sees it too
        yield Field(path=path, before=before, after=after)


def _members(value: Any, *, beside: Any) -> Mapping[str, Any] | None:
    """The parts of a value by name; None for one that is compared as a whole."""
    if value is None and isinstance(beside, Mapping):
        return {}
    if isinstance(value, Mapping):
        return None if is_expression(value) else value
    if isinstance(value, str) and value[:1] == "{":
        return _document(value)
    if isinstance(value, list):
        return _by_name(value)
    return None


def _document(text: str) -> Mapping[str, Any] | None:
    try:
        found = json.loads(text)
    except ValueError:
        return None
    return found if isinstance(found, Mapping) else None


def _by_name(members: Sequence[Any]) -> Mapping[str, Any] | None:
    """A list of named members, such as tags, by their names: a member in front moves none of the others."""
    for name in _NAMES:
        names = [one.get(name) if isinstance(one, Mapping) else None for one in members]
        if members and all(isinstance(one, str) for one in names) and len(set(names)) == len(names):
            return {str(one[name]): one["Value"] if set(one) == {"Key", "Value"} else one for one in members}
    return None
