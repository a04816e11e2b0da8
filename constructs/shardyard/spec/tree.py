"""Dataclass trees from TOML tables, cdk.json and `-c key=value`. Strict, and all problems at once.

A field made by `setting(...)` carries its doc line and its limits; `build` checks a mapping against the dataclass
and collects every problem, so that users fix a file once and not line by line.
"""

import dataclasses
import math
import re
import shlex
import types
from collections.abc import Callable, Mapping
from typing import Any, Literal, TypeVar, Union, cast, get_args, get_origin, get_type_hints

from contract.hyperparameters import Scalar
from shardyard.spec.errors import MOST_TOLD, Problem, SpecError, nearest, said
from shardyard.spec.units import format_duration, parse_count, parse_duration, parse_size_gb

T = TypeVar("T")

_MISSING = dataclasses.MISSING
_MOST_UNKNOWN = 20
"""To look for what each of 800,000 keys was meant to be takes a minute."""
_UNITS: dict[str, Callable[[str], float]] = {
    "seconds": parse_duration,
    "gigabytes": parse_size_gb,
    "count": parse_count,
}


def setting(
    default: Any = _MISSING,
    doc: str = "",
    *,
    least: float | None = None,
    most: float | None = None,
    pattern: str | None = None,
    says: str | None = None,
    unit: Literal["seconds", "gigabytes", "count", "words"] | None = None,
    key: str | None = None,
    factory: Callable[[], Any] | None = None,
    internal: bool = False,
    formerly: str | None = None,
) -> Any:
    """Declare a field: its default, its doc line and its limits.

    `says` describes a pattern in words; `key` is the name that users write if it differs from the field's
    (`max_runtime = "4h"` for `max_runtime_seconds`). An `internal` field is set by the program and never suggested.
    `formerly` is the key of earlier versions, so that the error about it can name the new one. A list of `words` is
    read from a text as a shell would, any other list at the commas.
    """
    limits = {"least": least, "most": most, "pattern": pattern, "says": says, "unit": unit}
    metadata = {**limits, "doc": doc, "key": key, "internal": internal, "formerly": formerly}
    if factory is not None:
        return dataclasses.field(default_factory=factory, metadata=metadata)
    if default is _MISSING:
        return dataclasses.field(metadata=metadata)
    return dataclasses.field(default=default, metadata=metadata)


def build(cls: type[T], raw: Mapping[str, Any], *, where: str, problems: list[Problem], text: bool = False) -> T | None:
    """Build `cls` from a mapping; on any problem add it to `problems` and return None.

    `where` is the prefix of each field's name. With `text`, strings are parsed by annotation (`-c` makes all values
    strings); without it, a string for a number is a problem.
    """
    before = len(problems)
    known = _fields(cls)
    unknown = [key for key in raw if key not in known]
    problems.extend(Problem(join(where, key), f"unknown key; {_meant(key, known)}") for key in unknown[:_MOST_UNKNOWN])
    if len(unknown) > _MOST_UNKNOWN:
        problems.append(Problem(where.removesuffix(": "), f"{len(unknown) - _MOST_UNKNOWN:,} more unknown keys"))
    values: dict[str, Any] = {}
    for key, (field, hint) in known.items():
        if key in raw:
            values[field.name] = _value(raw[key], hint, field.metadata, join(where, key), problems, text)
        elif field.default is _MISSING and field.default_factory is _MISSING:
            problems.append(Problem(join(where, key), f"missing; {_inside(field.metadata['doc'])}"))
    if len(problems) > before:
        return None
    try:
        return cls(**values)
    except SpecError as error:
        problems.extend(Problem(join(where, p.where) if p.where else where, p.message) for p in error.problems)
        return None


def _meant(key: str, known: Mapping[str, tuple[dataclasses.Field[Any], Any]]) -> str:
    renamed = [name for name, (field, _) in known.items() if field.metadata.get("formerly") == key]
    people_set = [name for name, (field, _) in known.items() if not field.metadata.get("internal")]
    return f"it is called {renamed[0]!r} now" if renamed else nearest(key, people_set)


def dump(tree: Any) -> Any:
    """Turn a dataclass tree into plain tables that `build` reads back, without values that equal their defaults."""
    if dataclasses.is_dataclass(tree):
        fields = _fields(type(tree))
        values = {key: (field, getattr(tree, field.name)) for key, (field, _) in fields.items()}
        return {key: dump(value) for key, (field, value) in values.items() if value != _default(field)}
    if isinstance(tree, Mapping):
        return {key: dump(value) for key, value in tree.items()}
    if isinstance(tree, tuple | list):
        return [dump(item) for item in tree]
    return tree


