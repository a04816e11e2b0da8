"""Lambda: functions and the permissions to call them."""

import base64
import hashlib
import io
import json
import uuid
import zipfile
from pathlib import Path
from typing import Any

from botocore.exceptions import ClientError
from moto.awslambda.models import lambda_backends

from embedded import clients
from embedded.cloudformation.context import Context
from embedded.cloudformation.errors import NotEmulated
from embedded.cloudformation.providers.base import Made, Props, Provider, provider
from embedded.cloudformation.providers.declared import is_absent
from embedded.cloudformation.providers.shapes import call, tag_changes, tag_list, without
from embedded.services.lambda_ import cfnresponse

_ANSWERING = Path(cfnresponse.__file__).read_text()
_ELSEWHERE = ("Code", "FunctionName", "ReservedConcurrentExecutions", "Tags")


def _code(props: Props) -> dict[str, Any]:
    code = props["Code"]
    if "ZipFile" in code:
        if "ImageUri" in code:
            raise NotEmulated("a function has either a ZipFile or an ImageUri")
        packed = io.BytesIO()
        with zipfile.ZipFile(packed, "w") as archive:
            name = "index.js" if str(props.get("Runtime", "")).startswith("node") else "index.py"
            archive.writestr(name, code["ZipFile"])
            if name == "index.py":
                # Lambda puts it there for code in a template, and only for that
                archive.writestr("cfnresponse.py", _ANSWERING)
        return {"ZipFile": packed.getvalue()}
    return {key: code[key] for key in ("S3Bucket", "S3Key", "S3ObjectVersion", "ImageUri") if key in code}


@provider
class Function(Provider):
    """`AWS::Lambda::Function`."""

    type = "AWS::Lambda::Function"

    def create(self, props: Props, ctx: Context) -> Made:
        """Create it."""
        name = str(props.get("FunctionName", ctx.name(64)))
        params = without(props, *_ELSEWHERE)
        tags = {item["Key"]: item["Value"] for item in tag_list(props.get("Tags"))}
        call(
            ctx.client("lambda"),
            "CreateFunction",
            {**params, "FunctionName": name, "Code": _code(props), "Tags": tags, "Publish": False},
        )
        ctx.begin(name)
        self._set_concurrency(name, {}, props, ctx)
        return self._made(name, ctx)

    def mark(self, physical_id: str, ctx: Context) -> None:
        """Put the stack's tags on it."""
        arn = ctx.arn("lambda", f"function:{physical_id}")
        lambda_backends[ctx.account][ctx.region].tag_resource(arn, ctx.stack_tags)

    @staticmethod
    def _made(name: str, ctx: Context) -> Made:
        return Made(physical_id=name, attributes={"Arn": ctx.arn("lambda", f"function:{name}")})

    @staticmethod
    def _set_concurrency(name: str, old: Props, new: Props, ctx: Context) -> None:
        wanted = new.get("ReservedConcurrentExecutions")
        if wanted is not None:
            ctx.client("lambda").put_function_concurrency(FunctionName=name, ReservedConcurrentExecutions=int(wanted))
        elif "ReservedConcurrentExecutions" in old:
            ctx.client("lambda").delete_function_concurrency(FunctionName=name)

    def update(self, physical_id: str, old: Props, new: Props, ctx: Context) -> Made:
        """Change code, configuration and tags, each if it differs."""
        client = ctx.client("lambda")
        architectures = {"Architectures": new["Architectures"]} if "Architectures" in new else {}
        if old["Code"] != new["Code"] or old.get("Architectures") != new.get("Architectures"):
            client.update_function_code(FunctionName=physical_id, **_code(new), **architectures)
        before, after = (without(item, *_ELSEWHERE, "Architectures", "PackageType") for item in (old, new))
        if before != after:
            cleared = {key: _EMPTY[key] for key in before if key not in after and key in _EMPTY}
            call(client, "UpdateFunctionConfiguration", {"FunctionName": physical_id, **cleared, **after})
        self._set_concurrency(physical_id, old, new, ctx)
        made = self._made(physical_id, ctx)
        changed, removed = tag_changes(old.get("Tags"), new.get("Tags"))
        if changed:
            client.tag_resource(Resource=made.attributes["Arn"], Tags=changed)
        if removed:
            client.untag_resource(Resource=made.attributes["Arn"], TagKeys=removed)
        return made

    def delete(self, physical_id: str, props: Props, ctx: Context) -> None:
        """Delete it."""
        try:
            ctx.client("lambda").delete_function(FunctionName=physical_id)
        except ClientError as error:
            if not is_absent(error):
                raise

    def read(self, physical_id: str, props: Props, ctx: Context) -> Props | None:
        """Its configuration and its tags."""
        client = ctx.client("lambda")
        try:
            answer = client.get_function(FunctionName=physical_id)
        except ClientError as error:
            if is_absent(error):
                return None
            raise
        found: Props = dict(answer["Configuration"])
        if "S3Key" in props["Code"]:
            same = found["CodeSha256"] == _sha256_in_s3(props["Code"], ctx)
            found["Code"] = props["Code"] if same else {"S3Key": f"something with the hash {found['CodeSha256']}"}
        else:
            found["Code"] = props["Code"]
        found["Layers"] = [layer["Arn"] for layer in found.get("Layers") or ()]
        found["Tags"] = tag_list(answer.get("Tags"))
        if "ReservedConcurrentExecutions" in props:
            concurrency = client.get_function_concurrency(FunctionName=physical_id)
            found["ReservedConcurrentExecutions"] = concurrency.get("ReservedConcurrentExecutions")
        return found


