"""What of a value breaks its shape: required members, types, enums, lengths, ranges and patterns."""

import datetime
import decimal
from collections.abc import Iterator, Mapping
from typing import Any

from embedded.model_check import patterns

_TYPES: Mapping[str, tuple[type, ...]] = {
    "structure": (dict,),
    "map": (dict,),
    "list": (list, tuple),
    "string": (str,),
    "character": (str,),
    "integer": (int,),
    "long": (int,),
    "float": (int, float, decimal.Decimal),
    "double": (int, float, decimal.Decimal),
    "boolean": (bool,),
    "blob": (bytes, str),
    "timestamp": (datetime.datetime, datetime.date, int, float, str),
}
"""What a value of each kind of shape may be in Python."""


def fits(kind: str, value: Any) -> bool:
    """Whether a value is of a shape's kind; Python's booleans are numbers, the services' are not."""
    return isinstance(value, _TYPES[kind]) and (kind == "boolean" or not isinstance(value, bool))


class WrongType(Exception):
    """A value of another type than its shape's, which the service cannot even read."""

    def __init__(self, path: str, wanted: str, value: Any) -> None:
        super().__init__(f"{path}: {type(value).__name__} where the service's model has a {wanted}")


def problems(shape: Any, value: Mapping[str, Any]) -> Iterator[str]:
    """Each broken constraint of an operation's input, as services word it; raises `WrongType`."""
    return _structure(shape, value, "")


def _says(shape: Any, value: Any, path: str, constraint: str) -> str:
    if value is None:
        shown = "Value null"
    elif shape.metadata.get("sensitive"):
        shown = "Value"
    else:
        shown = f"Value '{value}'"
    return f"{shown} at '{path}' failed to satisfy constraint: Member must {constraint}"


def _join(path: str, name: str) -> str:
    name = name[0].lower() + name[1:]
    return f"{path}.{name}" if path else name


def _check(shape: Any, value: Any, path: str) -> Iterator[str]:
    kind = shape.type_name
    if not fits(kind, value) and not getattr(shape, "is_document_type", False):
        raise WrongType(path, kind, value)
    if kind == "structure":
        yield from _structure(shape, value, path)
    elif kind == "list":
        yield from _length(shape, value, path)
        for index, item in enumerate(value):
            yield from _check(shape.member, item, f"{path}.{index + 1}.member")
    elif kind == "map":
        yield from _length(shape, value, path)
        for key, item in value.items():
            yield from _check(shape.key, key, f"{path}.key")
            yield from _check(shape.value, item, f"{path}.{key}")
    elif kind == "string":
        yield from _string(shape, value, path)
    elif kind in ("integer", "long", "float", "double"):
        yield from _number(shape, value, path)
    elif kind == "blob":
        yield from _length(shape, value, path)


def _structure(shape: Any, value: Mapping[str, Any], path: str) -> Iterator[str]:
    if getattr(shape, "is_document_type", False):
        return
    for name in shape.required_members:
        if value.get(name) is None:
            yield _says(shape, None, _join(path, name), "not be null")
    for name, member in shape.members.items():
        if value.get(name) is not None:
            yield from _check(member, value[name], _join(path, name))


def _length(shape: Any, value: Any, path: str) -> Iterator[str]:
    least, most = shape.metadata.get("min"), shape.metadata.get("max")
    if least is not None and len(value) < least:
        yield _says(shape, value, path, f"have length greater than or equal to {least}")
    if most is not None and len(value) > most:
        yield _says(shape, value, path, f"have length less than or equal to {most}")


def _string(shape: Any, value: str, path: str) -> Iterator[str]:
    if shape.enum and value not in shape.enum:
        yield _says(shape, value, path, f"satisfy enum value set: [{', '.join(shape.enum)}]")
        return
    yield from _length(shape, value, path)
    pattern = shape.metadata.get("pattern")
    if pattern is not None and patterns.compiled(pattern).fullmatch(value) is None:
        yield _says(shape, value, path, f"satisfy regular expression pattern: {pattern}")


def _number(shape: Any, value: float, path: str) -> Iterator[str]:
    least, most = shape.metadata.get("min"), shape.metadata.get("max")
    if least is not None and value < least:
        yield _says(shape, value, path, f"have value greater than or equal to {least}")
    if most is not None and value > most:
        yield _says(shape, value, path, f"have value less than or equal to {most}")
