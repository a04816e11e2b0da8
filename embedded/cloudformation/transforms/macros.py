"""Macros of a user's own: a function is given a fragment of a template and answers another."""

import json
import uuid
from collections.abc import Mapping
from typing import Any

from botocore.exceptions import ClientError

from embedded import clients
from embedded.cloudformation.context import Context
from embedded.cloudformation.errors import ResourceError, TransformError
from embedded.cloudformation.providers.base import Made, Props, Provider, provider
from embedded.cloudformation.templates.parameters import Parameter
from embedded.kept import parts
from embedded.operations import Call

_macros: dict[tuple[str, str, str], Props] = {}
"""The macros of each account and region, by name."""
parts.keep_contents("cloudformation.macros", _macros)


@provider
class Macro(Provider):
    """`AWS::CloudFormation::Macro`: known to CloudFormation and to nobody else."""

    type = "AWS::CloudFormation::Macro"

    def create(self, props: Props, ctx: Context) -> Made:
        """Register it."""
        key = (ctx.account, ctx.region, str(props["Name"]))
        if key in _macros:
            raise ResourceError(f"{key[2]} already exists")
        _macros[key] = props
        return Made(physical_id=key[2])

    def update(self, physical_id: str, old: Props, new: Props, ctx: Context) -> Made:
        """Register it anew."""
        _macros[ctx.account, ctx.region, physical_id] = new
        return Made(physical_id=physical_id)

    def delete(self, physical_id: str, props: Props, ctx: Context) -> None:
        """Forget it."""
        _macros.pop((ctx.account, ctx.region, physical_id), None)

    def read(self, physical_id: str, props: Props, ctx: Context) -> Props | None:
        """As it was registered."""
        return _macros.get((ctx.account, ctx.region, physical_id))


def run(name: str, given: Mapping[str, Any], fragment: Any, call: Call, parameters: Mapping[str, Parameter]) -> Any:
    """What the macro's function makes of the fragment."""
    transform = f"{call.account}::{name}"
    found = _macros.get((call.account, call.region, name))
    if found is None:
        raise TransformError(f"No transform named {transform} found.")
    event = {
        "accountId": call.account,
        "fragment": fragment,
        "transformId": transform,
        "requestId": str(uuid.uuid4()),
        "region": call.region,
        "params": given,
        "templateParameterValues": {key: item.value for key, item in parameters.items()},
    }
    answer = _invoke(found["FunctionName"], event, transform, call)
    if str(answer.get("status", "")).lower() != "success":
        message = answer.get("errorMessage")
        reason = f"failed with: {message}" if message else "failed without an error message."
        raise TransformError(f"Transform {transform} {reason}")
    if answer.get("requestId") != event["requestId"] or "fragment" not in answer:
        raise TransformError(f"Received malformed response from transform {transform}")
    return answer["fragment"]


def _invoke(function: str, event: Mapping[str, Any], transform: str, call: Call) -> dict[str, Any]:
    client = clients.client("lambda", call.account, call.region)
    try:
        found = client.invoke(FunctionName=function, Payload=json.dumps(event).encode())
    except ClientError as error:
        raise TransformError(f"Transform {transform} failed with: {error.response['Error']['Message']}") from None
    try:
        answer = json.loads(found["Payload"].read())
    except ValueError:
        answer = None
    if found.get("FunctionError") or not isinstance(answer, dict):
        raise TransformError(f"Received malformed response from transform {transform}")
    return answer