def _sha256_in_s3(code: Props, ctx: Context) -> str:
    """The hash of the bundle that the template names, as Lambda writes it."""
    version = {"VersionId": code["S3ObjectVersion"]} if "S3ObjectVersion" in code else {}
    body = clients.client("s3", ctx.account, ctx.region).get_object(
        Bucket=code["S3Bucket"], Key=code["S3Key"], **version
    )["Body"]
    return base64.b64encode(hashlib.sha256(body.read()).digest()).decode()


_EMPTY: dict[str, Any] = {
    "Environment": {"Variables": {}},
    "Description": "",
    "Layers": [],
    "VpcConfig": {"SubnetIds": [], "SecurityGroupIds": []},
    "DeadLetterConfig": {"TargetArn": ""},
}
"""What UpdateFunctionConfiguration is told for a property that the template no longer has."""


@provider
class Permission(Provider):
    """`AWS::Lambda::Permission`."""

    type = "AWS::Lambda::Permission"

    def create(self, props: Props, ctx: Context) -> Made:
        """Add a statement to the function's policy."""
        statement = f"{ctx.stack_name}-{ctx.logical_id}-{uuid.uuid4().hex[:12]}"[-100:]
        ctx.client("lambda").add_permission(StatementId=statement, **props)
        return Made(physical_id=statement)

    def delete(self, physical_id: str, props: Props, ctx: Context) -> None:
        """Take the statement out again."""
        try:
            ctx.client("lambda").remove_permission(FunctionName=props["FunctionName"], StatementId=physical_id)
        except ClientError as error:
            if not is_absent(error):
                raise

    def read(self, physical_id: str, props: Props, ctx: Context) -> Props | None:
        """The statement as the function's policy has it."""
        try:
            policy = json.loads(ctx.client("lambda").get_policy(FunctionName=props["FunctionName"])["Policy"])
        except ClientError as error:
            if is_absent(error):
                return None
            raise
        statement = next((item for item in policy["Statement"] if item.get("Sid") == physical_id), None)
        if statement is None:
            return None
        principal = statement["Principal"]
        conditions = statement.get("Condition", {})
        return {
            "FunctionName": props["FunctionName"],
            "Action": statement["Action"],
            "Principal": next(iter(principal.values())) if isinstance(principal, dict) else principal,
            "SourceAccount": conditions.get("StringEquals", {}).get("AWS:SourceAccount"),
            "SourceArn": conditions.get("ArnLike", {}).get("AWS:SourceArn"),
            "FunctionUrlAuthType": conditions.get("StringEquals", {}).get("lambda:FunctionUrlAuthType"),
            "InvokedViaFunctionUrl": conditions.get("Bool", {}).get("lambda:InvokedViaFunctionUrl"),
        }
