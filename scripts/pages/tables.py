"""Rows of the pages on settings and jobs: one per field of a dataclass tree."""

import dataclasses
import types
from typing import Any, Literal, Union, get_args, get_origin

from shardyard.spec.units import format_duration

_UNITS = {"seconds": 'a duration such as "4h"', "gigabytes": 'a size such as "200GB"', "count": 'a count such as "7B"'}
_KINDS = {int: "a whole number", float: "a number", str: "a text", bool: "`true`, `false`"}
HEAD = ("| key | default | allowed | what it is |", "| --- | --- | --- | --- |")


def row(key: str, field: dataclasses.Field[Any], hint: Any) -> str:
    """A field as one line of a table under `HEAD`."""
    doc = str(field.metadata.get("doc", "")).replace("|", "\\|")
    return f"| `{key}` | {default(field)} | {allowed(field, hint)} | {doc} |"


def inside(hint: Any) -> tuple[Any, str]:
    """A hint's inner type, and its suffix on the key: `[]` for a list, `.NAME` for a table of names."""
    origin = get_origin(hint)
    if origin in (Union, types.UnionType):
        inner = [arg for arg in get_args(hint) if arg is not type(None)]
        return inside(inner[0]) if len(inner) == 1 else (hint, "")
    if origin is tuple:
        return get_args(hint)[0], "[]"
    if origin is dict:
        return get_args(hint)[1], ".NAME"
    return hint, ""


def default(field: dataclasses.Field[Any]) -> str:
    """The default, as a user would write it."""
    if field.default is not dataclasses.MISSING:
        value = field.default
    elif field.default_factory is not dataclasses.MISSING:
        value = field.default_factory()
    else:
        return "required"
    # `in` would confuse 0 with False, and could not compare dataclasses
    if value is None or (isinstance(value, str | tuple | dict) and not value) or dataclasses.is_dataclass(value):
        return "none"
    if isinstance(value, bool):
        return f"`{str(value).lower()}`"
    if isinstance(value, tuple):
        return "`" + ", ".join(map(str, value)) + "`"
    unit = field.metadata.get("unit")
    if unit == "seconds":
        return f'`"{format_duration(int(value))}"`'
    if unit == "gigabytes":
        return f'`"{value}GB"`'
    return f"`{value:g}`" if isinstance(value, float) else f"`{value}`"


def allowed(field: dataclasses.Field[Any], hint: Any) -> str:
    """The allowed values."""
    limits = field.metadata
    inner, suffix = inside(hint)
    if get_origin(inner) is Literal:
        return ("a list of " if suffix else "") + ", ".join(f"`{choice}`" for choice in get_args(inner))
    if dataclasses.is_dataclass(inner):
        names = ", ".join(f"`{one.name}`" for one in dataclasses.fields(inner))
        return f"a list of tables: {names}" if suffix == "[]" else "a table"
    if limits.get("says"):
        return str(limits["says"])
    kind = _UNITS.get(str(limits.get("unit"))) or _kind(hint)
    least, most = limits.get("least"), limits.get("most")
    if least is None and most is None:
        return kind
    return f"{kind}, {_number(least, limits)} " + ("or more" if most is None else f"to {_number(most, limits)}")


def _kind(hint: Any) -> str:
    inner, suffix = inside(hint)
    if suffix:
        return "a list" if suffix == "[]" else "names and values"
    return _KINDS.get(inner, "a text, a number, `true` or `false`")


def _number(value: Any, limits: Any) -> str:
    if limits.get("unit") == "seconds":
        return str(format_duration(value))
    return f"{value:g}" + (" GB" if limits.get("unit") == "gigabytes" else "")
