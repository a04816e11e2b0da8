"""Pages of lists, with the service's limits."""

import base64
from typing import Any

from embedded.operations import Params, ServiceError

_MOST_RESULTS = 1000


def page(items: list[Any], params: Params, *, default: int = 100, token_length: int = 1024) -> tuple[list[Any], Params]:
    """One page and the token of the next."""
    size, token = params.get("maxResults") or default, params.get("nextToken")
    if size > _MOST_RESULTS:
        raise _invalid(size, "maxResults", f"Member must have value less than or equal to {_MOST_RESULTS}")
    if token is not None and len(token) > token_length:
        raise _invalid(token, "nextToken", f"Member must have length less than or equal to {token_length}")
    start = 0 if token is None else _offset(token)
    more = start + size < len(items)
    following = {"nextToken": base64.b64encode(f"offset={start + size}".encode()).decode()} if more else {}
    return items[start : start + size], following


def _offset(token: str) -> int:
    try:
        return int(base64.b64decode(token, validate=True).decode().removeprefix("offset="))
    except ValueError as error:
        raise ServiceError("InvalidToken", "Invalid Token: 'Invalid token'") from error


def _invalid(value: Any, field: str, constraint: str) -> ServiceError:
    text = f"1 validation error detected: Value '{value}' at '{field}' failed to satisfy constraint: {constraint}"
    return ServiceError("ValidationException", text)


def check_enum(value: str | None, field: str, allowed: str) -> None:
    """Refuse a value outside of an enumeration, in the service's words; `allowed` is in the service's order."""
    if value is not None and value not in allowed.split(", "):
        raise _invalid(value, field, f"Member must satisfy enum value set: [{allowed}]")
