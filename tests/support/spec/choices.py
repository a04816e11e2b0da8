"""What a table of features must cover, read off the spec: a field, and every value of a field that is a choice."""

import dataclasses
import types
from collections.abc import Iterator, Mapping
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints


def choices_of(cls: type[Any]) -> Iterator[str]:
    """Every field, and every value of one that is a choice."""
    yield from _choices(cls, "")


def covered_by(cls: type[Any], tables: Mapping[str, Any]) -> Iterator[str]:
    """What these tables set."""
    yield from _covered(cls, tables, "")


def _fields(cls: type[Any]) -> Iterator[tuple[str, Any]]:
    hints = get_type_hints(cls)
    for field in dataclasses.fields(cls):
        yield field.metadata.get("key") or field.name, hints[field.name]


def _inside(hint: Any) -> Any:
    """The type behind an optional, a list or a table."""
    if get_origin(hint) in (Union, types.UnionType):
        return _inside(next(one for one in get_args(hint) if one is not type(None)))
    if get_origin(hint) is tuple:
        return _inside(get_args(hint)[0])
    return _inside(get_args(hint)[1]) if get_origin(hint) is dict else hint


def _choices(cls: type[Any], before: str) -> Iterator[str]:
    for key, hint in _fields(cls):
        inner, path = _inside(hint), f"{before}{key}"
        if dataclasses.is_dataclass(inner):
            yield from _choices(inner, f"{path}.")  # type: ignore[arg-type]
        elif get_origin(inner) is Literal and not _is_number(inner):
            yield from (f"{path}={choice}" for choice in get_args(inner))
        else:
            yield path


def _is_number(hint: Any) -> bool:
    return isinstance(get_args(hint)[0], int)


def _covered(cls: type[Any], tables: Mapping[str, Any], before: str) -> Iterator[str]:
    hints = dict(_fields(cls))
    for key, value in tables.items():
        inner, path = _inside(hints[key]), f"{before}{key}"
        if dataclasses.is_dataclass(inner):
            for one in _tables_in(value, hints[key]):
                yield from _covered(inner, one, f"{path}.")  # type: ignore[arg-type]
        elif value is not None:
            is_choice = get_origin(inner) is Literal and not _is_number(inner)
            values = value if isinstance(value, list) else [value]
            yield from (f"{path}={one}" if is_choice else path for one in values)


def _tables_in(value: Any, hint: Any) -> list[Mapping[str, Any]]:
    if value is None:
        return []
    if isinstance(value, list):
        return value
    is_table_of_tables = get_origin(hint) is dict
    return list(value.values()) if is_table_of_tables else [value]
