"""Operations on projects."""

import time
from collections.abc import Mapping
from typing import Any

from embedded.access import roles
from embedded.operations import Call, Params, ServiceError, operation
from embedded.services.codebuild.access import SERVICE
from embedded.services.codebuild.store import Json, builds, lock, projects

_KNOWN = {
    *("name", "description", "source", "artifacts", "cache", "environment", "serviceRole", "timeoutInMinutes"),
    *("queuedTimeoutInMinutes", "encryptionKey", "tags", "logsConfig", "badgeEnabled"),
}
_DEFAULTS: Json = {"timeoutInMinutes": 60, "queuedTimeoutInMinutes": 480, "cache": {"type": "NO_CACHE"}}


def invalid(text: str) -> ServiceError:
    """An error about the caller's input."""
    return ServiceError("InvalidInputException", text)


def arn_of(call: Call, name: str) -> str:
    """A project's ARN."""
    return f"arn:aws:codebuild:{call.region}:{call.account}:project/{name}"


def find(call: Call, name: str) -> Json:
    """A project that is there."""
    found = projects(call.account, call.region).get(name.rpartition("/")[2])
    if found is None:
        raise ServiceError("ResourceNotFoundException", f"Project cannot be found: {arn_of(call, name)}")
    return found


@operation("codebuild", "CreateProject")
def create(call: Call, params: Params) -> Mapping[str, Any]:
    """Make a project."""
    _check(call, params)
    with lock:
        if params["name"] in projects(call.account, call.region):
            raise ServiceError(
                "ResourceAlreadyExistsException", f"Project already exists: {arn_of(call, params['name'])}"
            )
        now = time.time()
        made = {**_DEFAULTS, **params, "arn": arn_of(call, params["name"]), "created": now, "lastModified": now}
        made["badge"] = {"badgeEnabled": params.get("badgeEnabled", False)}
        made.pop("badgeEnabled", None)
        projects(call.account, call.region)[params["name"]] = made
    return {"project": made}


@operation("codebuild", "UpdateProject")
def update(call: Call, params: Params) -> Mapping[str, Any]:
    """Change what is given of a project."""
    project = find(call, params["name"])
    _check(call, {**project, **params}, given=params)
    with lock:
        project.update({**params, "lastModified": time.time()})
    return {"project": project}


def _check(call: Call, params: Params, *, given: Params | None = None) -> None:
    unknown = sorted(set(params if given is None else given) - _KNOWN)
    if unknown:
        raise ServiceError(
            "NotImplemented", f"the embedded cloud does not emulate {', '.join(unknown)} of a project", 501
        )
    if params["source"]["type"] not in ("S3", "NO_SOURCE"):
        raise ServiceError("NotImplemented", f"the embedded cloud reads no source of {params['source']['type']}", 501)
    if params["artifacts"]["type"] != "NO_ARTIFACTS":
        raise ServiceError("NotImplemented", "the embedded cloud keeps no artifacts of builds: NO_ARTIFACTS", 501)
    if params["source"]["type"] == "NO_SOURCE" and "buildspec" not in params["source"]:
        raise invalid("Project source with type NO_SOURCE must have a buildspec")
    if params["source"]["type"] == "S3" and "/" not in params["source"].get("location", ""):
        raise invalid("Project source location must be a bucket and a key: bucket/key")
    cache = params.get("cache", {})
    if cache.get("type") == "LOCAL" and not cache.get("modes"):
        raise invalid("Invalid cache: modes are required for LOCAL cache")
    privileged = params["environment"].get("privilegedMode", False)
    if "LOCAL_DOCKER_LAYER_CACHE" in cache.get("modes", ()) and not privileged:
        raise invalid("Invalid cache mode: LOCAL_DOCKER_LAYER_CACHE needs privilegedMode")
    for name, least, most in (("timeoutInMinutes", 5, 2160), ("queuedTimeoutInMinutes", 5, 480)):
        if not least <= params.get(name, least) <= most:
            raise invalid(f"Invalid {name}: {params[name]} is not between {least} and {most}")
    try:
        roles.assume(params["serviceRole"], service=SERVICE, session="check", region=call.region)
    except ServiceError as error:
        text = f"CodeBuild is not authorized to perform: sts:AssumeRole on service role ({error.message})"
        raise invalid(text) from error


@operation("codebuild", "DeleteProject")
def delete(call: Call, params: Params) -> Mapping[str, Any]:
    """Delete a project; its builds stay."""
    with lock:
        projects(call.account, call.region).pop(params["name"], None)
    return {}


@operation("codebuild", "BatchGetProjects")
def describe(call: Call, params: Params) -> Mapping[str, Any]:
    """Describe those that are there."""
    there = projects(call.account, call.region)
    names = [name.rpartition("/")[2] for name in params["names"]]
    return {
        "projects": [there[name] for name in names if name in there],
        "projectsNotFound": [name for name in names if name not in there],
    }


@operation("codebuild", "ListProjects")
def names(call: Call, params: Params) -> Mapping[str, Any]:
    """Every project's name."""
    return {"projects": sorted(projects(call.account, call.region), reverse=params.get("sortOrder") == "DESCENDING")}


@operation("codebuild", "ListBuildsForProject")
def builds_of(call: Call, params: Params) -> Mapping[str, Any]:
    """The ids of a project's builds, newest first."""
    find(call, params["projectName"])
    found = [name for name in builds(call) if name.partition(":")[0] == params["projectName"]]
    return {"ids": found if params.get("sortOrder") == "ASCENDING" else found[::-1]}
