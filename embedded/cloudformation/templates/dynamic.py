"""Dynamic references: `{{resolve:ssm:NAME}}` and `{{resolve:secretsmanager:ID:SecretString:KEY}}` in a property.

The stack keeps the reference, the service gets the value: a changed value alone is no change of the stack, as on AWS.
"""

import json
import re
from typing import Any

from botocore.exceptions import ClientError

from embedded.cloudformation.context import Context
from embedded.cloudformation.errors import NotEmulated, ResourceError

_REFERENCE = re.compile(r"\{\{resolve:([a-z-]+):([^{}]+)\}\}")
_SECRET = re.compile(r"(arn:[^:]+:secretsmanager:[^:]*:[^:]*:secret:[^:]+|[^:]+)(?::(.*))?")


def resolve(value: Any, ctx: Context) -> Any:
    """The value with what its references stand for, read anew; the value itself is left as it is."""
    if isinstance(value, dict):
        return {key: resolve(item, ctx) for key, item in value.items()}
    if isinstance(value, list):
        return [resolve(item, ctx) for item in value]
    if isinstance(value, str) and "{{resolve:" in value:
        return _REFERENCE.sub(lambda match: _read(match[1], match[2].strip(), ctx), value)
    return value


def _read(service: str, rest: str, ctx: Context) -> str:
    try:
        if service == "ssm":
            # a version is part of the name for the Systems Manager too
            found = ctx.client("ssm").get_parameter(Name=rest)
            return str(found["Parameter"]["Value"])
        if service == "secretsmanager":
            return _secret(rest, ctx)
    except ClientError as error:
        what = error.response["Error"].get("Message", "")
        raise ResourceError(f"Could not resolve {{{{resolve:{service}:{rest}}}}}: {what}") from None
    raise NotEmulated(f"the embedded cloud does not resolve {{{{resolve:{service}:{rest}}}}}")


def _secret(rest: str, ctx: Context) -> str:
    match = _SECRET.fullmatch(rest)
    if match is None:
        raise ResourceError(f"{{{{resolve:secretsmanager:{rest}}}}} names no secret")
    _, key, stage, version = [*(match[2] or "").split(":"), "", "", "", ""][:4]
    which = {"VersionStage": stage, "VersionId": version}
    chosen = {name: text for name, text in which.items() if text}
    text = str(ctx.client("secretsmanager").get_secret_value(SecretId=match[1], **chosen)["SecretString"])
    if not key:
        return text
    try:
        return str(json.loads(text)[key])
    except (ValueError, KeyError, TypeError):
        raise ResourceError(f"Could not find a value associated with JSONKey {key} in the secret {match[1]}") from None
