"""The fields of a definition: how one is declared, found at a dotted path, and written back as tables."""

import dataclasses
from collections.abc import Callable, Mapping
from typing import Any, Literal, TypeVar, cast, get_args, get_type_hints

T = TypeVar("T")

MISSING = dataclasses.MISSING


def setting(
    default: Any = MISSING,
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
    if default is MISSING:
        return dataclasses.field(metadata=metadata)
    return dataclasses.field(default=default, metadata=metadata)


def dump(tree: Any) -> Any:
    """Turn a dataclass tree into plain tables that `build` reads back, without values that equal their defaults."""
    if dataclasses.is_dataclass(tree):
        fields = fields_of(type(tree))
        values = {key: (field, getattr(tree, field.name)) for key, (field, _) in fields.items()}
        return {key: dump(value) for key, (field, value) in values.items() if value != _default(field)}
    if isinstance(tree, Mapping):
        return {key: dump(value) for key, value in tree.items()}
    if isinstance(tree, tuple | list):
        return [dump(item) for item in tree]
    return tree


_known_fields: dict[type[Any], dict[str, tuple[dataclasses.Field[Any], Any]]] = {}


def fields_of(cls: type[Any]) -> dict[str, tuple[dataclasses.Field[Any], Any]]:
    """The fields of a class by the key that users write; cached, because resolving annotations is slow."""
    if cls not in _known_fields:
        hints = get_type_hints(cls)
        fields = dataclasses.fields(cls)
        _known_fields[cls] = {field.metadata.get("key") or field.name: (field, hints[field.name]) for field in fields}
    return _known_fields[cls]


def field_at(cls: type[Any], path: str) -> tuple[dataclasses.Field[Any], Any]:
    """The field at a dotted path as users write it, such as `limits.max_runtime`, with its type hint."""
    key, _, rest = path.partition(".")
    found, hint = fields_of(cls)[key]
    if not rest:
        return found, hint
    return field_at(_table_type(hint), rest)


def has_field(cls: type[Any], path: str) -> bool:
    """Whether there is a field at a dotted path."""
    key, _, rest = path.partition(".")
    if key not in fields_of(cls):
        return False
    return not rest or has_field(_table_type(fields_of(cls)[key][1]), rest)


def _table_type(hint: Any) -> type[Any]:
    """The class of a table that may be left out, or of one that may not."""
    found = hint if dataclasses.is_dataclass(hint) else next(filter(dataclasses.is_dataclass, get_args(hint)))
    return cast(type[Any], found)


def value_at(tree: Any, path: str) -> Any:
    """The value at a dotted path as users write it."""
    key, _, rest = path.partition(".")
    value = getattr(tree, fields_of(type(tree))[key][0].name)
    return value_at(value, rest) if rest else value


def with_value(tree: T, path: str, value: Any) -> T:
    """The same tree with another value at a dotted path."""
    key, _, rest = path.partition(".")
    name = fields_of(type(tree))[key][0].name
    inner = with_value(getattr(tree, name), rest, value) if rest else value
    return dataclasses.replace(cast(Any, tree), **{name: inner})  # type: ignore[no-any-return]


def _default(field: dataclasses.Field[Any]) -> Any:
    return field.default if field.default_factory is MISSING else field.default_factory()
