"""A function's log group: Lambda's own lines around what the code printed."""

import threading
import time
from itertools import accumulate
from typing import Any

from moto.logs.models import logs_backends

from embedded.access.role_policies import role_allows
from embedded.bus.dropped import drop
from embedded.services.lambda_.runner import Outcome

_lock = threading.Lock()


def _may_log(function: Any) -> bool:
    """Whether the role lets the function write its log; without that, Lambda drops the log and says nothing."""
    region, group = function.region, function.logs_group_name
    arn = f"arn:{function.partition}:logs:{region}:{function.account_id}:log-group:{group}"
    for action, resource in (("CreateLogStream", f"{arn}:*"), ("PutLogEvents", f"{arn}:log-stream:*")):
        if not role_allows(function.role, region, f"logs:{action}", resource):
            drop(source=function.function_arn, target=arn, reason=f"{function.role} is not allowed logs:{action} on it")
            return False
    return True


def write_log(function: Any, request_id: str, outcome: Outcome) -> None:
    """Put the invocation into the function's log group, between Lambda's own lines."""
    now = int(time.time() * 1000)
    begun = now - int(outcome.duration_seconds * 1000)
    duration = outcome.duration_seconds * 1000
    report = (
        f"REPORT RequestId: {request_id}\tDuration: {duration:.2f} ms\tBilled Duration: {int(duration) + 1} ms\t"
        f"Memory Size: {function.memory_size} MB\tMax Memory Used: {outcome.peak_mb} MB\t"
    )
    events: list[tuple[int, str]] = []
    first = min((at for at, _ in (*outcome.init_logs, *outcome.logs)), default=begun)
    if outcome.init_seconds is not None:
        report += f"Init Duration: {outcome.init_seconds * 1000:.2f} ms\t"
        events += [(first, f"INIT_START Runtime Version: {function.run_time}.embedded"), *outcome.init_logs]
    events += [(begun, f"START RequestId: {request_id} Version: {function.version}"), *outcome.logs]
    events += [(now, f"END RequestId: {request_id}"), (now, report)]
    outcome.logs = events
    if not outcome.stream or not _may_log(function):
        return
    backend = logs_backends[function.account_id][function.region]
    group = function.logs_group_name
    with _lock:
        backend.ensure_log_group(group)
        if outcome.stream not in backend.groups[group].streams:
            backend.create_log_stream(group, outcome.stream)
    stamps = accumulate((at for at, _ in events), max)  # the service wants them in order
    entries = [{"timestamp": at, "message": text} for at, (_, text) in zip(stamps, events, strict=True) if text]
    backend.put_log_events(group, outcome.stream, entries)
