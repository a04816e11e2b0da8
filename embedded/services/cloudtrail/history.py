"""The event history, of each account and region: the changes, the newest first, and how it is searched."""

import base64
import re
from collections import deque
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from embedded.access import exchanges
from embedded.access.exchanges import Exchange
from embedded.kept import parts
from embedded.operations import Call, Params, ServiceError, operation
from embedded.protocol import Parsed
from embedded.services.cloudtrail.records import record

MOST_EVENTS = 5_000
"""Of an account in a region; older ones go."""
_KEPT = timedelta(days=90)
_PAGE = 50

_READS = re.compile(
    r"(Assume|BatchGet|BatchDescribe|Describe|Detect|Estimate|Filter|Get|Head|List|Lookup|Preview|Query|Scan|Search|Select"
    r"|Simulate|Test|Validate|Verify)(?=[A-Z]|$)"
)
_DATA_EVENTS = {
    "dynamodb": {"BatchExecuteStatement", "BatchWriteItem", "DeleteItem", "ExecuteStatement", "PutItem", "UpdateItem"},
    "events": {"PutEvents"},
    "kms": {"Decrypt", "Encrypt", "GenerateDataKey", "GenerateDataKeyWithoutPlaintext", "ReEncrypt"},
    "lambda": {"Invoke", "InvokeAsync", "InvokeWithResponseStream"},
    "logs": {"PutLogEvents"},
    "cloudwatch": {"PutMetricData"},
    "sagemaker-metrics": {"BatchPutMetrics"},
    "sagemaker-runtime": {"InvokeEndpoint", "InvokeEndpointAsync", "InvokeEndpointWithResponseStream"},
    "sns": {"Publish", "PublishBatch"},
    "sqs": {
        *("ChangeMessageVisibility", "ChangeMessageVisibilityBatch", "DeleteMessage", "DeleteMessageBatch"),
        *("ReceiveMessage", "SendMessage", "SendMessageBatch"),
    },
    "stepfunctions": {"SendTaskFailure", "SendTaskHeartbeat", "SendTaskSuccess"},
}
"""Calls that work with what is in a resource: the history has those of the management of resources alone. Of KMS they
are part of AWS's history; here they would push out all others."""

_events: dict[tuple[str, str], deque[Mapping[str, Any]]] = {}
parts.keep_contents("cloudtrail.events", _events)


def is_kept(parsed: Parsed) -> bool:
    """Whether a call is one that the history has."""
    if _READS.match(parsed.operation) or parsed.operation in _DATA_EVENTS.get(parsed.service, ()):
        return False
    # what an object of S3 is read and written by
    return not (parsed.service == "s3" and "Key" in parsed.params) and parsed.operation != "DeleteObjects"


def _keep(exchange: Exchange) -> None:
    place = exchange.caller.account, exchange.region
    _events.setdefault(place, deque(maxlen=MOST_EVENTS)).appendleft(record(exchange))


exchanges.listen(is_kept, _keep)

_MATCHES: Mapping[str, Callable[[Mapping[str, Any], str], bool]] = {
    "EventId": lambda event, value: event["EventId"] == value,
    "EventName": lambda event, value: event["EventName"] == value,
    "ReadOnly": lambda event, value: event["ReadOnly"] == value.lower(),
    "Username": lambda event, value: event["Username"] == value,
    "EventSource": lambda event, value: event["EventSource"] == value,
    "AccessKeyId": lambda event, value: event.get("AccessKeyId") == value,
}


@operation("cloudtrail", "LookupEvents")
def lookup_events(call: Call, params: Params) -> Mapping[str, Any]:
    """The changes of the last 90 days by one attribute at most, the newest first."""
    if params.get("EventCategory") == "insight":
        raise ServiceError("NotImplemented", "the embedded cloud does not emulate insights of CloudTrail", 501)
    begin, end = _moment(params.get("StartTime")), _moment(params.get("EndTime"))
    if begin is not None and end is not None and begin > end:
        raise ServiceError("InvalidTimeRangeException", "Start time must not be after end time.")
    wanted = [_matching(one) for one in params.get("LookupAttributes", ())]
    if len(wanted) > 1:
        raise ServiceError("InvalidLookupAttributesException", "You cannot have more than 1 lookup attribute.")
    oldest = datetime.now(UTC) - _KEPT
    found = [
        event
        for event in tuple(_events.get((call.account, call.region), ()))
        if max(oldest, oldest if begin is None else begin) <= event["EventTime"]
        and (end is None or event["EventTime"] <= end)
        and all(matches(event) for matches in wanted)
    ]
    start = _start(params.get("NextToken"), found)
    stop = start + params.get("MaxResults", _PAGE)
    answer: dict[str, Any] = {"Events": found[start:stop]}
    if stop < len(found):
        answer["NextToken"] = base64.b64encode(found[stop]["EventId"].encode()).decode()
    return answer


def _matching(attribute: Mapping[str, str]) -> Callable[[Mapping[str, Any]], bool]:
    key, value = attribute["AttributeKey"], attribute["AttributeValue"]
    if key not in _MATCHES:
        text = f"the embedded cloud does not emulate LookupEvents by {key}; it does by {', '.join(sorted(_MATCHES))}"
        raise ServiceError("NotImplemented", text, 501)
    return lambda event: _MATCHES[key](event, value)


def _moment(given: datetime | None) -> datetime | None:
    return given if given is None or given.tzinfo is not None else given.replace(tzinfo=UTC)


def _start(token: str | None, found: list[Mapping[str, Any]]) -> int:
    """Where a page begins: at the event that the token names, since newer ones may have come in between."""
    if token is None:
        return 0
    try:
        event_id = base64.b64decode(token, validate=True).decode()
        return next(number for number, event in enumerate(found) if event["EventId"] == event_id)
    except (ValueError, StopIteration):
        raise ServiceError("InvalidNextTokenException", "The next token is invalid.") from None
