"""Events and operations: the lines of a stack's history, and what they belong to."""

import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any


def now() -> datetime:
    """The time, as events and descriptions carry it."""
    return datetime.now(UTC)


@dataclass(frozen=True, kw_only=True, slots=True)
class Event:
    """One line of a stack's history."""

    logical_id: str
    physical_id: str
    type: str
    status: str
    reason: str | None
    token: str | None
    operation_id: str
    properties: Mapping[str, Any] | None = None
    event_id: str
    timestamp: datetime = field(default_factory=now)


@dataclass(frozen=True, kw_only=True, slots=True)
class Undertaking:
    """One operation on a stack, as DescribeStacks names it."""

    type: str
    """CREATE_STACK, UPDATE_STACK, DELETE_STACK, ROLLBACK or CONTINUE_ROLLBACK; an import is an update."""

    operation_id: str = field(default_factory=lambda: str(uuid.uuid4()))


def event_id(logical_id: str, status: str, moment: datetime, *, stacks_own: bool, cleaning: bool) -> str:
    """What an event is called: a resource's after what happened and when, save for what a cleanup does."""
    unique = str(uuid.uuid4())
    if stacks_own:
        return unique
    stamp = moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")
    return f"{logical_id}-{unique}" if cleaning else f"{logical_id}-{status}-{stamp}"
