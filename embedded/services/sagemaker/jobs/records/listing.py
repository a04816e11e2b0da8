"""What the List operations of all kinds of jobs have in common: filters, order, pages."""

import base64
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Protocol

from embedded.operations import Params, ServiceError


class Listed(Protocol):
    """What is asked of a job by any List operation."""

    name: str
    status: str
    created: datetime
    modified: datetime


_KEYS: Mapping[str, Callable[[Any], Any]] = {
    "Name": lambda job: job.name,
    "CreationTime": lambda job: job.created,
    "Status": lambda job: job.status,
}


def matches(job: Listed, params: Params) -> bool:
    """Whether a job fits the filters that all List operations have."""
    tests: dict[str, Callable[[Any], bool]] = {
        "NameContains": lambda text: text.lower() in job.name.lower(),
        "StatusEquals": lambda status: job.status == status,
        "CreationTimeAfter": lambda moment: job.created > _aware(moment),
        "CreationTimeBefore": lambda moment: job.created < _aware(moment),
        "LastModifiedTimeAfter": lambda moment: job.modified > _aware(moment),
        "LastModifiedTimeBefore": lambda moment: job.modified < _aware(moment),
    }
    return all(test(params[name]) for name, test in tests.items() if name in params)


def page(jobs: Sequence[Any], params: Params) -> tuple[Sequence[Any], dict[str, str]]:
    """One page of jobs, newest first unless the request asks for another order; with the token of the next page."""
    descending = params.get("SortOrder", "Descending") == "Descending"
    found = sorted(jobs, key=_KEYS[params.get("SortBy", "CreationTime")], reverse=descending)
    start = _page_start(params.get("NextToken"))
    end = start + params.get("MaxResults", 10)
    more = {"NextToken": base64.b64encode(str(end).encode()).decode()} if end < len(found) else {}
    return found[start:end], more


def _aware(moment: datetime) -> datetime:
    """The front passes times in UTC, but without a time zone."""
    return moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)


def _page_start(token: str | None) -> int:
    if token is None:
        return 0
    try:
        return int(base64.b64decode(token, validate=True))
    except ValueError:
        raise ServiceError("ValidationException", "The NextToken is invalid.") from None
