"""Lambda: function URLs as resources of a stack."""

from typing import Any

from botocore.exceptions import ClientError

from embedded.cloudformation.context import Context
from embedded.cloudformation.providers.base import Made, Props, Provider, provider
from embedded.cloudformation.providers.declared import is_absent
from embedded.cloudformation.providers.shapes import call


def _where(props: Props) -> dict[str, Any]:
    where = {"FunctionName": props["TargetFunctionArn"]}
    return {**where, "Qualifier": props["Qualifier"]} if "Qualifier" in props else where


@provider
class Url(Provider):
    """`AWS::Lambda::Url`."""

    type = "AWS::Lambda::Url"

    def create(self, props: Props, ctx: Context) -> Made:
        """Create it."""
        return self._put("CreateFunctionUrlConfig", props, ctx)

    @staticmethod
    def _put(operation: str, props: Props, ctx: Context) -> Made:
        rest = {key: value for key, value in props.items() if key not in ("TargetFunctionArn", "Qualifier")}
        made = call(ctx.client("lambda"), operation, {**_where(props), **rest})
        arn = made["FunctionArn"]
        return Made(physical_id=arn, attributes={"FunctionArn": arn, "FunctionUrl": made["FunctionUrl"]})

    def update(self, physical_id: str, old: Props, new: Props, ctx: Context) -> Made:
        """Change it; the address stays."""
        gone: Props = {"Cors": {}} if "Cors" in old and "Cors" not in new else {}
        return self._put("UpdateFunctionUrlConfig", {"InvokeMode": "BUFFERED", **gone, **new}, ctx)

    def delete(self, physical_id: str, props: Props, ctx: Context) -> None:
        """Take it away."""
        try:
            ctx.client("lambda").delete_function_url_config(**_where(props))
        except ClientError as error:
            if not is_absent(error):
                raise

    def read(self, physical_id: str, props: Props, ctx: Context) -> Props | None:
        """What the service says of it."""
        try:
            found: Props = ctx.client("lambda").get_function_url_config(**_where(props))
        except ClientError as error:
            if is_absent(error):
                return None
            raise
        named: Props = {key: props[key] for key in ("TargetFunctionArn", "Qualifier") if key in props}
        return {**found, **named}
