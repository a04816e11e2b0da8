"""The functions that Step Functions adds to JSONata."""

import hashlib
import json
import math
import random
import uuid
from collections.abc import Callable
from typing import Any

from jsonata import Jsonata, jexception
from jsonata.utils import Utils

from embedded.services.stepfunctions.jsonata.values import to_query

_HASHES = {"MD5": "md5", "SHA-1": "sha1", "SHA-256": "sha256", "SHA-384": "sha384", "SHA-512": "sha512"}


def _partition(items: Any = None, size: Any = None) -> Any:
    if items is None:
        return None
    values = items if isinstance(items, list) else [items]
    if not _is_number(size) or math.floor(size) < 1:
        raise _refused("T0410", "partition", 2)
    step = math.floor(size)
    return [values[start : start + step] for start in range(0, len(values), step)]


def _range(first: Any = None, last: Any = None, step: Any = None) -> Any:
    for position, value in enumerate((first, last, step), start=1):
        if not _is_number(value):
            raise _refused("T0410", "range", position)
    if step == 0:
        raise _refused("T0410", "range", 3)
    count = max(math.floor((last - first) / step) + 1, 0)
    return Utils.create_sequence_from_iter(first + index * step for index in range(count))


def _hash(value: Any = None, algorithm: Any = None) -> Any:
    if value is None:
        return None
    if not isinstance(value, str):
        raise _refused("T0410", "hash", 1)
    if algorithm not in _HASHES:
        raise _refused("T0410", "hash", 2)
    return hashlib.new(_HASHES[algorithm], value.encode(), usedforsecurity=False).hexdigest()


def _random(seed: Any = None) -> float:
    return random.random() if seed is None else random.Random(seed).random()


def _uuid() -> str:
    return str(uuid.uuid4())


def _parse(text: Any = None) -> Any:
    if text is None:
        return None
    if not isinstance(text, str):
        raise _refused("T0410", "parse", 1)
    try:
        return to_query(json.loads(text))
    except ValueError as error:
        raise _refused("T0410", "parse", 1) from error


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _refused(code: str, function: str, position: int) -> Exception:
    error: Exception = jexception.JException(code, -1, position, function)
    return error


def _native(function: Callable[..., Any]) -> Any:
    return Jsonata.JLambda(function)


FUNCTIONS: dict[str, Any] = {
    "partition": _native(_partition),
    "range": _native(_range),
    "hash": _native(_hash),
    "random": _native(_random),
    "uuid": _native(_uuid),
    "parse": _native(_parse),
    "eval": Utils.NULL_VALUE,
}
"""By name without the dollar; `$eval` is no function here."""
