"""Lambda: event source mappings are made, changed and taken away."""

import time
import uuid
from typing import Any

from moto.awslambda.exceptions import LambdaClientError
from moto.awslambda.models import lambda_backends

from embedded.access.role_policies import role_allows
from embedded.bus import sources
from embedded.operations import Call, Params, ServiceError, operation
from embedded.services.lambda_.event_sources.filters import check_filters
from embedded.services.lambda_.event_sources.mappings import MAPPINGS, SourceMapping, defaults, started
from embedded.services.lambda_.operations import RealFunction

_NOT_EMULATED = (
    "AmazonManagedKafkaEventSourceConfig",
    "DocumentDBEventSourceConfig",
    "KMSKeyArn",
    "LoggingConfig",
    "MetricsConfig",
    "ProvisionedPollerConfig",
    "Queues",
    "SelfManagedEventSource",
    "SelfManagedKafkaEventSourceConfig",
    "SourceAccessConfigurations",
    "Tags",
    "Topics",
)
_NO_SETTINGS = ("Enabled", "EventSourceArn", "FunctionName", "UUID")
_ACTIONS = {
    "sqs": ("sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes"),
    "dynamodb": ("dynamodb:GetRecords", "dynamodb:GetShardIterator", "dynamodb:DescribeStream", "dynamodb:ListStreams"),
}
_MOST = {"sqs": 10_000, "dynamodb": 10_000}
_MOST_FIFO = 10


def _invalid(text: str) -> ServiceError:
    return ServiceError("InvalidParameterValueException", text)


@operation("lambda", "CreateEventSourceMapping")
def create(call: Call, params: Params) -> dict[str, Any]:
    """Have a function called with what comes at a source."""
    arn = params.get("EventSourceArn", "")
    _refuse(params)
    if arn.count(":") < 5 or arn.split(":")[2] not in sources.kinds():
        what = f"of {arn.split(':')[2]}" if arn.count(":") >= 5 else "without an EventSourceArn"
        raise ServiceError("NotImplemented", f"the embedded cloud does not emulate event source mappings {what}", 501)
    function = _function(call, params["FunctionName"])
    _check_source(arn, function)
    found = next((one for one in MAPPINGS.values() if _same(one, arn, function)), None)
    if found is not None:
        kind = "SQS" if found.kind == "sqs" else found.kind
        text = (
            f'An event source mapping with {kind} arn (" {arn} ") and function (" {function.function_name} ") '
            f"already exists. Please update or delete the existing mapping with UUID {found.uuid}"
        )
        raise ServiceError("ResourceConflictException", text, 409)
    settings = {**defaults(arn), **{key: value for key, value in params.items() if key not in _NO_SETTINGS}}
    _check_settings(arn, settings)
    mapping = SourceMapping(
        uuid=str(uuid.uuid4()),
        account=call.account,
        region=call.region,
        function_arn=_arn(function, params["FunctionName"]),
        source_arn=arn,
        settings=settings,
        enabled=params.get("Enabled", True),
        seen=0 if settings.get("StartingPosition") != "LATEST" else sources.look(arn) or 0,
    )
    MAPPINGS[mapping.uuid] = mapping
    started.set()
    return mapping.describe("Creating")


def _refuse(params: Params) -> None:
    for name in _NOT_EMULATED:
        if params.get(name):
            text = f"the embedded cloud does not emulate {name} of event source mappings"
            raise ServiceError("NotImplemented", text, 501)
    if params.get("TumblingWindowInSeconds"):
        text = "the embedded cloud does not emulate TumblingWindowInSeconds of event source mappings"
        raise ServiceError("NotImplemented", text, 501)


def _function(call: Call, name: str) -> RealFunction:
    found: RealFunction | None
    try:
        found = lambda_backends[call.account][call.region].get_function(name, None)
    except LambdaClientError:
        found = None
    if found is None:
        raise _invalid("Function does not exist")
    return found


def _arn(function: RealFunction, given: str) -> str:
    """The function's ARN, with the version or alias that the request names."""
    bare = ":".join(function.function_arn.split(":")[:7])
    after = given.split(f"function:{function.function_name}", 1)[-1] if ":function:" in given else given
    qualifier = after.removeprefix(function.function_name).strip(":")
    return f"{bare}:{qualifier}" if qualifier and qualifier != "$LATEST" else bare


