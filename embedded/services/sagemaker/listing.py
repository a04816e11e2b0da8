"""What the lists of jobs have in common: which jobs a request asks for, and its page of them."""

import base64
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any, TypeVar

from embedded.operations import Params, ServiceError

_PAGE = 10
Item = TypeVar("Item")


def within(params: Params, *, name: str, status: str, created: datetime, modified: datetime) -> bool:
    """Whether a job is one of those that a request asks for."""
    tests: dict[str, Callable[[Any], bool]] = {
        "NameContains": lambda text: text.lower() in name.lower(),
        "StatusEquals": lambda wanted: status == wanted,
        "CreationTimeAfter": lambda moment: created > _aware(moment),
        "CreationTimeBefore": lambda moment: created < _aware(moment),
        "LastModifiedTimeAfter": lambda moment: modified > _aware(moment),
        "LastModifiedTimeBefore": lambda moment: modified < _aware(moment),
    }
    return all(test(params[field]) for field, test in tests.items() if field in params)


def is_descending(params: Params, usual: str) -> bool:
    """Whether a list goes from the last to the first."""
    return bool(params.get("SortOrder", usual) == "Descending")


def page_of(found: Sequence[Item], params: Params) -> tuple[Sequence[Item], dict[str, str]]:
    """The page that a request asks for, and the NextToken if another one follows."""
    start = _page_start(params.get("NextToken"))
    end = start + params.get("MaxResults", _PAGE)
    token = {"NextToken": base64.b64encode(str(end).encode()).decode()} if end < len(found) else {}
    return found[start:end], token


def _aware(moment: datetime) -> datetime:
    """The front passes times in UTC, but without a time zone."""
    return moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)


def _page_start(token: str | None) -> int:
    if token is None:
        return 0
    try:
        return max(0, int(base64.b64decode(token, validate=True)))
    except ValueError:
        raise ServiceError("ValidationException", "The NextToken is invalid.") from None
