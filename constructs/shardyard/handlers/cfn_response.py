"""Answers CloudFormation exactly once, even if the handler fails or runs out of time.

A custom resource that does not answer blocks its stack until CloudFormation gives up. Use:

    @custom_resource
    def handler(request: Request) -> Answer:
        ...
"""

import json
import signal
import urllib.error
import urllib.request
from bisect import bisect_right
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import accumulate
from time import sleep
from typing import Any, Literal

NEVER_MADE = "shardyard:never-made"
"""The physical id of a resource whose creation failed. CloudFormation then asks for its deletion: nothing to do."""

_CALLBACK = ("ResponseURL", "StackId", "RequestId", "LogicalResourceId", "PhysicalResourceId")
_ATTEMPTS = 4
_MOST_BYTES = 4096
_SECONDS_LEFT_FOR_THE_ANSWER = 3.0


class Refused(Exception):
    """The request cannot be met; the message appears in the stack's events."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Request:
    """A request from CloudFormation."""

    kind: Literal["Create", "Update", "Delete"]
    """The operation."""
    properties: Mapping[str, Any]
    """The template's properties; CloudFormation sends numbers and booleans as strings."""
    old_properties: Mapping[str, Any]
    """The properties before an update; otherwise empty."""
    physical_id: str
    """The physical id from an earlier answer; empty on Create."""
    logical_id: str
    """The resource's name in the template."""
    callback: Mapping[str, str] = field(default_factory=dict)
    """Where the answer goes, for whoever gives it later (`answer_later`)."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Answer:
    """A handler's answer."""

    physical_id: str
    """The physical id. Another id on Update means a replacement: CloudFormation then deletes the old resource."""
    data: Mapping[str, Any] = field(default_factory=dict)
    """The attributes for `Fn::GetAtt`."""


def custom_resource(handle: Callable[[Request], Answer | None]) -> Callable[[dict[str, Any], Any], None]:
    """Make a Lambda handler of a function from request to answer; None where somebody else answers later."""

    def handler(event: dict[str, Any], context: Any) -> None:
        print(json.dumps({key: event.get(key) for key in ("RequestType", "LogicalResourceId", "RequestId")}))
        response = _respond(handle, event, context)
        if response is not None:
            _send(event, response)

    return handler


def answer_later(callback: Mapping[str, str], answer: Answer) -> None:
    """Answer a request whose handler left it open."""
    data = dict(answer.data)
    _send(callback, {"Status": "SUCCESS", "PhysicalResourceId": answer.physical_id, "Data": data})


def refuse_later(callback: Mapping[str, str], what: str, lines: Sequence[str]) -> None:
    """Fail such a request, with as many of the last lines as there is room for."""
    response = {"Status": "FAILED", "PhysicalResourceId": callback.get("PhysicalResourceId") or NEVER_MADE}
    room = _MOST_BYTES - _bytes({**response, **_echoed(callback), "Reason": what})
    kept: list[str] = []
    for line in reversed(lines):
        # Two bytes are the quotes that a text has around it in JSON
        room -= _bytes(f"\n{line}") - 2
        if room < 0:
            break
        kept.insert(0, line)
    _send(callback, {**response, "Reason": "\n".join([what, *kept])})


def _respond(handle: Callable[[Request], Answer | None], event: dict[str, Any], context: Any) -> dict[str, Any] | None:
    physical_id = event.get("PhysicalResourceId", "")
    if event["RequestType"] == "Delete" and physical_id == NEVER_MADE:
        return {"Status": "SUCCESS", "PhysicalResourceId": physical_id}
    try:
        with_limit = _Limit(context.get_remaining_time_in_millis() / 1000 - _SECONDS_LEFT_FOR_THE_ANSWER)
        with with_limit:
            answer = handle(_request(event))
    except Exception as error:
        if not isinstance(error, Refused):
            _log_traceback()
        where = getattr(context, "log_stream_name", "the function's log")
        reason = str(error) if isinstance(error, Refused) else f"{type(error).__name__}: {error} (log: {where})"
        return {"Status": "FAILED", "PhysicalResourceId": physical_id or NEVER_MADE, "Reason": reason}
    if answer is None:
        return None
    return {"Status": "SUCCESS", "PhysicalResourceId": answer.physical_id, "Data": dict(answer.data)}


def _request(event: dict[str, Any]) -> Request:
    return Request(
        kind=event["RequestType"],
        properties=_without_service(event.get("ResourceProperties", {})),
        old_properties=_without_service(event.get("OldResourceProperties", {})),
        physical_id=event.get("PhysicalResourceId", ""),
        logical_id=event["LogicalResourceId"],
        callback={key: event[key] for key in _CALLBACK if key in event},
    )


def _without_service(properties: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in properties.items() if key not in ("ServiceToken", "ServiceTimeout")}


def _echoed(event: Mapping[str, Any]) -> dict[str, Any]:
    return {key: event[key] for key in ("StackId", "RequestId", "LogicalResourceId")}


def _send(event: Mapping[str, Any], response: dict[str, Any]) -> None:
    body = json.dumps(_within_limit({**response, **_echoed(event)})).encode()
    for attempt in range(_ATTEMPTS):
        # The URL is signed without a content type, so none may be sent.
        put = urllib.request.Request(event["ResponseURL"], data=body, method="PUT", headers={"Content-Type": ""})
        try:
            with urllib.request.urlopen(put, timeout=10):
                print(f"answered {response['Status']} {response.get('Reason', '')}".rstrip())
                return
        except OSError as error:
            print(f"answer {attempt + 1} of {_ATTEMPTS} failed: {error}")
            if isinstance(error, urllib.error.HTTPError) and error.code < 500:
                raise
            sleep(0.3 * 2**attempt)
    raise ConnectionError("CloudFormation did not accept the answer")


def _within_limit(answer: dict[str, Any]) -> dict[str, Any]:
    """The answer with as much of its reason as CloudFormation reads. It counts bytes: six for an umlaut in JSON."""
    reason = answer.get("Reason", "")
    room = _MOST_BYTES - _bytes({**answer, "Reason": ""})
    taken = list(accumulate(_bytes(letter) - 2 for letter in reason))
    return {**answer, "Reason": reason[: bisect_right(taken, room)]} if reason else answer


def _bytes(value: Any) -> int:
    return len(json.dumps(value).encode())


def _log_traceback() -> None:
    import traceback

    traceback.print_exc()


class _Limit:
    """Raises in the handler shortly before Lambda would kill it, so that there is time to answer."""

    def __init__(self, seconds: float) -> None:
        self.seconds = max(seconds, 0.1)

    def __enter__(self) -> None:
        # Only the main thread can handle signals. Lambda runs in it; a test may not.
        with suppress(ValueError):
            signal.signal(signal.SIGALRM, self._out_of_time)
            signal.setitimer(signal.ITIMER_REAL, self.seconds)

    def __exit__(self, *_: object) -> None:
        with suppress(ValueError):
            signal.setitimer(signal.ITIMER_REAL, 0)

    def _out_of_time(self, *_: object) -> None:
        raise Refused(f"not done within {self.seconds:.0f} s; deploy again to continue")
