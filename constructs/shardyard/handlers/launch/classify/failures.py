"""Why an attempt ended: the messages of SageMaker and Step Functions, sorted into kinds."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from contract.exit_codes import INTERRUPTED, REFUSED


class Kind(StrEnum):
    """The kinds of failure that a launch treats differently."""

    CAPACITY = "no capacity"
    LIMIT = "quota in use"
    THROTTLED = "throttled"
    INTERNAL = "internal error of the service"
    INTERRUPTED = "interrupted after a save"
    ALGORITHM = "failed in the program"
    REFUSED = "refused by the program"
    STOPPED = "stopped by a person"
    OUT_OF_TIME = "out of time"
    REJECTED = "rejected by the service"


@dataclass(frozen=True, kw_only=True, slots=True)
class Failure:
    """Why one attempt did not complete."""

    kind: Kind
    """Decides the next step."""
    message: str
    """The service's or the program's own words."""
    ran: bool
    """Whether there was a training job: an attempt that never ran has no line in the receipt."""
    seconds: int = 0
    """How long it trained."""


# The first match counts. A reason begins with the kind of error, and the program's own words may follow: match only
# the beginning, so that a program that prints "CapacityError" is still a failed program.
_REASONS: tuple[tuple[str, Kind], ...] = (
    (r"AlgorithmError\b", Kind.ALGORITHM),
    (r"CapacityError\b", Kind.CAPACITY),
    (r"InsufficientCapacity", Kind.CAPACITY),
    (r"(There is not enough|Insufficient( instance)?) capacity", Kind.CAPACITY),
    (r"ResourceLimitExceeded\b", Kind.LIMIT),
    (r"Internal ?Server ?Error\b", Kind.INTERNAL),
    (r"InternalFailure\b|InternalError\b", Kind.INTERNAL),
    (r"We encountered an internal error", Kind.INTERNAL),
    (r"ClientError\b", Kind.REJECTED),
)

# Errors of the call itself: by code, wherever it appears (error name, "Error Code: X", "(X)").
_CALLS: tuple[tuple[str, Kind], ...] = (
    ("ResourceLimitExceeded", Kind.LIMIT),
    ("CapacityError|InsufficientCapacity", Kind.CAPACITY),
    ("Throttling|TooManyRequests|Rate exceeded|RequestLimitExceeded", Kind.THROTTLED),
    ("InternalFailure|InternalServer|InternalError|ServiceUnavailable|Status Code: 50[0-9]", Kind.INTERNAL),
)

_EXITS: Mapping[int | None, Kind] = {INTERRUPTED: Kind.INTERRUPTED, REFUSED: Kind.REFUSED}
"""What some exit codes mean, besides failure."""

_EXIT_CODE = re.compile(r"exit ?codes?:?\s*\[?\s*(\d+)", re.IGNORECASE)


def read_job(job: Mapping[str, Any]) -> Failure:
    """Read why a training job ended; it must have ended, and not as Completed."""
    kind, message = _ended(job)
    return Failure(kind=kind, message=message, ran=True, seconds=int(job.get("TrainingTimeInSeconds") or 0))


def _ended(job: Mapping[str, Any]) -> tuple[Kind, str]:
    reason = str(job.get("FailureReason") or "")
    secondary = str(job.get("SecondaryStatus") or "")
    if job["TrainingJobStatus"] != "Stopped":
        return _reason(reason), reason or "The training job failed and gave no reason."
    if secondary in ("MaxRuntimeExceeded", "MaxWaitTimeExceeded"):
        return Kind.OUT_OF_TIME, _out_of_time(secondary, reason)
    if reason.startswith("CapacityError"):
        return Kind.CAPACITY, reason
    return Kind.STOPPED, reason or "The training job was stopped."


def read_call(error: str, cause: str) -> Failure:
    """Read why a training job was not created: Step Functions' error name and cause, or the submit handler's."""
    said = _message(cause)
    for pattern, kind in _CALLS:
        if re.search(pattern, f"{error} {said}"):
            return Failure(kind=kind, message=said or error, ran=False)
    return Failure(kind=Kind.REJECTED, message=f"{error}: {said}" if said else error, ran=False)


def job_in_cause(cause: str) -> Mapping[str, Any] | None:
    """The description that `.sync` puts into the cause of a failed job; None if the cause is something else."""
    try:
        described = json.loads(cause)
    except ValueError:
        return None
    if isinstance(described, dict) and "TrainingJobStatus" in described:
        return described
    return None


def _reason(reason: str) -> Kind:
    for pattern, kind in _REASONS:
        if re.match(pattern, reason):
            return _EXITS.get(_exit_code(reason), kind) if kind is Kind.ALGORITHM else kind
    return Kind.ALGORITHM if _exit_code(reason) is not None else Kind.REJECTED


def _exit_code(reason: str) -> int | None:
    """The container's exit code, which the service writes last, after the program's own words."""
    codes = _EXIT_CODE.findall(reason)
    return int(codes[-1]) if codes else None


def _message(cause: str) -> str:
    """The sentence inside a cause: a Lambda function's error is JSON that contains its message."""
    try:
        parsed = json.loads(cause)
    except ValueError:
        return cause.strip()
    if isinstance(parsed, dict) and "errorMessage" in parsed:
        return f"{parsed.get('errorType', 'Error')}: {parsed['errorMessage']}"
    return cause.strip()


def _out_of_time(secondary: str, reason: str) -> str:
    limit = "longest run time" if secondary == "MaxRuntimeExceeded" else "longest wait for spot capacity"
    return f"The training job reached its {limit} and was stopped.{' ' + reason if reason else ''}"
