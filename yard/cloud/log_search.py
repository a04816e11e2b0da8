"""FilterLogEvents with a prefix of stream names, which moto 5.2.5 leaves out: it answers with every stream's events."""

from moto.logs.models import LogGroup, logs_backends

from yard.cloud.registry import Call, Params, ServiceError, operation


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


def _group(call: Call, params: Params) -> LogGroup:
    name = params.get("logGroupName") or str(params.get("logGroupIdentifier", "")).rpartition(":log-group:")[2]
    groups = logs_backends[call.account][call.region].groups
    if name not in groups:
        raise ServiceError("ResourceNotFoundException", "The specified log group does not exist.")
    return groups[name]
