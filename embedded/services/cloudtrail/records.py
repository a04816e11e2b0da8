"""One event of the history, from a request and its answer, in CloudTrail's form.

The fields are those of the page "CloudTrail record contents" of its guide, in version 1.11 of the record.
"""

import json
import uuid
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from botocore.parsers import ResponseParserError, create_parser

from embedded.access.exchanges import Exchange
from embedded.access.sessions import Caller
from embedded.protocol import Parsed

_VERSION = "1.11"
_HIDDEN = "HIDDEN_DUE_TO_SECURITY_REASONS"
_BYTES_MOST = 100_000
"""Of the parameters of a request, and of an answer; AWS leaves out what would make an event too long."""


def record(exchange: Exchange) -> Mapping[str, Any]:
    """The event as LookupEvents answers it, its record as text."""
    parsed, moment = exchange.parsed, exchange.moment
    said = _answer(exchange)
    event: dict[str, Any] = {
        "eventVersion": _VERSION,
        "userIdentity": _identity(exchange.caller, exchange.access_key),
        "eventTime": f"{moment:%Y-%m-%dT%H:%M:%SZ}",
        "eventSource": source_of(parsed),
        "eventName": parsed.operation,
        "awsRegion": exchange.region,
        "sourceIPAddress": exchange.address,
        "userAgent": exchange.user_agent,
        "requestParameters": _limited(_shown(parsed.params, parsed.model.input_shape)),
        "responseElements": None,
        "requestID": said.get("ResponseMetadata", {}).get("RequestId", ""),
        "eventID": str(uuid.uuid4()),
        "readOnly": False,
        "eventType": "AwsApiCall",
        "managementEvent": True,
        "recipientAccountId": exchange.caller.account,
        "eventCategory": "Management",
    }
    if exchange.status >= 300:
        error = said.get("Error", {})
        event |= {"errorCode": error.get("Code", str(exchange.status)), "errorMessage": error.get("Message", "")}
    else:
        event["responseElements"] = _limited(_shown(said, parsed.model.output_shape))
    return {
        "EventId": event["eventID"],
        "EventName": event["eventName"],
        "ReadOnly": "false",
        **({} if exchange.access_key is None else {"AccessKeyId": exchange.access_key}),
        "EventTime": moment,
        "EventSource": event["eventSource"],
        "Username": user_name(exchange.caller),
        "Resources": [],
        "CloudTrailEvent": json.dumps(event, default=_text),
    }


def source_of(parsed: Parsed) -> str:
    """The service as events name it: `states.amazonaws.com`."""
    metadata = parsed.model.service_model.metadata
    return f"{metadata.get('signingName', metadata['endpointPrefix'])}.amazonaws.com"


def user_name(caller: Caller) -> str:
    """The name that the history can be searched by: a user's own, and of a role its session's."""
    if caller.is_root:
        return "root"
    return caller.principal.rpartition("/")[2]


def _identity(caller: Caller, access_key: str | None) -> dict[str, Any]:
    common = {"arn": caller.principal, "accountId": caller.account}
    key = {} if access_key is None else {"accessKeyId": access_key}
    if caller.is_anonymous:
        return {"type": "AWSAccount", "principalId": "", "accountId": "anonymous"}
    if caller.is_root:
        return {"type": "Root", "principalId": caller.account, **common, **key}
    if caller.role_arn is None:
        return {"type": "IAMUser", **common, **key, "userName": caller.user_name}
    issuer = {
        "type": "Role",
        "arn": caller.role_arn,
        "accountId": caller.account,
        "userName": caller.role_arn.rpartition("/")[2],
    }
    return {"type": "AssumedRole", **common, **key, "sessionContext": {"sessionIssuer": issuer}}


def _answer(exchange: Exchange) -> Mapping[str, Any]:
    """The answer as its service's model reads it; empty where it cannot."""
    response = {"status_code": exchange.status, "headers": {}, "body": exchange.body}
    try:
        answer = create_parser(exchange.parsed.protocol).parse(response, exchange.parsed.model.output_shape)
    except (ResponseParserError, KeyError, ValueError):
        return {}
    return answer if isinstance(answer, Mapping) else {}


def _shown(value: Any, shape: Any) -> Any:
    """A value with names in small letters first, without what is secret and what is no text."""
    if shape is None:
        return None
    if shape.metadata.get("sensitive"):
        return _HIDDEN
    if shape.type_name == "structure" and isinstance(value, Mapping):
        known = {name: one for name, one in value.items() if name in shape.members}
        return {name[:1].lower() + name[1:]: _shown(one, shape.members[name]) for name, one in known.items()}
    if shape.type_name == "list" and isinstance(value, list):
        return [_shown(one, shape.member) for one in value]
    if shape.type_name == "map" and isinstance(value, Mapping):
        return {key: _shown(one, shape.value) for key, one in value.items()}
    return None if shape.type_name == "blob" else value


def _text(value: Any) -> str:
    return f"{value:%Y-%m-%dT%H:%M:%SZ}" if isinstance(value, datetime) else str(value)


def _limited(value: Any) -> Any:
    if not value:
        return None
    size = len(json.dumps(value, default=_text))
    if size <= _BYTES_MOST:
        return value
    return {"omitted": True, "originalSize": size, "reason": "fieldTruncated"}
