"""Run ids: every attempt of a logical run carries the same one, and it sorts by time."""

import re
from datetime import UTC, datetime
from hashlib import sha256

_NAME = re.compile(r"\d{8}-\d{6}-[0-9a-z]{4}")


def run_id_of(execution_arn: str, started: datetime, given: str | None) -> str:
    """The run id of an execution: the one given, or the execution's own name where it is one, or one made of its start.

    It depends on nothing else, so that whoever knows the execution knows the run: a repeated preflight gives the same
    id, and so does the function that cleans up after an execution that was stopped.
    """
    if given is not None:
        return given
    name = execution_arn.rpartition(":")[2]
    if _NAME.fullmatch(name):
        return name
    return f"{started.astimezone(UTC):%Y%m%d-%H%M%S}-{sha256(execution_arn.encode()).hexdigest()[:4]}"


def parse_time(text: str) -> datetime:
    """Read Step Functions' time: `2026-11-21T07:30:00.123Z`."""
    moment = datetime.fromisoformat(text)
    return moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)
