"""Operations on builds."""

import time
import uuid
from collections.abc import Mapping
from typing import Any

from embedded.operations import Call, Params, ServiceError, operation
from embedded.services.codebuild import running
from embedded.services.codebuild.projects import arn_of, find, invalid
from embedded.services.codebuild.store import Build, Json, add, builds, lock, next_number

_OVERRIDES = {
    "privilegedMode": "privilegedModeOverride",
    "image": "imageOverride",
    "computeType": "computeTypeOverride",
    "type": "environmentTypeOverride",
}
_KNOWN = {
    *_OVERRIDES.values(),
    *("projectName", "environmentVariablesOverride", "buildspecOverride", "timeoutInMinutesOverride"),
    *("sourceLocationOverride", "sourceTypeOverride", "idempotencyToken"),
}
_tokens: dict[tuple[str, str, str], str] = {}


@operation("codebuild", "StartBuild")
def start(call: Call, params: Params) -> Mapping[str, Any]:
    """Start a build of a project, with what is given in place of the project's own."""
    unknown = sorted(set(params) - _KNOWN)
    if unknown:
        raise ServiceError(
            "NotImplemented", f"the embedded cloud does not emulate {', '.join(unknown)} of a build", 501
        )
    project = find(call, params["projectName"])
    token = (call.account, call.region, params.get("idempotencyToken", ""))
    with lock:
        known = builds(call).get(_tokens.get(token, ""))
        if token[2] and known is not None:
            return {"build": known.describe()}
        build = _new(call, project, params)
        add(build)
        _tokens[token] = build.answer["id"]
    running.start(build)
    return {"build": build.describe()}


def _new(call: Call, project: Json, params: Params) -> Build:
    name, unique = project["name"], str(uuid.uuid4())
    source = {**project["source"]}
    for field, key in (("sourceTypeOverride", "type"), ("sourceLocationOverride", "location")):
        if field in params:
            source[key] = params[field]
    build_id = f"{name}:{unique}"
    answer: Json = {
        "id": build_id,
        "arn": f"arn:aws:codebuild:{call.region}:{call.account}:build/{build_id}",
        "buildNumber": next_number(arn_of(call, name)),
        "startTime": time.time(),
        "currentPhase": "QUEUED",
        "buildStatus": "IN_PROGRESS",
        "buildComplete": False,
        "projectName": name,
        "source": source,
        "artifacts": {"location": ""},
        "cache": project["cache"],
        "environment": _environment(project["environment"], params),
        "serviceRole": project["serviceRole"],
        "logs": _logs(call, project, unique),
        "timeoutInMinutes": params.get("timeoutInMinutesOverride", project["timeoutInMinutes"]),
        "queuedTimeoutInMinutes": project["queuedTimeoutInMinutes"],
        "initiator": call.principal.partition("/")[2] or "root",
        "encryptionKey": project.get("encryptionKey", f"arn:aws:kms:{call.region}:{call.account}:alias/aws/s3"),
    }
    text = params.get("buildspecOverride", source.get("buildspec", ""))
    made = Build(account=call.account, region=call.region, answer=answer, buildspec=text)
    made.enter("SUBMITTED")
    made.leave("SUCCEEDED")
    made.enter("QUEUED")
    return made


def _environment(own: Json, params: Params) -> Json:
    changed = {key: params[field] for key, field in _OVERRIDES.items() if field in params}
    variables = {one["name"]: one for one in own.get("environmentVariables", ())}
    variables |= {one["name"]: one for one in params.get("environmentVariablesOverride", ())}
    kinds = sorted({one.get("type", "PLAINTEXT") for one in variables.values()} - {"PLAINTEXT"})
    if kinds:
        raise ServiceError("NotImplemented", f"the embedded cloud reads no variables of {', '.join(kinds)}", 501)
    return {**own, **changed, "environmentVariables": list(variables.values())}


def _logs(call: Call, project: Json, unique: str) -> Json:
    given = project.get("logsConfig", {}).get("cloudWatchLogs", {})
    group = given.get("groupName", f"/aws/codebuild/{project['name']}")
    stream = f"{given['streamName']}/{unique}" if given.get("streamName") else unique
    arn = f"arn:aws:logs:{call.region}:{call.account}:log-group:{group}:log-stream:{stream}"
    link = f"https://console.aws.amazon.com/cloudwatch/home?region={call.region}#logsV2:log-groups/log-group/{group}"
    return {"groupName": group, "streamName": stream, "cloudWatchLogsArn": arn, "deepLink": link}


@operation("codebuild", "BatchGetBuilds")
def describe(call: Call, params: Params) -> Mapping[str, Any]:
    """Describe those that are there."""
    there, names = builds(call), [one.rpartition("/")[2] for one in params["ids"]]
    return {
        "builds": [there[name].describe() for name in names if name in there],
        "buildsNotFound": [name for name in names if name not in there],
    }


@operation("codebuild", "StopBuild")
def stop(call: Call, params: Params) -> Mapping[str, Any]:
    """Stop a build; one that has ended stays as it is."""
    build = builds(call).get(params["id"].rpartition("/")[2])
    if build is None:
        raise ServiceError("ResourceNotFoundException", f"Build cannot be found: {params['id']}")
    build.is_stopped = True
    return {"build": build.describe()}


@operation("codebuild", "ListBuilds")
def names(call: Call, params: Params) -> Mapping[str, Any]:
    """The ids of all builds, newest first."""
    if params.get("sortOrder") not in (None, "ASCENDING", "DESCENDING"):
        raise invalid(f"Invalid sortOrder: {params['sortOrder']}")
    found = list(builds(call))
    return {"ids": found if params.get("sortOrder") == "ASCENDING" else found[::-1]}
