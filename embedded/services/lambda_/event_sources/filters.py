"""Which records of a source reach the function: filters in the language of EventBridge's patterns."""

import json
from collections.abc import Mapping
from typing import Any

from embedded.operations import ServiceError
from embedded.patterns import PatternError, compile_pattern, matches

_INSIDE = {"sqs": "body"}
"""The field whose text is read as JSON, where it is."""


def _patterns(settings: Mapping[str, Any]) -> list[str]:
    return [one["Pattern"] for one in (settings.get("FilterCriteria") or {}).get("Filters", ()) if "Pattern" in one]


def check_filters(settings: Mapping[str, Any]) -> None:
    """Refuse a pattern that is none."""
    for pattern in _patterns(settings):
        try:
            compile_pattern(pattern)
        except PatternError as error:
            raise ServiceError("InvalidParameterValueException", "Invalid filter pattern definition.") from error


def passes(record: Mapping[str, Any], kind: str, settings: Mapping[str, Any]) -> bool:
    """Whether a record is for the function."""
    patterns = _patterns(settings)
    if not patterns:
        return True
    seen, inside = dict(record), _INSIDE.get(kind)
    if inside is not None:
        try:
            seen[inside] = json.loads(record[inside])
        except ValueError:
            seen[inside] = record[inside]
    return any(matches(pattern, seen) for pattern in patterns)
