"""Why an attempt ended: the messages of SageMaker and Step Functions, sorted into kinds."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from contract.exit_codes import GUARDED, INTERRUPTED, REFUSED
from shardyard.handlers.launch.described import Described, read
from shardyard.handlers.launch.spot_wait import waited_seconds
from shardyard.spec.catalogue.service_jobs import AUTOML, TRAINING, TRANSFORM, ServiceJob
from shardyard.spec.units import format_duration


class Kind(StrEnum):
    """The kinds of failure that a launch treats differently."""

    CAPACITY = "no capacity"
    LIMIT = "quota in use"
    THROTTLED = "throttled"
    INTERNAL = "internal error of the service"
    INTERRUPTED = "interrupted after a save"
    ALGORITHM = "failed in the program"
    REFUSED = "refused by the program"
    GUARDED = "ended by a guard"
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
    waited_seconds: int = 0
    """How long it waited in vain for spot capacity."""


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
    (
        "Throttl|TooManyRequests|Rate exceeded|(RequestLimit|Bandwidth(Limit)?|ProvisionedThroughput)Exceeded"
        "|SlowDown|PriorRequestNotComplete",
        Kind.THROTTLED,
    ),
    ("InternalFailure|InternalServer|InternalError|ServiceUnavailable|Status Code: 50[0-9]", Kind.INTERNAL),
)

_RETRIED = (Kind.CAPACITY, Kind.LIMIT, Kind.INTERNAL)
_EXITS: Mapping[int | None, Kind] = {
    INTERRUPTED: Kind.INTERRUPTED,
    REFUSED: Kind.REFUSED,
    GUARDED: Kind.GUARDED,
}
"""What some exit codes mean, besides failure."""

_WORDLESS = re.compile(r"AlgorithmError: ?,? ?exit code: (\d+)", re.IGNORECASE)
_MEANINGS = {
    134: "SIGABRT: a library gave up",
    137: "SIGKILL: ended from outside without a word, most often for memory, or with its machine",
    139: "SIGSEGV: a fault in native code",
    143: "SIGTERM: told to stop, and it did not handle that",
}
"""What a container's exit code says that no failure file explains."""

_CLOCKS_DIFFER = 5
"""By how many seconds SageMaker's clock may be behind that of the function which stops a waiting job."""

_EXIT_CODE = re.compile(r"exit ?codes?:?\s*\[?\s*(\d+)", re.IGNORECASE)


def read_job(job: Mapping[str, Any], of: ServiceJob = TRAINING) -> Failure:
    """Read why a job ended; it must have ended, and not as Completed."""
    found = read(of, job)
    kind, message = _ended(found, of)
    if of is AUTOML and kind in _RETRIED:  # its candidates have billed, and another attempt would train them all again
        kind = Kind.REJECTED
    return Failure(kind=kind, message=message, ran=True, seconds=found.seconds)


def read_vain_wait(job: Mapping[str, Any], *, now: float, give_up_seconds: int | None) -> Failure | None:
    """Read a spot job that was stopped because no capacity came; None for a job that ended in another way.

    `give_up_seconds` is how long the launch lets it wait before it stops the job; SageMaker has its own limit.
    """
    if job["TrainingJobStatus"] != "Stopped" or not job.get("EnableManagedSpotTraining"):
        return None
    waited, secondary = waited_seconds(job, now), job["SecondaryStatus"]
    by_service = secondary == "MaxWaitTimeExceeded" and (waited > 0 or job.get("TrainingStartTime") is None)
    # A person stops a job before its time is over: from then on the launch does.
    by_launch = secondary == "Stopped" and give_up_seconds is not None and waited >= give_up_seconds - _CLOCKS_DIFFER
    if not (by_service or by_launch):
        return None
    message = f"No spot capacity came within {in_minutes(waited)}, and the training job was stopped."
    return Failure(
        kind=Kind.CAPACITY, message=message, ran=True, seconds=read(TRAINING, job).seconds, waited_seconds=round(waited)
    )


def read_time_out(
    job: Mapping[str, Any], error: str, *, now: float, longest_seconds: int, of: ServiceJob = TRANSFORM
) -> Failure | None:
    """Read a job that the launch has stopped, or is to stop, because its time is over; None for another end.

    The service has no limit of its own for a transform job, and the machine's state times out or the function that
    looks stops the job. An AutoML job is given some time beyond its own.
    """
    found = read(of, job)
    begun, ended = found.created, found.ended
    until = ended.timestamp() if isinstance(ended, datetime) else now
    taken = until - begun.timestamp() if isinstance(begun, datetime) else 0.0
    if error != "States.Timeout" and taken < longest_seconds:
        return None
    message = _out_of_time("MaxRuntimeExceeded", found.reason, of)
    return Failure(kind=Kind.OUT_OF_TIME, message=message, ran=True, seconds=found.seconds)


def in_minutes(seconds: float) -> str:
    """A wait in words, whole minutes if it took any: a look every few seconds ends it a little late."""
    return format_duration(seconds - seconds % 60 if seconds >= 60 else seconds)


def _ended(job: Described, of: ServiceJob) -> tuple[Kind, str]:
    reason, secondary = job.reason, job.secondary_status
    if job.status != "Stopped":
        said = in_words(reason) or f"The {of.noun} failed and gave no reason."
        return _reason(reason), f"{said} {job.exit_message}" if job.exit_message else said
    if secondary in ("MaxRuntimeExceeded", "MaxWaitTimeExceeded"):
        return Kind.OUT_OF_TIME, _out_of_time(secondary, reason, of)
    if reason.startswith("CapacityError"):
        return Kind.CAPACITY, reason
    # A processing job has no secondary status that would say so, but a person stops it before its time is over.
    if of is not TRAINING and job.longest_seconds is not None and job.seconds >= job.longest_seconds:
        return Kind.OUT_OF_TIME, _out_of_time("MaxRuntimeExceeded", reason, of)
    return Kind.STOPPED, reason or f"The {of.noun} was stopped."


def in_words(reason: str) -> str:
    """The service's reason, with what its exit code means where the program left no word."""
    found = _WORDLESS.fullmatch(reason)
    meaning = None if found is None else _MEANINGS.get(int(found[1]))
    return reason if meaning is None else f"{reason} ({meaning})"


def read_call(error: str, cause: str) -> Failure:
    """Read why a training job was not created: Step Functions' error name and cause, or the submit handler's."""
    said = _message(cause)
    for pattern, kind in _CALLS:
        if re.search(pattern, f"{error} {said}"):
            return Failure(kind=kind, message=said or error, ran=False)
    return Failure(kind=Kind.REJECTED, message=f"{error}: {said}" if said else error, ran=False)


def job_in_cause(cause: str, of: ServiceJob = TRAINING) -> Mapping[str, Any] | None:
    """The description that `.sync` puts into the cause of a failed job; None if the cause is something else."""
    try:
        described = json.loads(cause)
    except ValueError:
        return None
    if isinstance(described, dict) and of.status_field in described:
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


def _out_of_time(secondary: str, reason: str, of: ServiceJob) -> str:
    limit = "longest run time" if secondary == "MaxRuntimeExceeded" else "longest wait for spot capacity"
    return f"The {of.noun} reached its {limit} and was stopped.{' ' + reason if reason else ''}"
