"""Run ids: all attempts of a logical run share one, and they sort by time."""

import re
from datetime import UTC, datetime
from hashlib import sha256

_NAME = re.compile(r"\d{8}-\d{6}-[0-9a-z]{4}")


def run_id_of(execution_arn: str, started: datetime, given: str | None) -> str:
    """The run id of an execution: the given one, else its own name if that is one, else one made of its start time.

    It depends on nothing else, so that a repeated preflight and the function that cleans up after a stopped execution
    arrive at the same id.
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
