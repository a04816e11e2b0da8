"""Comparing what a template says with what a service answers: the same value in two spellings is the same."""

import json
from collections.abc import Iterator, Mapping
from typing import Any

_LISTS_OF_ONE = frozenset({"Action", "NotAction", "Resource", "NotResource", "AWS", "Service", "Federated"})
"""Policy elements in which one thing may stand without brackets."""


def differences(wanted: Any, answered: Any, path: str = "") -> Iterator[tuple[str, Any, Any]]:
    """Where the answer is not what was wanted: the path, the wanted value and the answered one.

    What the service answers beyond the template (defaults, ids, times) is no difference.
    """
    wanted, answered = _opened(wanted), _opened(answered)
    if isinstance(wanted, Mapping) and isinstance(answered, Mapping):
        folded = {str(key).lower(): value for key, value in answered.items()}
        for key, value in wanted.items():
            where = f"{path}.{key}" if path else str(key)
            found = folded.get(str(key).lower())
            if key in _LISTS_OF_ONE:
                value, found = _as_list(value), _as_list(found)
            if found is None and _empty(value):
                continue
            yield from differences(value, found, where)
    elif isinstance(wanted, list) and isinstance(answered, list):
        yield from _list_differences(wanted, answered, path)
    elif not _same_scalar(wanted, answered):
        yield path, wanted, answered


def _list_differences(wanted: list[Any], answered: list[Any], path: str) -> Iterator[tuple[str, Any, Any]]:
    if len(wanted) != len(answered):
        yield path, wanted, answered
        return
    # order matters to almost no service: each wanted item must have an answered one of its own
    left = list(answered)
    for index, item in enumerate(wanted):
        found = next((other for other in left if not any(True for _ in differences(item, other))), None)
        if found is None:
            yield f"{path}[{index}]", item, answered[index]
        else:
            left.remove(found)


def _opened(value: Any) -> Any:
    """JSON text as what it says."""
    if isinstance(value, str) and value[:1] in ("{", "["):
        try:
            return json.loads(value)
        except ValueError:
            return value
    return value


def _as_list(value: Any) -> Any:
    return value if isinstance(value, list | None) else [value]


def _empty(value: Any) -> bool:
    """What a service may leave out of its answer: nothing, or a switch that is off."""
    return value in ("", [], {}, None) or str(value).lower() == "false"


def _same_scalar(wanted: Any, answered: Any) -> bool:
    if isinstance(wanted, bool) or isinstance(answered, bool):
        return str(wanted).lower() == str(answered).lower()
    try:
        return float(wanted) == float(answered)
    except (TypeError, ValueError):
        return str(wanted) == str(answered)
