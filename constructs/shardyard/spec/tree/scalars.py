"""One text, number or truth value of a definition: read, converted, and held to the limits of its field."""

import math
import re
from collections.abc import Callable, Mapping
from typing import Any

from contract.hyperparameters import Scalar
from shardyard.spec.errors import Problem, said
from shardyard.spec.units import format_duration, parse_count, parse_duration, parse_size_gb

_UNITS: dict[str, Callable[[str], float]] = {
    "seconds": parse_duration,
    "gigabytes": parse_size_gb,
    "count": parse_count,
}

_TORN = "it holds half a letter, which no text can (a lone surrogate)"


def is_torn(text: str) -> bool:
    """Whether a text holds half a letter, which no file and no service takes."""
    return any("\ud800" <= letter <= "\udfff" for letter in text)


def torn(where: str) -> Problem:
    """The problem of a text that holds half a letter."""
    return Problem(where, _TORN)


def scalar(raw: Any, hint: Any, limits: Mapping[str, Any], where: str, problems: list[Problem], text: bool) -> Any:
    """The value in the type that its field has; with `text`, a text is read as one."""
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
    if isinstance(raw, str) and is_torn(raw):
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