_known_fields: dict[type[Any], dict[str, tuple[dataclasses.Field[Any], Any]]] = {}


def _fields(cls: type[Any]) -> dict[str, tuple[dataclasses.Field[Any], Any]]:
    """The fields of a class by the key that users write; cached, because resolving annotations is slow."""
    if cls not in _known_fields:
        hints = get_type_hints(cls)
        fields = dataclasses.fields(cls)
        _known_fields[cls] = {field.metadata.get("key") or field.name: (field, hints[field.name]) for field in fields}
    return _known_fields[cls]


def field_at(cls: type[Any], path: str) -> tuple[dataclasses.Field[Any], Any]:
    """The field at a dotted path as users write it, such as `limits.max_runtime`, with its type hint."""
    key, _, rest = path.partition(".")
    found, hint = _fields(cls)[key]
    if not rest:
        return found, hint
    return field_at(_table_type(hint), rest)


def has_field(cls: type[Any], path: str) -> bool:
    """Whether there is a field at a dotted path."""
    key, _, rest = path.partition(".")
    if key not in _fields(cls):
        return False
    return not rest or has_field(_table_type(_fields(cls)[key][1]), rest)


def _table_type(hint: Any) -> type[Any]:
    """The class of a table that may be left out, or of one that may not."""
    found = hint if dataclasses.is_dataclass(hint) else next(filter(dataclasses.is_dataclass, get_args(hint)))
    return cast(type[Any], found)


def value_at(tree: Any, path: str) -> Any:
    """The value at a dotted path as users write it."""
    key, _, rest = path.partition(".")
    value = getattr(tree, _fields(type(tree))[key][0].name)
    return value_at(value, rest) if rest else value


def with_value(tree: T, path: str, value: Any) -> T:
    """The same tree with another value at a dotted path."""
    key, _, rest = path.partition(".")
    name = _fields(type(tree))[key][0].name
    inner = with_value(getattr(tree, name), rest, value) if rest else value
    return dataclasses.replace(cast(Any, tree), **{name: inner})  # type: ignore[no-any-return]


def _default(field: dataclasses.Field[Any]) -> Any:
    return field.default if field.default_factory is _MISSING else field.default_factory()


def join(where: str, name: str) -> str:
    """Add a field's name to a place: a file's name ends in ': ', a table's path in a dot."""
    return f"{where}{name}" if not where or where.endswith((": ", ".", " ")) else f"{where}.{name}"


def _value(raw: Any, hint: Any, limits: Mapping[str, Any], where: str, problems: list[Problem], text: bool) -> Any:
    origin = get_origin(hint)
    if origin in (Union, types.UnionType):
        inner = [arg for arg in get_args(hint) if arg is not type(None)]
        if raw is None and len(inner) < len(get_args(hint)):
            return None
        if len(inner) > 1:
            return _scalar(raw, Scalar, limits, where, problems, text)
        return _value(raw, inner[0], limits, where, problems, text)
    if origin is Literal:
        return _choice(raw, get_args(hint), where, problems, text)
    if dataclasses.is_dataclass(hint):
        if not isinstance(raw, Mapping):
            table = (
                f"one table: [{_path(where)}] in single brackets" if isinstance(raw, list) else "a table of settings"
            )
            problems.append(Problem(where, f"{said(raw)} is not allowed ({table})"))
            return None
        return build(cast(type[Any], hint), raw, where=where, problems=problems, text=text)
    if origin is tuple:
        return _sequence(raw, get_args(hint)[0], limits, where, problems, text)
    if origin is dict:
        return _table(raw, get_args(hint)[1], limits, where, problems, text)
    return _scalar(raw, hint, limits, where, problems, text)


def _choice(raw: Any, allowed: tuple[Any, ...], where: str, problems: list[Problem], text: bool) -> Any:
    for choice in allowed:
        if raw == choice or (text and raw == str(choice)):
            return choice
    problems.append(Problem(where, f"{said(raw)} is not allowed (one of {', '.join(map(str, allowed))})"))
    return None


def _sequence(raw: Any, hint: Any, limits: Mapping[str, Any], where: str, problems: list[Problem], text: bool) -> Any:
    if text and isinstance(raw, str):
        try:
            raw = _split(raw, limits.get("unit"))
        except ValueError as error:
            problems.append(Problem(where, f"{said(raw)} is not allowed ({error})"))
            return ()
    if not isinstance(raw, list | tuple):
        tables = isinstance(raw, Mapping) and not text
        wanted = f"a list: [[{_path(where)}]] in double brackets" if tables else "a list"
        problems.append(Problem(where, f"{said(raw)} is not allowed ({wanted})"))
        return ()
    values, before = [], len(problems)
    for number, item in enumerate(raw):
        values.append(_value(item, hint, limits, f"{where}[{number}]", problems, text))
        if len(problems) - before > MOST_TOLD:
            break
    return tuple(values)


