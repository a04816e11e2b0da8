"""Of CloudWatch Logs what moto 5.2.5 lacks: FilterLogEvents with a prefix of stream names, and keys of log groups."""

from moto.logs.models import LogGroup, logs_backends

from embedded.access import references
from embedded.operations import Call, Params, ServiceError, operation
from embedded.services.logs import checks


@operation("logs", "FilterLogEvents")
def filter_log_events(call: Call, params: Params) -> Params:
    """The events of the streams that were named, or whose names begin so, or of all."""
    group = _group(call, params)
    names = params.get("logStreamNames")
    prefix = params.get("logStreamNamePrefix")
    if prefix is not None:
        if names:
            raise ServiceError(
                "InvalidParameterException", "logStreamNames and logStreamNamePrefix cannot be given together"
            )
        names = [name for name in group.streams if name.startswith(prefix)]
        if not names:  # to moto no names means all
            return {"events": [], "searchedLogStreams": []}
    for name in names or ():
        if name not in group.streams:
            raise ServiceError("ResourceNotFoundException", "The specified log stream does not exist.")
    events, next_token, searched = group.filter_log_events(
        group.name,
        names or [],
        params.get("startTime") or 0,
        params.get("endTime") or 0,
        params.get("limit"),
        params.get("nextToken"),
        params.get("filterPattern") or "",
        True,  # the service interleaves always; its switch is deprecated
    )
    answer: Params = {"events": events, "searchedLogStreams": searched}
    return answer if next_token is None else {**answer, "nextToken": next_token}


def _name(params: Params) -> str:
    arn = params.get("logGroupIdentifier", params.get("resourceIdentifier", ""))
    return str(params.get("logGroupName") or str(arn).rpartition(":log-group:")[2])


def _group(call: Call, params: Params) -> LogGroup:
    name = _name(params)
    groups = logs_backends[call.account][call.region].groups
    if name not in groups:
        raise ServiceError("ResourceNotFoundException", "The specified log group does not exist.")
    return groups[name]


@operation("logs", "AssociateKmsKey")
def associate_kms_key(call: Call, params: Params) -> Params:
    """Encrypt what is written to a group from now on."""
    if not references.exists(call, "key", params["kmsKeyId"]):
        raise checks.unusable_log_key(call, _name(params))
    _group(call, params).kms_key_id = params["kmsKeyId"]
    return {}


@operation("logs", "DisassociateKmsKey")
def disassociate_kms_key(call: Call, params: Params) -> Params:
    """Encrypt no more than the service itself does."""
    _group(call, params).kms_key_id = None
    return {}
