"""Dataclass trees from what people write: TOML tables, cdk.json, `-c key=value`. Strict, and all problems at once.

A field made by `setting(...)` carries its doc line and its limits; `build` checks a mapping against the dataclass
and collects every problem, so that a person fixes a file once and not line by line.
"""

import dataclasses
import re
import types
from collections.abc import Callable, Mapping
from typing import Any, Literal, TypeVar, Union, cast, get_args, get_origin, get_type_hints

from shardyard.spec.errors import Problem, SpecError, nearest
from shardyard.spec.units import parse_duration, parse_size_gb

T = TypeVar("T")
_MISSING = dataclasses.MISSING
_UNITS: dict[str, Callable[[str], int]] = {"seconds": parse_duration, "gigabytes": parse_size_gb}


def setting(
    default: Any = _MISSING,
    doc: str = "",
    *,
    least: float | None = None,
    most: float | None = None,
    pattern: str | None = None,
    says: str | None = None,
    unit: Literal["seconds", "gigabytes"] | None = None,
    factory: Callable[[], Any] | None = None,
) -> Any:
    """Declare a field: its default, its doc line and its limits. `says` puts a pattern into words."""
    metadata = {"doc": doc, "least": least, "most": most, "pattern": pattern, "says": says, "unit": unit}
    if factory is not None:
        return dataclasses.field(default_factory=factory, metadata=metadata)
    if default is _MISSING:
        return dataclasses.field(metadata=metadata)
    return dataclasses.field(default=default, metadata=metadata)


def build(cls: type[T], raw: Mapping[str, Any], *, where: str, problems: list[Problem], text: bool = False) -> T | None:
    """Build `cls` from a mapping; on any problem add it to `problems` and return None.

    `where` is put before each field's name. With `text`, strings are parsed by annotation (`-c` makes all values
    strings); without it a string for a number is a problem.
    """
    before = len(problems)
    hints = get_type_hints(cls)
    known = {field.name: field for field in dataclasses.fields(cls)}  # type: ignore[arg-type]
    for key in raw:
        if key not in known:
            problems.append(Problem(join(where, key), f"unknown key; {nearest(key, list(known))}"))
    values: dict[str, Any] = {}
    for name, field in known.items():
        if name in raw:
            values[name] = _value(raw[name], hints[name], field.metadata, join(where, name), problems, text)
        elif field.default is _MISSING and field.default_factory is _MISSING:
            problems.append(
                Problem(join(where, name), "missing; " + (field.metadata.get("doc") or "it has no default"))
            )
    if len(problems) > before:
        return None
    try:
        return cls(**values)
    except SpecError as error:
        problems.extend(Problem(join(where, p.where) if p.where else where, p.message) for p in error.problems)
        return None


def join(where: str, name: str) -> str:
    """Add a field's name to a place: a file's name ends in ': ', a table's path in a dot."""
    return f"{where}{name}" if not where or where.endswith((": ", ".", " ")) else f"{where}.{name}"


def _value(raw: Any, hint: Any, limits: Mapping[str, Any], where: str, problems: list[Problem], text: bool) -> Any:
    origin = get_origin(hint)
    if origin in (Union, types.UnionType):
        inner = [arg for arg in get_args(hint) if arg is not type(None)]
        if raw is None:
            return None
        return _value(raw, inner[0] if len(inner) == 1 else object, limits, where, problems, text)
    if origin is Literal:
        return _choice(raw, get_args(hint), where, problems)
    if dataclasses.is_dataclass(hint):
        if not isinstance(raw, Mapping):
            problems.append(Problem(where, f"{raw!r} is not allowed (a table of settings)"))
            return None
        return build(cast(type[Any], hint), raw, where=where, problems=problems, text=text)
    if origin is tuple:
        return _sequence(raw, get_args(hint)[0], limits, where, problems, text)
    if origin is dict:
        return _table(raw, get_args(hint)[1], limits, where, problems, text)
    return _scalar(raw, hint, limits, where, problems, text)


def _choice(raw: Any, allowed: tuple[Any, ...], where: str, problems: list[Problem]) -> Any:
    if raw not in allowed:
        problems.append(Problem(where, f"{raw!r} is not allowed (one of {', '.join(map(str, allowed))})"))
    return raw


def _sequence(raw: Any, hint: Any, limits: Mapping[str, Any], where: str, problems: list[Problem], text: bool) -> Any:
    if text and isinstance(raw, str):
        raw = [part.strip() for part in raw.split(",") if part.strip()]
    if not isinstance(raw, list | tuple):
        problems.append(Problem(where, f"{raw!r} is not allowed (a list)"))
        return ()
    return tuple(_value(item, hint, limits, f"{where}[{i}]", problems, text) for i, item in enumerate(raw))


def _table(raw: Any, hint: Any, limits: Mapping[str, Any], where: str, problems: list[Problem], text: bool) -> Any:
    if not isinstance(raw, Mapping):
        problems.append(Problem(where, f"{raw!r} is not allowed (a table of names and values)"))
        return {}
    return {key: _value(item, hint, limits, join(where, key), problems, text) for key, item in raw.items()}


def _scalar(raw: Any, hint: Any, limits: Mapping[str, Any], where: str, problems: list[Problem], text: bool) -> Any:
    try:
        value = _convert(raw, hint, limits.get("unit"), text)
    except ValueError as error:
        problems.append(Problem(where, str(error)))
        return None
    problem = _outside(value, limits)
    if problem:
        problems.append(Problem(where, problem))
    return value


_NAMES = {bool: "true or false", int: "a whole number", float: "a number", str: "a text"}


def _convert(raw: Any, hint: Any, unit: str | None, text: bool) -> Any:
    if unit and isinstance(raw, str) and not (text and re.fullmatch(r"\d+", raw)):
        return _UNITS[unit](raw)
    if hint is bool:
        if isinstance(raw, bool):
            return raw
        if text and str(raw).lower() in ("true", "false"):
            return str(raw).lower() == "true"
    elif hint is int and not isinstance(raw, bool):
        if isinstance(raw, int):
            return raw
        if text and isinstance(raw, str) and re.fullmatch(r"-?\d+", raw):
            return int(raw)
    elif hint is float and not isinstance(raw, bool):
        if isinstance(raw, int | float):
            return float(raw)
        if text and isinstance(raw, str) and re.fullmatch(r"-?\d+(\.\d+)?([eE][+-]?\d+)?", raw):
            return float(raw)
    elif hint is str:
        if isinstance(raw, str):
            return raw
    elif hint in (object, Any):
        return raw
    raise ValueError(f"{raw!r} is not allowed ({_NAMES.get(hint, 'a ' + str(hint))})")


def _outside(value: Any, limits: Mapping[str, Any]) -> str | None:
    least, most, pattern = limits.get("least"), limits.get("most"), limits.get("pattern")
    if isinstance(value, int | float) and not isinstance(value, bool):
        if (least is not None and value < least) or (most is not None and value > most):
            return f"{value:g} is not allowed ({_range(least, most)})"
    elif isinstance(value, str) and pattern is not None and re.fullmatch(pattern, value) is None:
        return f"{value!r} is not allowed ({limits.get('says') or 'must match ' + pattern})"
    return None


def _range(least: float | None, most: float | None) -> str:
    if most is None:
        return f"{least:g} or more"
    if least is None:
        return f"{most:g} or less"
    return f"{least:g} to {most:g}"