def _same(one: SourceMapping, arn: str, function: RealFunction) -> bool:
    return one.source_arn == arn and one.function_arn.split(":")[6] == function.function_name


def _check_source(arn: str, function: RealFunction) -> None:
    kind, region = arn.split(":")[2], function.region
    missing = [action for action in _ACTIONS[kind] if not role_allows(function.role, region, action, arn)]
    if missing and kind == "sqs":
        name = missing[0].split(":")[1]
        raise _invalid(f"The provided execution role does not have permissions to call {name} on SQS")
    if missing:
        raise _invalid(
            f"Cannot access stream {arn}. Please ensure the role can perform the GetRecords, GetShardIterator, "
            "DescribeStream, and ListStreams Actions on your stream in IAM."
        )
    if sources.look(arn) is None:
        if kind == "sqs":
            raise _invalid(
                "Error occurred while ReceiveMessage. SQS Error Code: AWS.SimpleQueueService.NonExistentQueue. "
                "SQS Error Message: The specified queue does not exist."
            )
        raise _invalid(f"Stream not found: {arn}")


def _check_settings(arn: str, settings: Params) -> None:
    fifo = arn.endswith(".fifo")
    most, size = _MOST_FIFO if fifo else _MOST[arn.split(":")[2]], int(settings["BatchSize"])
    window = int(settings["MaximumBatchingWindowInSeconds"])
    if size > most:
        raise _invalid(f"Maximum batch size must be between 1 and {most} inclusive for this event source.")
    if ":sqs:" in arn and size > _MOST_FIFO and window == 0:
        raise _invalid(
            "Maximum batch window in seconds must be greater than 0 if maximum batch size is greater than 10"
        )
    if fifo and window:
        raise _invalid("Batching window is not supported for FIFO queues")
    if ":sqs:" in arn and settings.get("StartingPosition"):
        raise _invalid("StartingPosition is not valid for SQS event sources.")
    if ":dynamodb:" in arn and settings.get("StartingPosition") not in ("TRIM_HORIZON", "LATEST"):
        raise _invalid(
            "1 validation error detected: Value null at 'startingPosition' failed to satisfy constraint: "
            "Member must not be null."
        )
    check_filters(settings)


@operation("lambda", "GetEventSourceMapping")
def get(call: Call, params: Params) -> dict[str, Any]:
    """Describe a mapping."""
    return _mapping(call, params).describe()


def _mapping(call: Call, params: Params) -> SourceMapping:
    found = MAPPINGS.get(params["UUID"])
    if found is None or (found.account, found.region) != (call.account, call.region):
        raise ServiceError("ResourceNotFoundException", "The resource you requested does not exist.", 404)
    return found


@operation("lambda", "ListEventSourceMappings")
def list_mappings(call: Call, params: Params) -> dict[str, Any]:
    """List mappings, of one source or one function if the request names it."""
    found = [
        one
        for one in MAPPINGS.values()
        if (one.account, one.region) == (call.account, call.region)
        and params.get("EventSourceArn") in (None, one.source_arn)
        and (not params.get("FunctionName") or _function_of(one) == _short(params["FunctionName"]))
    ]
    return {"EventSourceMappings": [one.describe() for one in found]}


def _function_of(mapping: SourceMapping) -> str:
    return mapping.function_arn.split(":")[6]


def _short(name: str) -> str:
    return name.split(":")[6] if name.startswith("arn:") else name.split(":")[0]


@operation("lambda", "UpdateEventSourceMapping")
def update(call: Call, params: Params) -> dict[str, Any]:
    """Change a mapping; the batch that is under way ends as it began."""
    mapping = _mapping(call, params)
    _refuse(params)
    settings = {**mapping.settings, **{key: value for key, value in params.items() if key not in _NO_SETTINGS}}
    _check_settings(mapping.source_arn, settings)
    if "FunctionName" in params:
        mapping.function_arn = _arn(_function(call, params["FunctionName"]), params["FunctionName"])
    mapping.settings, mapping.modified = settings, time.time()
    mapping.enabled = params.get("Enabled", mapping.enabled)
    return mapping.describe("Updating")


@operation("lambda", "DeleteEventSourceMapping")
def delete(call: Call, params: Params) -> dict[str, Any]:
    """Take a mapping away."""
    mapping = _mapping(call, params)
    del MAPPINGS[mapping.uuid]
    return mapping.describe("Deleting")