def _split(text: str, unit: str | None) -> list[str]:
    return shlex.split(text) if unit == "words" else [part.strip() for part in text.split(",") if part.strip()]


def _table(raw: Any, hint: Any, limits: Mapping[str, Any], where: str, problems: list[Problem], text: bool) -> Any:
    if not isinstance(raw, Mapping):
        problems.append(Problem(where, f"{said(raw)} is not allowed (a table of names and values)"))
        return {}
    values, before = {}, len(problems)
    for key, item in raw.items():
        if _is_torn(key):
            problems.append(Problem(join(where, key), _TORN))
        values[key] = _value(item, hint, limits, join(where, key), problems, text)
        if len(problems) - before > MOST_TOLD:
            break
    return values


_TORN = "it holds half a letter, which no text can (a lone surrogate)"


def _is_torn(text: str) -> bool:
    return any("\ud800" <= letter <= "\udfff" for letter in text)


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
_WRITTEN: dict[Any, tuple[str, Callable[[str], Any]]] = {
    bool: ("true|false|True|False", lambda raw: raw.lower() == "true"),
    int: (r"-?\d+", int),
    float: (r"-?\d+(\.\d+)?([eE][+-]?\d+)?", float),
}


def _convert(raw: Any, hint: Any, unit: str | None, text: bool) -> Any:
    if hint in (object, Any):
        return raw
    if isinstance(raw, str) and _is_torn(raw):
        raise ValueError(f"{said(raw)} is not allowed: {_TORN}")
    if isinstance(raw, str) and "\0" in raw:
        raise ValueError(f"{said(raw)} is not allowed (a text without the character NUL)")
    if isinstance(raw, float) and not math.isfinite(raw):
        raise ValueError(f"{raw} is not allowed (a number that is finite)")
    if hint is Scalar:
        return _any_scalar(raw)
    if unit in _UNITS and isinstance(raw, str) and not (text and re.fullmatch(r"\d+", raw)):
        return _UNITS[unit](raw)
    if type(raw) is hint:
        return raw
    if hint is float and type(raw) is int:
        return float(raw)
    pattern, read = _WRITTEN.get(hint, ("", str))
    if text and isinstance(raw, str) and re.fullmatch(pattern, raw):
        value = read(raw)
        if not isinstance(value, float) or math.isfinite(value):
            return value
    raise ValueError(f"{said(raw)} is not allowed ({_NAMES.get(hint, 'a ' + str(hint))})")


def _any_scalar(raw: Any) -> Any:
    if type(raw) not in _NAMES:
        raise ValueError(f"{said(raw)} is not allowed (a text, a number, true or false)")
    return raw


def _outside(value: Any, limits: Mapping[str, Any]) -> str | None:
    least, most, pattern = limits.get("least"), limits.get("most"), limits.get("pattern")
    if isinstance(value, int | float) and not isinstance(value, bool):
        if (least is not None and value < least) or (most is not None and value > most):
            unit = limits.get("unit")
            return f"{_shown(value, unit)} is not allowed ({_range(least, most, unit)})"
    elif isinstance(value, str) and pattern is not None and re.fullmatch(pattern, value) is None:
        says = limits["says"] if limits["says"] is not None else f"it must match {pattern}"
        return f"{said(value)} is not allowed ({says})"
    return None


def _inside(sentence: str) -> str:
    """A doc line for the middle of a sentence: no full stop, and lower case unless it begins with an acronym."""
    first = sentence[:1] if sentence[1:2].isupper() else sentence[:1].lower()
    return (first + sentence[1:]).removesuffix(".")


def _path(where: str) -> str:
    """The table's own name at the end of a place."""
    return where.rpartition(" ")[2]


def _range(least: float | None, most: float | None, unit: str | None) -> str:
    if most is None:
        return f"{_shown(least, unit)} or more"
    if least is None:
        return f"{_shown(most, unit)} or less"
    return f"{_shown(least, unit)} to {_shown(most, unit)}"


def _shown(number: Any, unit: str | None) -> str:
    """A number as its author would write it: durations and sizes with units, whole numbers with all digits."""
    if unit == "seconds":
        return format_duration(number)
    digits = str(number) if isinstance(number, int) else f"{number:g}"
    return digits + "GB" * (unit == "gigabytes")
