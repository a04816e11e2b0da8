"""JSON values for the evaluator, and back."""

from collections.abc import Mapping
from typing import Any

from jsonata.utils import Utils


class Unsupported(Exception):
    """The expression returned what JSON cannot hold: a function or a regular expression."""


def to_query(value: Any) -> Any:
    """A JSON value for the evaluator, which tells null from nothing and writes whole numbers without a point."""
    if value is None:
        return Utils.NULL_VALUE
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if isinstance(value, Mapping):
        return {key: to_query(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [to_query(item) for item in value]
    return value


def from_query(value: Any) -> Any:
    """A result of the evaluator as JSON values."""
    if value is Utils.NULL_VALUE or value is None:
        return None
    if isinstance(value, bool | int | str):
        return value
    if isinstance(value, float):
        return int(value) if value.is_integer() else value
    if isinstance(value, Mapping):
        return {key: from_query(item) for key, item in value.items()}
    if isinstance(value, list):
        return [from_query(value[index]) for index in range(len(value))]
    raise Unsupported
