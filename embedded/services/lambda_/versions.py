"""Lambda: published versions, and the aliases that point at them."""

from typing import Any

from botocore.exceptions import ClientError
from moto.awslambda.responses import LambdaResponse

from embedded import moto_patches
from embedded.cloudformation.context import Context
from embedded.cloudformation.errors import ResourceError
from embedded.cloudformation.providers.base import Made, Props, Provider, provider
from embedded.cloudformation.providers.declared import is_absent

_invoke = LambdaResponse.invoke


def _invoke_qualified(response: Any) -> Any:
    given = response.querystring.get("Qualifier")
    if given:
        response.querystring["qualifier"] = given
    return _invoke(response)


moto_patches.replace(LambdaResponse, "invoke", _invoke_qualified, reason="it does not read the Qualifier of a request")


@provider
class Version(Provider):
    """`AWS::Lambda::Version`."""

    type = "AWS::Lambda::Version"

    def create(self, props: Props, ctx: Context) -> Made:
        """Publish the function as it is; one that has not changed since the last version makes none."""
        client, name = ctx.client("lambda"), props["FunctionName"]
        latest = client.get_function_configuration(FunctionName=name)
        if props.get("CodeSha256", latest["CodeSha256"]) != latest["CodeSha256"]:
            raise ResourceError(
                f"CodeSHA256 ({props['CodeSha256']}) is different from current CodeSHA256 in $LATEST "
                f"({latest['CodeSha256']}). Please try again with the CodeSHA256 in $LATEST."
            )
        there = {item["Version"] for item in client.list_versions_by_function(FunctionName=name)["Versions"]}
        made = client.publish_version(FunctionName=name, Description=str(props.get("Description", "")))
        if made["Version"] in there:
            raise ResourceError(
                f"A version for this Lambda function exists ( {made['Version']} ). "
                "Modify the function to create a new version."
            )
        arn = _qualified(made["FunctionArn"], made["Version"])
        return Made(physical_id=arn, attributes={"FunctionArn": arn, "Version": made["Version"]})

    def update(self, physical_id: str, old: Props, new: Props, ctx: Context) -> Made:
        """A version never changes: on AWS too, what differs here is the stack's own."""
        version = physical_id.rsplit(":", 1)[-1]
        return Made(physical_id=physical_id, attributes={"FunctionArn": physical_id, "Version": version})

    def delete(self, physical_id: str, props: Props, ctx: Context) -> None:
        """Delete this version and no other."""
        name, version = physical_id.rsplit(":", 1)
        try:
            ctx.client("lambda").delete_function(FunctionName=name, Qualifier=version)
        except ClientError as error:
            if not is_absent(error):
                raise

    def read(self, physical_id: str, props: Props, ctx: Context) -> Props | None:
        """The version's configuration."""
        name, version = physical_id.rsplit(":", 1)
        try:
            answer = ctx.client("lambda").get_function(FunctionName=name, Qualifier=version)
        except ClientError as error:
            if is_absent(error):
                return None
            raise
        return {**answer["Configuration"], "FunctionName": props["FunctionName"]}


def _qualified(arn: str, version: str) -> str:
    return arn if arn.count(":") == _PARTS_WITH_VERSION else f"{arn}:{version}"


_PARTS_WITH_VERSION = 7
"""The colons of a function's ARN that ends in a version or an alias."""


@provider
class Alias(Provider):
    """`AWS::Lambda::Alias`."""

    type = "AWS::Lambda::Alias"

    def create(self, props: Props, ctx: Context) -> Made:
        """Create it."""
        made = ctx.client("lambda").create_alias(Name=props["Name"], **self._params(props))
        return self._made(made["AliasArn"])

    @staticmethod
    def _made(arn: str) -> Made:
        return Made(physical_id=arn, attributes={"AliasArn": arn})

    @staticmethod
    def _params(props: Props) -> dict[str, Any]:
        weights = (props.get("RoutingConfig") or {}).get("AdditionalVersionWeights", [])
        return {
            "FunctionName": _name(props),
            "FunctionVersion": str(props["FunctionVersion"]),
            "Description": str(props.get("Description", "")),
            "RoutingConfig": {
                "AdditionalVersionWeights": {
                    str(item["FunctionVersion"]): float(item["FunctionWeight"]) for item in weights
                }
            },
        }

    def update(self, physical_id: str, old: Props, new: Props, ctx: Context) -> Made:
        """Point it elsewhere."""
        ctx.client("lambda").update_alias(Name=new["Name"], **self._params(new))
        return self._made(physical_id)

    def delete(self, physical_id: str, props: Props, ctx: Context) -> None:
        """Delete it; the version stays."""
        try:
            ctx.client("lambda").delete_alias(FunctionName=_name(props), Name=props["Name"])
        except ClientError as error:
            if not is_absent(error):
                raise

    def read(self, physical_id: str, props: Props, ctx: Context) -> Props | None:
        """Where it points."""
        try:
            found: Props = dict(ctx.client("lambda").get_alias(FunctionName=_name(props), Name=props["Name"]))
        except ClientError as error:
            if is_absent(error):
                return None
            raise
        weights = (found.pop("RoutingConfig", None) or {}).get("AdditionalVersionWeights") or {}
        found["FunctionName"] = props["FunctionName"]
        found["RoutingConfig"] = {
            "AdditionalVersionWeights": [
                {"FunctionVersion": version, "FunctionWeight": weight} for version, weight in weights.items()
            ]
        }
        return found


def _name(props: Props) -> str:
    """The function's name: a template may give its ARN."""
    return str(props["FunctionName"]).rsplit(":", 1)[-1]
