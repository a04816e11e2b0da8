"""A request against botocore's model of the service, with everything that botocore itself does not look at."""

import functools
import re
import sys
import unicodedata
from collections.abc import Iterator, Mapping
from typing import Any

import botocore.session

from embedded.operations import ServiceError


@functools.cache
def _service() -> Any:
    return botocore.session.get_session().get_service_model("sagemaker")


def check(operation: str, params: Mapping[str, Any]) -> None:
    """Raise ValidationException with every value that breaks the model, as the service words it."""
    problems = list(_structure(_service().operation_model(operation).input_shape, params, ""))
    if problems:
        count = len(problems)
        head = f"{count} validation error{'s' if count > 1 else ''} detected: "
        raise ServiceError("ValidationException", head + "; ".join(problems))


def _says(value: Any, path: str, constraint: str) -> str:
    shown = "null" if value is None else f"'{value}'"
    return f"Value {shown} at '{path}' failed to satisfy constraint: Member must {constraint}"


def _join(path: str, name: str) -> str:
    name = name[0].lower() + name[1:]
    return f"{path}.{name}" if path else name


def _check(shape: Any, value: Any, path: str) -> Iterator[str]:
    if shape.type_name == "structure":
        yield from _structure(shape, value, path)
    elif shape.type_name == "list":
        yield from _length(shape, value, path)
        for index, item in enumerate(value):
            yield from _check(shape.member, item, f"{path}.{index + 1}.member")
    elif shape.type_name == "map":
        yield from _length(shape, value, path)
        for key, item in value.items():
            yield from _check(shape.key, key, f"{path}.key")
            yield from _check(shape.value, item, f"{path}.{key}")
    elif shape.type_name == "string":
        yield from _string(shape, value, path)
    elif shape.type_name in ("integer", "long", "float", "double"):
        yield from _number(shape, value, path)


def _structure(shape: Any, value: Mapping[str, Any], path: str) -> Iterator[str]:
    for name in shape.required_members:
        if value.get(name) is None:
            yield _says(None, _join(path, name), "not be null")
    for name, member in shape.members.items():
        if value.get(name) is not None:
            yield from _check(member, value[name], _join(path, name))


def _length(shape: Any, value: Any, path: str) -> Iterator[str]:
    least, most = shape.metadata.get("min"), shape.metadata.get("max")
    if least is not None and len(value) < least:
        yield _says(value, path, f"have length greater than or equal to {least}")
    if most is not None and len(value) > most:
        yield _says(value, path, f"have length less than or equal to {most}")


def _string(shape: Any, value: str, path: str) -> Iterator[str]:
    if shape.enum and value not in shape.enum:
        yield _says(value, path, f"satisfy enum value set: [{', '.join(shape.enum)}]")
        return
    yield from _length(shape, value, path)
    pattern = shape.metadata.get("pattern")
    if pattern is not None and _pattern(pattern).fullmatch(value) is None:
        yield _says(value, path, f"satisfy regular expression pattern: {pattern}")


def _number(shape: Any, value: float, path: str) -> Iterator[str]:
    least, most = shape.metadata.get("min"), shape.metadata.get("max")
    if least is not None and value < least:
        yield _says(value, path, f"have value greater than or equal to {least}")
    if most is not None and value > most:
        yield _says(value, path, f"have value less than or equal to {most}")


@functools.cache
def _pattern(java: str) -> re.Pattern[str]:
    text = re.sub(r"\\p\{([LMNPSZ])\}", lambda found: _letters(found[1]), java.replace(r"\p{Alnum}", "A-Za-z0-9"))
    # Java takes an anchor that is repeated, as in `(...)${1,256}`. The whole value is matched anyway.
    return re.compile(re.sub(r"\$\{\d+,\d+\}", "", text))


def _letters(category: str) -> str:
    """The letters of a general category, as the ranges inside a character class."""
    ranges: list[tuple[int, int]] = []
    for code in _by_category()[category]:
        if ranges and ranges[-1][1] == code - 1:
            ranges[-1] = (ranges[-1][0], code)
        else:
            ranges.append((code, code))
    return "".join(f"\\U{first:08x}-\\U{last:08x}" for first, last in ranges)


@functools.cache
def _by_category() -> Mapping[str, list[int]]:
    found: dict[str, list[int]] = {}
    for code in range(sys.maxunicode + 1):
        found.setdefault(unicodedata.category(chr(code))[0], []).append(code)
    return found
