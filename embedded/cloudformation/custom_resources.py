"""Custom resources: a function is invoked, and answers at a URL of ours. And types that are only the stack's own."""

import json
import uuid
from typing import Any

from botocore.exceptions import ClientError

from embedded import clients, clock
from embedded.cloudformation.context import Context
from embedded.cloudformation.errors import ResourceError
from embedded.cloudformation.providers.base import Made, Props, Provider, provider
from embedded.cloudformation.providers.shapes import without
from embedded.operations import Params, ServiceError, admin

_LONGEST_SECONDS = 3600
_MAX_ANSWER_BYTES = 4096


class _Waiting:
    """An answer that is still to come."""

    def __init__(self) -> None:
        self.arrived = clock.Event()
        self.answer: dict[str, Any] = {}


_waiting: dict[str, _Waiting] = {}


@admin("cfn-response", own_token=True)
def take_answer(params: Params) -> dict[str, Any]:
    """Take a custom resource's answer: the PUT to its ResponseURL."""
    token = params.pop("token", "")
    waiting = _waiting.get(token)
    if waiting is None:
        raise ServiceError("NoSuchKey", "no custom resource waits for this answer: it came too late, or twice", 403)
    waiting.answer = params
    waiting.arrived.set()
    return {}


def _texts(value: Any) -> Any:
    """CloudFormation hands a custom resource every scalar as text."""
    if isinstance(value, dict):
        return {key: _texts(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_texts(item) for item in value]
    if isinstance(value, bool):
        return str(value).lower()
    return value if isinstance(value, str) else str(value)


def _timeout_seconds(props: Props) -> int:
    given = props.get("ServiceTimeout", _LONGEST_SECONDS)
    if not str(given).isdigit() or not 1 <= int(given) <= _LONGEST_SECONDS:
        raise ResourceError(f"ServiceTimeout must be an integer from 1 to {_LONGEST_SECONDS} seconds, not {given!r}")
    return int(given)


def _unnamed(ctx: Context, token: str) -> str:
    """A physical id for what its function gave none."""
    return f"{ctx.logical_id}-{token[:8]}"


@provider
class CustomResource(Provider):
    """`Custom::Name` and `AWS::CloudFormation::CustomResource`."""

    type = "AWS::CloudFormation::CustomResource"

    def create(self, props: Props, ctx: Context) -> Made:
        """Send Create."""
        return self._send("Create", props, ctx)

    def update(self, physical_id: str, old: Props, new: Props, ctx: Context) -> Made:
        """Send Update with the old properties; an answer with another physical id is a replacement."""
        return self._send("Update", new, ctx, physical_id=physical_id, old=old)

    def delete(self, physical_id: str, props: Props, ctx: Context) -> None:
        """Send Delete."""
        self._send("Delete", props, ctx, physical_id=physical_id)

    def replaces(self, old: Props, new: Props) -> bool:
        """Another function means another resource."""
        return bool(old.get("ServiceToken") != new.get("ServiceToken"))

    def read(self, physical_id: str, props: Props, ctx: Context) -> Props | None:
        """Only its function knows; that the function is there is what can be seen from outside."""
        try:
            ctx.client("lambda").get_function(FunctionName=props["ServiceToken"])
        except ClientError:
            return None
        return {"ServiceToken": props["ServiceToken"]}

    def _send(
        self, kind: str, props: Props, ctx: Context, *, physical_id: str | None = None, old: Props | None = None
    ) -> Made:
        timeout = _timeout_seconds(props)
        token = uuid.uuid4().hex
        waiting = _waiting[token] = _Waiting()
        try:
            self._invoke(kind, props, ctx, token, physical_id, old)
            if not waiting.arrived.wait(timeout, at_least=min(timeout, self._work_seconds(props, ctx))):
                if kind == "Create":
                    # it may have made something before it fell silent
                    ctx.begin(_unnamed(ctx, token))
                raise ResourceError(
                    "CloudFormation did not receive a response from your Custom Resource within "
                    f"{timeout} s. Please check your logs for requestId [{token}]. If you are using the Python "
                    "cfn-response module, you may need to update your Lambda function code so that CloudFormation "
                    "can attach the updated version."
                )
        finally:
            del _waiting[token]
        return self._made(kind, waiting.answer, ctx, token, physical_id)

    @staticmethod
    def _work_seconds(props: Props, ctx: Context) -> float:
        """How long the function may be at work: however fast the clock runs, it works no faster."""
        try:
            found = ctx.client("lambda").get_function_configuration(FunctionName=props["ServiceToken"])
        except ClientError:
            return 0.0  # it was deleted meanwhile
        return float(found["Timeout"])

    def _invoke(
        self, kind: str, props: Props, ctx: Context, token: str, physical_id: str | None, old: Props | None
    ) -> None:
        event: dict[str, Any] = {
            "RequestType": kind,
            "ServiceToken": props["ServiceToken"],
            "ResponseURL": f"{clients.endpoint()}/_yard/cfn-response?token={token}",
            "StackId": ctx.stack_arn,
            "RequestId": token,
            "LogicalResourceId": ctx.logical_id,
            "ResourceType": ctx.type,
            "ResourceProperties": _texts(without(props, "ServiceTimeout")),
        }
        if physical_id is not None:
            event["PhysicalResourceId"] = physical_id
        if old is not None:
            event["OldResourceProperties"] = _texts(without(old, "ServiceTimeout"))
        ctx.client("lambda").invoke(
            FunctionName=props["ServiceToken"], InvocationType="Event", Payload=json.dumps(event).encode()
        )

    @staticmethod
    def _made(kind: str, answer: dict[str, Any], ctx: Context, token: str, physical_id: str | None) -> Made:
        found = answer.get("PhysicalResourceId")
        if found:
            ctx.begin(found)
        elif kind == "Create":
            # a function that failed before it had a name for the thing is still sent a Delete for it
            ctx.begin(_unnamed(ctx, token))
        if answer.get("Status") != "SUCCESS":
            raise ResourceError(
                f"Received response status [FAILED] from custom resource. Message returned: "
                f"{answer.get('Reason', 'none')} (RequestId: {token})"
            )
        if not found and kind != "Delete":
            raise ResourceError("Invalid PhysicalResourceId: the custom resource answered without one")
        if len(json.dumps(answer)) > _MAX_ANSWER_BYTES:
            raise ResourceError("Response object is too long: a custom resource may answer at most 4096 bytes")
        return Made(physical_id=found or physical_id or "", attributes=answer.get("Data") or {})


class _Recorded(Provider):
    """A type that exists nowhere but in the stack, on AWS too."""

    def create(self, props: Props, ctx: Context) -> Made:
        """Nothing to make."""
        return Made(physical_id=ctx.name())

    def update(self, physical_id: str, old: Props, new: Props, ctx: Context) -> Made:
        """Nothing to change."""
        return Made(physical_id=physical_id)

    def delete(self, physical_id: str, props: Props, ctx: Context) -> None:
        """Nothing to take away."""

    def read(self, physical_id: str, props: Props, ctx: Context) -> Props | None:
        """What the stack says is what there is."""
        return dict(props)


@provider
class CdkMetadata(_Recorded):
    """What CDK counts its users by."""

    type = "AWS::CDK::Metadata"


@provider
class WaitConditionHandle(_Recorded):
    """A URL that nobody waits at: CDK uses it as a resource that is nothing."""

    type = "AWS::CloudFormation::WaitConditionHandle"
