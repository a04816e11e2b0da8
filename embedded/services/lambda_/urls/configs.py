"""What a function's URL is set to; it is kept with its function, and goes with it."""

import secrets
import string
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from moto.awslambda.models import lambda_backends

from embedded import clients
from embedded.operations import Call, Params, ServiceError, operation
from embedded.services.lambda_.operations import RealFunction

PREFIX = "/_url/"
"""What the path of every function URL begins with: names below localhost are not looked up on every machine."""
_ALPHABET = string.ascii_lowercase + string.digits
_ID_LENGTH = 32


@dataclass(kw_only=True, slots=True)
class UrlConfig:
    """A URL of a function, or of one of its aliases."""

    id: str
    qualifier: str | None
    auth: str
    cors: dict[str, Any] | None
    mode: str
    created: datetime = field(default_factory=lambda: datetime.now(UTC))
    modified: datetime = field(default_factory=lambda: datetime.now(UTC))


def _describe(function: RealFunction, config: UrlConfig) -> dict[str, Any]:
    arn = _bare_arn(function)
    described = {
        "FunctionUrl": f"{clients.endpoint()}{PREFIX}{config.id}/",
        "FunctionArn": arn if config.qualifier is None else f"{arn}:{config.qualifier}",
        "AuthType": config.auth,
        "CreationTime": _stamp(config.created),
        "LastModifiedTime": _stamp(config.modified),
        "InvokeMode": config.mode,
    }
    return described if config.cors is None else {**described, "Cors": config.cors}


def _bare_arn(function: RealFunction) -> str:
    return ":".join(function.function_arn.split(":")[:7])


def _stamp(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def _function(call: Call, params: Params) -> RealFunction:
    try:
        found: RealFunction = lambda_backends[call.account][call.region].get_function(params["FunctionName"], None)
    except Exception as error:
        arn = f"arn:aws:lambda:{call.region}:{call.account}:function:{params['FunctionName'].split(':')[-1]}"
        raise ServiceError("ResourceNotFoundException", f"Function not found: {arn}", 404) from error
    return found


def _config(function: RealFunction, params: Params) -> UrlConfig:
    found: UrlConfig | None = function.urls.get(params.get("Qualifier"))
    if found is None:
        raise ServiceError("ResourceNotFoundException", "The resource you requested does not exist.", 404)
    return found


@operation("lambda", "CreateFunctionUrlConfig")
def create(call: Call, params: Params) -> dict[str, Any]:
    """Give a function a URL."""
    function, qualifier = _function(call, params), params.get("Qualifier")
    if qualifier in function.urls:
        text = f"Failed to create function url config for [functionArn = {_bare_arn(function)}]. "
        text += f"Error message:  FunctionUrlConfig exists for this Lambda function: [{_bare_arn(function)}]"
        raise ServiceError("ResourceConflictException", text, 409)
    config = UrlConfig(
        id="".join(secrets.choice(_ALPHABET) for _ in range(_ID_LENGTH)),
        qualifier=qualifier,
        auth=params["AuthType"],
        cors=params.get("Cors"),
        mode=params.get("InvokeMode", "BUFFERED"),
    )
    function.urls[qualifier] = config
    return _describe(function, config)


@operation("lambda", "GetFunctionUrlConfig")
def get(call: Call, params: Params) -> dict[str, Any]:
    """Describe a function's URL."""
    function = _function(call, params)
    return _describe(function, _config(function, params))


@operation("lambda", "ListFunctionUrlConfigs")
def list_configs(call: Call, params: Params) -> dict[str, Any]:
    """List the URLs of a function and of its aliases."""
    function = _function(call, params)
    return {"FunctionUrlConfigs": [_describe(function, config) for config in function.urls.values()]}


@operation("lambda", "UpdateFunctionUrlConfig")
def update(call: Call, params: Params) -> dict[str, Any]:
    """Change a function's URL; the address stays."""
    function = _function(call, params)
    config = _config(function, params)
    config.auth, config.mode = params.get("AuthType", config.auth), params.get("InvokeMode", config.mode)
    config.cors = params.get("Cors", config.cors)
    config.modified = datetime.now(UTC)
    return _describe(function, config)


@operation("lambda", "DeleteFunctionUrlConfig")
def delete(call: Call, params: Params) -> dict[str, Any]:
    """Take a function's URL away."""
    function = _function(call, params)
    del function.urls[_config(function, params).qualifier]
    return {}


def find(wanted: str) -> tuple[RealFunction, UrlConfig] | None:
    """The function behind an address, and what the address is set to."""
    for regions in list(lambda_backends.values()):
        for backend in list(regions.values()):
            for function in list(backend._lambdas.latest()):
                for config in list(function.urls.values()):
                    if config.id == wanted:
                        return function, config
    return None
