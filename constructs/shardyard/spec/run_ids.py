"""Run ids: all attempts of a logical run share one, and they sort by time."""

import json
import re
from datetime import UTC, datetime

RUN_ID = r"[a-zA-Z0-9](-*[a-zA-Z0-9]){0,30}"
"""What an execution's input may name, to resume a run."""
_NAME = re.compile(r"[0-9]{8}-[0-9]{6}-[0-9a-z]{4}")


def given_run_id(text: object) -> str | None:
    """The run id in an execution's input, which anybody may have written: None for whatever preflight refuses."""
    try:
        given = json.loads(text) if isinstance(text, str) else None
    except (ValueError, RecursionError):  # cut off, a number of 5,000 digits, lists 100,000 deep
        return None
    found = given.get("run_id") if isinstance(given, dict) else None
    return found if isinstance(found, str) and re.fullmatch(RUN_ID, found) else None


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
    from hashlib import sha256  # with it comes OpenSSL, which a help text need not wait for

    return f"{started.astimezone(UTC):%Y%m%d-%H%M%S}-{sha256(execution_arn.encode()).hexdigest()[:4]}"


def parse_time(text: str) -> datetime:
    """Read Step Functions' time: `2026-11-21T07:30:00.123Z`."""
    moment = datetime.fromisoformat(text)
    return moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)
