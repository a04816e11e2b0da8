"""Definitions from tables: strict, and all problems at once, so that users fix a file once and not line by line."""

import dataclasses
import shlex
import types
from collections.abc import Mapping
from typing import Any, Literal, TypeVar, Union, cast, get_args, get_origin

from contract.hyperparameters import Scalar
from shardyard.spec.errors import MOST_TOLD, Problem, SpecError, nearest, said
from shardyard.spec.tree.fields import MISSING, fields_of
from shardyard.spec.tree.scalars import is_torn, scalar, torn

T = TypeVar("T")

_MOST_UNKNOWN = 20
"""To look for what each of 800,000 keys was meant to be takes a minute."""


def build(cls: type[T], raw: Mapping[str, Any], *, where: str, problems: list[Problem], text: bool = False) -> T | None:
    """Build `cls` from a mapping; on any problem add it to `problems` and return None.

    `where` is the prefix of each field's name. With `text`, strings are parsed by annotation (`-c` makes all values
    strings); without it, a string for a number is a problem.
    """
    before = len(problems)
    known = fields_of(cls)
    unknown = [key for key in raw if key not in known]
    problems.extend(Problem(join(where, key), f"unknown key; {_meant(key, known)}") for key in unknown[:_MOST_UNKNOWN])
    if len(unknown) > _MOST_UNKNOWN:
        problems.append(Problem(where.removesuffix(": "), f"{len(unknown) - _MOST_UNKNOWN:,} more unknown keys"))
    values: dict[str, Any] = {}
    for key, (field, hint) in known.items():
        if key in raw:
            values[field.name] = _value(raw[key], hint, field.metadata, join(where, key), problems, text)
        elif field.default is MISSING and field.default_factory is MISSING:
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


def join(where: str, name: str) -> str:
    """Add a field's name to a place: a file's name ends in ': ', a table's path in a dot."""
    return f"{where}{name}" if not where or where.endswith((": ", ".", " ")) else f"{where}.{name}"


def _inside(sentence: str) -> str:
    """A doc line for the middle of a sentence: no full stop, and lower case unless it begins with an acronym."""
    first = sentence[:1] if sentence[1:2].isupper() else sentence[:1].lower()
    return (first + sentence[1:]).removesuffix(".")


def _path(where: str) -> str:
    """The table's own name at the end of a place."""
    return where.rpartition(" ")[2]


def _value(raw: Any, hint: Any, limits: Mapping[str, Any], where: str, problems: list[Problem], text: bool) -> Any:
    origin = get_origin(hint)
    if origin in (Union, types.UnionType):
        inner = [arg for arg in get_args(hint) if arg is not type(None)]
        if raw is None and len(inner) < len(get_args(hint)):
            return None
        if len(inner) > 1:
            return scalar(raw, Scalar, limits, where, problems, text)
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
    return scalar(raw, hint, limits, where, problems, text)


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
        if is_torn(key):
            problems.append(torn(join(where, key)))
        values[key] = _value(item, hint, limits, join(where, key), problems, text)
        if len(problems) - before > MOST_TOLD:
            break
    return values
